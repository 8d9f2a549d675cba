"""Originals for the minimizer's benchmark: violating runs of DEMi's size, found by fuzzing, one per seed.

Seed s of a bug is the first violating run, from run s * 100,000 on, of at least DEMi's number of
deliveries (any number for spark), with the published set-up of the study (the target's profile).  Kept
under build/originals/ with bug, length and seed in the name, so that a second measurement does not hunt
again; delete the folder after a change of a target or of the fuzzer.
"""

from __future__ import annotations

from pathlib import Path

from published import BUGS

from demi.fuzz.hunt import Plan, record_run
from demi.fuzz.parallel import hunt_parallel
from demi.scheduler.execute import Subject
from demi.target import configure
from demi.trace import Trace
from demi.trace_codec import load, save

CACHE = Path(__file__).parent.parent / "build" / "originals"
SEED_STRIDE = 100_000
RUNS_MAX = 20_000


def original(bug: str, seed: int, deliveries: int = 0, steps: int = 0) -> Trace | None:
    """The original of a bug and seed; None when no run shows it.

    deliveries: at least so many, 0 for the usual.  steps: the longest it may be, 0 for that of the study.
    """
    about = BUGS[bug]
    deliveries = deliveries or about.deliveries
    path = CACHE / f"{bug}-{deliveries}-{seed}.jsonl.gz"
    if path.exists():
        return load(path)
    target = about.target
    config = configure(target, about.name, dict(about.settings))
    profile = target.profile(config)
    plan = Plan(
        profile, profile.strategy, seed=seed * SEED_STRIDE, steps=steps or profile.steps,
        wanted=target.bugs[about.name].finds, deliveries_min=deliveries,
    )  # fmt: skip
    found = hunt_parallel(
        lambda: Subject(target, config), plan, runs=RUNS_MAX, seconds=0, workers=1
    ).found
    if not found:
        return None
    trace = record_run(Subject(target, config), plan, found[0].number)
    CACHE.mkdir(parents=True, exist_ok=True)
    save(trace, path)
    return trace

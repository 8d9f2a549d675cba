"""Originals for the minimizer's benchmark: violating runs of DEMi's size, found by fuzzing, one per seed.

Seed s of a bug is the first violating run, from run s * 100,000 on, of at least half of DEMi's
deliveries, with the published set-up of the study (`targets/raft/profile.py`).  Kept under
build/originals/ with the set-up in the name, so that a second measurement does not hunt again; delete the
folder after a change of the target or of the fuzzer.
"""

from __future__ import annotations

from pathlib import Path

from demi.fuzz.hunt import Plan, record_run
from demi.fuzz.parallel import hunt_parallel
from demi.scheduler.execute import Subject
from demi.target import configure
from demi.trace import Trace
from demi.trace_codec import load, save
from targets.raft import TARGET

CACHE = Path(__file__).parent.parent / "build" / "originals"
SEED_STRIDE = 100_000
RUNS_MAX = 20_000
VARIANTS = {"raft-42-max": "raft-42"}  # forms of a bug: the variant, and the bug it is one of


def original(bug: str, seed: int, deliveries: int, steps: int = 0) -> Trace | None:
    """The original of a bug and seed, of at least `deliveries`; None when no run shows it.

    steps: the longest that a run may be, 0 for that of the study.
    """
    path = CACHE / f"{bug}-{deliveries}-{seed}.jsonl.gz"
    if path.exists():
        return load(path)
    name = VARIANTS.get(bug, bug)
    config = configure(TARGET, name, {"variant": bug})
    profile = TARGET.profile(config)
    plan = Plan(
        profile, profile.strategy, seed=seed * SEED_STRIDE, steps=steps or profile.steps,
        wanted=TARGET.bugs[name].finds, deliveries_min=deliveries,
    )  # fmt: skip
    found = hunt_parallel(
        lambda: Subject(TARGET, config), plan, runs=RUNS_MAX, seconds=0, workers=1
    ).found
    if not found:
        return None
    trace = record_run(Subject(TARGET, config), plan, found[0].number)
    CACHE.mkdir(parents=True, exist_ok=True)
    save(trace, path)
    return trace

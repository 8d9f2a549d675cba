"""Record the traces kept here again: one original and its minimized form per published bug.

    python traces/record.py raft [--seed 1]
    python traces/record.py pysyncobj 84        (with pysyncobj 0.3.15 installed)
    python traces/record.py pysyncobj 166       (with pysyncobj 0.3.11 installed)
    python traces/record.py sdn                 (with os-ken installed)

The original is the first violating run from the seed that is at least as long as DEMi's shortest
originals (1,000 deliveries; 400 for raft-66, whose runs are capped at 1,000).  For a network it is the
first at all: what counts there is inputs.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from demi.fuzz.hunt import Plan, record_run
from demi.fuzz.parallel import hunt_parallel
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.target import Target, configure
from demi.trace_codec import save

HERE = Path(__file__).parent
LENGTH_MIN = {"raft": 1000, "raft-66": 400, "84": 100, "166": 100}
RUNS_MAX = 50_000


def record(target: Target, bug: str, seed: int) -> None:
    """Hunt, save the original, minimize, save the result."""
    config = configure(target, bug)
    subject = Subject(target, config)  # first, so that what workers inherit goes with this process
    profile = target.profile(config)
    plan = Plan(
        profile, profile.strategy, seed=seed, steps=profile.steps, wanted=target.bugs[bug].finds,
        deliveries_min=LENGTH_MIN.get(bug, LENGTH_MIN.get(target.name, 0)),
    )  # fmt: skip
    found = hunt_parallel(
        lambda: Subject(target, config), plan, runs=RUNS_MAX, seconds=0, workers=2
    ).found
    if not found:
        print(f"{bug}: not found in {RUNS_MAX} runs")
        return
    trace = record_run(subject, plan, found[0].number)
    report = minimize(subject, trace)
    place = HERE / target.name
    save(trace, place / f"{bug}.jsonl.gz")
    save(report.trace, place / f"{bug}.min.jsonl")
    print(
        f"{bug}: run {found[0].number + 1}, {trace.deliveries} -> {report.trace.deliveries}"
        f" deliveries, {report.replays} replays, {report.seconds:.1f} s"
    )


def main() -> None:
    """Record what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=("raft", "pysyncobj", "sdn"))
    parser.add_argument("bugs", nargs="*", help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    target = import_module(f"targets.{options.target}").TARGET
    for bug in options.bugs or list(target.bugs):
        record(target, bug, options.seed)


if __name__ == "__main__":
    main()

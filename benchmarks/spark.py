"""The three bugs of Spark beside DEMi: runs until found, deliveries before and after, over many seeds.

    python benchmarks/spark.py [--seeds 20]

Ours is a model of a hundred lines, DEMi's was Spark itself: the published columns are an upper bound for
what a minimizer has to reach here, not a like-for-like comparison.
"""

from __future__ import annotations

import argparse
import statistics

from rich.console import Console
from rich.table import Table

from demi.fuzz.hunt import Plan, hunt, matches, record_run
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.spark import TARGET

PUBLISHED = {  # bug: (initial, minimized, optimal by hand, schedules)
    "spark-2294": (1000, 40, 25, 326),
    "spark-3150": (600, 14, 11, 195),
    "spark-9256": (300, 11, 11, 73),
}
RUNS_MAX = 2000
SEED_STRIDE = 100_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    table = Table(title=f"spark, {seeds} seeds: median (worst)")
    for column in ("bug", "found", "runs", "events", "ours", "replays", "s", "DEMi", "by hand"):
        table.add_column(column, justify="left" if column == "bug" else "right")
    for bug, (initial, minimized, optimum, _) in PUBLISHED.items():
        rows = [one for one in (measured(bug, seed) for seed in range(seeds)) if one]
        cells = [f"{statistics.median(c):,.4g} ({max(c):,.4g})" for c in zip(*rows, strict=True)]
        table.add_row(bug, f"{len(rows)}/{seeds}", *cells, f"{initial}>{minimized}", str(optimum))
    Console(width=110).print(table)


def measured(bug: str, seed: int) -> tuple[float, ...] | None:
    """(runs, deliveries before, after, replays, seconds) of one hunt; None when it finds nothing."""
    config = configure(TARGET, bug)
    profile = TARGET.profile(config)
    plan = Plan(
        profile, profile.strategy, seed=seed * SEED_STRIDE, steps=profile.steps,
        wanted=TARGET.bugs[bug].finds,
    )  # fmt: skip
    subject = Subject(TARGET, config)
    for number, outcome in hunt(subject, plan, iter(range(RUNS_MAX))):
        if matches(plan, outcome):
            original = record_run(subject, plan, number)
            report = minimize(subject, original)
            after = report.trace.deliveries
            return number + 1, original.deliveries, after, report.replays, report.seconds
    return None


if __name__ == "__main__":
    main()

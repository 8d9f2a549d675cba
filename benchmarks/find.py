"""Runs and seconds to the first violation, per bug and strategy, over many seeds: medians and worst.

    python benchmarks/find.py [--seeds 10] [--runs 2000] [--seconds 60] [--bug NAME ...] [--none RUNS]

A seed is a hunt of its own, with runs numbered from seed * 100,000.  "-" = not found in that budget.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from demi.fuzz.hunt import Plan
from demi.fuzz.parallel import hunt_parallel
from demi.scheduler.execute import Subject
from demi.target import Target, configure
from targets.raft import TARGET as RAFT

STRATEGIES = ("random", "srcdstfifo", "pct", "pos")
SEED_STRIDE = 100_000


@dataclass(frozen=True, slots=True)
class Hunts:
    """found of tried hunts; runs and seconds of those that found."""

    found: int
    tried: int
    runs: tuple[int, ...]
    seconds: tuple[float, ...]

    def cells(self) -> tuple[str, str, str]:
        """found, runs (median, worst), seconds (median, worst)."""
        score = f"{self.found}/{self.tried}"
        if not self.runs:
            return score, "-", "-"
        return (
            score,
            f"{statistics.median(self.runs):,.0f} ({max(self.runs):,})",
            f"{statistics.median(self.seconds):.2f} ({max(self.seconds):.1f})",
        )


def hunts(target: Target, bug: str, strategy: str, seeds: int, runs: int, limit: float) -> Hunts:
    """Hunt one bug from several seeds."""
    config = configure(target, bug)
    profile = target.profile(config)
    numbers: list[int] = []
    seconds: list[float] = []
    for seed in range(seeds):
        plan = Plan(
            profile, strategy, seed=seed * SEED_STRIDE, steps=profile.steps,
            wanted=target.bugs[bug].finds,
        )  # fmt: skip
        started = time.perf_counter()
        result = hunt_parallel(lambda: Subject(target, config), plan, runs=runs, seconds=limit)
        if result.found:
            numbers.append(result.found[0].number + 1)
            seconds.append(time.perf_counter() - started)
    return Hunts(len(numbers), seeds, tuple(numbers), tuple(seconds))


def nothing(runs: int) -> str:
    """The fixed node over many runs."""
    config = configure(RAFT, "none")
    profile = RAFT.profile(config)
    plan = Plan(profile, profile.strategy, seed=0, steps=profile.steps)
    started = time.perf_counter()
    result = hunt_parallel(lambda: Subject(RAFT, config), plan, runs=runs, seconds=0, workers=2)
    found = result.found[0].violation.fingerprint if result.found else "not found"
    return f"raft, no bug: {found} in {result.runs:,} runs, {time.perf_counter() - started:.0f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0, help="per hunt")
    parser.add_argument("--bug", action="append", help="default: all seven")
    parser.add_argument("--none", type=int, default=0, help="also: runs of the fixed node")
    options = parser.parse_args()
    table = Table(title=f"first violation, {options.seeds} seeds; median (worst)")
    for column in ("bug", "strategy", "found", "runs", "seconds"):
        table.add_column(column, justify="left" if column in ("bug", "strategy") else "right")
    for bug in options.bug or list(RAFT.bugs):
        for strategy in STRATEGIES:
            got = hunts(RAFT, bug, strategy, options.seeds, options.runs, options.seconds)
            table.add_row(bug, strategy, *got.cells())
    console = Console(width=80)
    console.print(table)
    if options.none:
        console.print(nothing(options.none))


if __name__ == "__main__":
    main()

"""The minimizer beside DEMi: recorded originals, and fresh ones over many seeds.

    python benchmarks/minimize.py [--seeds 0] [--bug NAME ...] [--pipelines] [--replays 20000]

DEMi's figures are single runs of 2015-16 (NSDI'16, table 1 and the raw results); ours re-model the same
node.  Sizes are deliveries: messages, timers and inputs.  With --pipelines, the rebuilt baselines run on
the same recorded originals, each with at most --replays replays (marked `+` where that was not enough).
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demi.fuzz.hunt import Plan, record_run
from demi.fuzz.parallel import hunt_parallel
from demi.minimizer.minimize import Report, minimize
from demi.minimizer.pipelines import PIPELINES
from demi.minimizer.problem import Budget
from demi.scheduler.execute import Subject
from demi.target import configure
from demi.trace import Trace
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

PUBLISHED = {  # bug: (initial, minimized, optimal by hand, schedules)
    "raft-45": (2160, 23, 22, 3448),
    "raft-46": (1250, 35, 23, 4902),
    "raft-56": (2380, 82, 21, 31673),
    "raft-58a": (2850, 226, 51, 835596),
    "raft-58b": (1500, 40, 28, 2087),
    "raft-42": (1710, 180, 39, 177085),
    "raft-66": (400, 77, 29, 10526),
}
TRACES = Path(__file__).parent.parent / "traces" / "raft"
SEED_STRIDE = 100_000


def subject_of(trace: Trace) -> Subject:
    """The target as the trace was recorded."""
    return Subject(RAFT, dict(trace.header.config))


def fresh(bug: str, seed: int) -> Trace | None:
    """An original of at least half of DEMi's size, or None when the budget ends first."""
    config = configure(RAFT, bug)
    profile = RAFT.profile(config)
    plan = Plan(
        profile, profile.strategy, seed=seed * SEED_STRIDE, steps=profile.steps,
        wanted=RAFT.bugs[bug].finds, deliveries_min=PUBLISHED[bug][0] // 2,
    )  # fmt: skip
    result = hunt_parallel(lambda: Subject(RAFT, config), plan, runs=20_000, seconds=120, workers=2)
    if not result.found:
        return None
    return record_run(Subject(RAFT, config), plan, result.found[0].number)


def row(table: Table, bug: str, what: str, originals: list[Trace], reports: list[Report]) -> None:
    """One line: medians over the reports."""
    initial, minimized, optimal, schedules = PUBLISHED[bug]
    before = statistics.median(trace.deliveries for trace in originals)
    sizes = sorted(report.trace.deliveries for report in reports)
    table.add_row(
        bug, what, f"{before:.0f}", f"{statistics.median(sizes):.0f} ({sizes[0]}-{sizes[-1]})",
        f"{statistics.median(report.replays for report in reports):,.0f}",
        f"{statistics.median(report.seconds for report in reports):.1f}",
        f"{initial}>{minimized}", f"{schedules:,}", str(optimal),
    )  # fmt: skip


def baselines(bugs: list[str], replays: int) -> Table:
    """All pipelines side by side: deliveries, replays and seconds on the recorded originals."""
    table = Table(title=f"deliveries left / replays / s, at most {replays:,} replays")
    for column in ("bug", "events", *PIPELINES):
        table.add_column(column, justify="left" if column == "bug" else "right")
    for bug in bugs:
        recorded = load(TRACES / f"{bug}.jsonl.gz")
        cells = []
        for name in PIPELINES:
            subject = subject_of(recorded)
            report = minimize(subject, recorded, budget=Budget(replays), pipeline=name)
            more = "+" if report.exhausted else ""
            size = report.trace.deliveries
            cells.append(f"{size}{more} / {report.replays:,} / {report.seconds:.1f}")
        table.add_row(bug, f"{recorded.deliveries}", *cells)
        print(bug, recorded.deliveries, *cells, sep="  ", flush=True)  # it takes minutes
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=0, help="also: fresh originals per bug")
    parser.add_argument("--bug", action="append", help="default: all seven")
    parser.add_argument("--pipelines", action="store_true", help="the baselines instead")
    parser.add_argument("--replays", type=int, default=20_000, help="cap per baseline")
    options = parser.parse_args()
    if options.pipelines:
        bugs = options.bug or list(PUBLISHED)
        Console(width=130).print(baselines(bugs, options.replays))
        return
    table = Table(title="minimize (ours: median, range) beside DEMi")
    for column in ("bug", "from", "events", "ours", "replays", "s", "DEMi", "replays", "by hand"):
        table.add_column(column, justify="left" if column in ("bug", "from") else "right")
    for bug in options.bug or list(PUBLISHED):
        recorded = load(TRACES / f"{bug}.jsonl.gz")
        row(table, bug, "recorded", [recorded], [minimize(subject_of(recorded), recorded)])
        originals = [t for t in (fresh(bug, seed) for seed in range(options.seeds)) if t]
        if originals:
            reports = [minimize(subject_of(trace), trace) for trace in originals]
            row(table, bug, f"{len(originals)} seeds", originals, reports)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()

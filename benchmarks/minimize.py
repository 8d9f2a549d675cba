"""The minimizer beside DEMi: fresh originals over many seeds, medians and worst cases.

    python benchmarks/minimize.py [--seeds 20] [--bug NAME ...] [--pipelines] [--replays 5000]
    python benchmarks/minimize.py --prove 500000 [--bug raft-45 ...]
    python benchmarks/minimize.py --long 20000 [--bug raft-46]

DEMi's figures are single runs of 2015-16 (NSDI'16, table 1 and the raw results); ours re-model the same
node.  Originals have at least DEMi's number of deliveries (`originals.py`).  Sizes are deliveries:
messages, timers and inputs; externals are bootstraps and commands, without the 4 starts that DEMi counts.
Schedules are runs from the beginning; "to result" are those after which only a smaller one was looked
for in vain.  DEMi kept its 4 nodes; `four nodes` does so too, `default` leaves out those that a bug
does not need.  The forward search takes steps, not runs: 8,000 of them a round, twice 40,000.
Sound: results replayed strictly 20 times, audited for FIFO from the trace alone, certificate complete.

--pipelines: the baselines on the same originals, each with at most --replays runs (`+`: not enough).
--long: one original of so many deliveries, with the time and the memory it takes.
--prove: search the recorded minimized runs exhaustively, within so many steps, and print the bounds.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from originals import original
from rich.console import Console
from rich.table import Table

from demi.minimizer.certify import NOT_ESTABLISHED, minimality
from demi.minimizer.minimize import Report, first_run, minimize
from demi.minimizer.pipelines import PIPELINES
from demi.minimizer.problem import Budget, Problem
from demi.minimizer.search import search
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.trace import Trace
from demi.trace_codec import load
from targets.raft import TARGET

PUBLISHED = {  # bug: (initial, minimized, optimal by hand, ours to reach, externals, schedules)
    "raft-45": (2160, 23, 22, 22, 4, 3448),
    "raft-46": (1250, 35, 23, 23, 4, 4902),
    "raft-56": (2380, 82, 21, 21, 4, 31673),
    "raft-58a": (2850, 226, 51, 38, 7, 835596),
    "raft-58b": (1500, 40, 28, 26, 5, 2087),
    "raft-42": (1710, 180, 39, 27, 12, 177085),
    "raft-42-max": (1710, 180, 39, 27, 7, 177085),  # DEMi's figures are of the other tie-break
    "raft-66": (400, 77, 29, 28, 6, 10526),
}
TRACES = Path(__file__).parent.parent / "traces" / "raft"
SECONDS_MAX = 240.0  # of wall time per minimization, on a machine that may be busy
STRICT = 20  # replays of each result
FOUR = "four nodes"  # the default pipeline where no node may be left out, as DEMi had it
OURS = ("default", FOUR)
Row = tuple[float, float, float, float, float, float]


def subject_of(trace: Trace) -> Subject:
    """The target as the trace was recorded."""
    return Subject(TARGET, dict(trace.header.config))


def measured(trace: Trace, pipeline: str, replays: int) -> tuple[Report, Row]:
    """One minimization: deliveries, externals, nodes, schedules, those to the result, CPU seconds."""
    started = time.process_time()
    budget = Budget(replays, SECONDS_MAX)
    subject = subject_of(trace)
    if pipeline == FOUR:
        subject.target = replace(subject.target, parts=lambda config: None)
        pipeline = "default"
    report = minimize(subject, trace, budget=budget, pipeline=pipeline)
    spent = time.process_time() - started
    small = report.trace
    nodes = len(small.header.nodes)
    return report, (small.deliveries, small.externals, nodes, report.replays, report.reached, spent)


def sound(trace: Trace) -> bool:
    """Strictly replayed so often, each event with its reason, and no fifo channel out of order."""
    subject = subject_of(trace)
    strict = all(replay(subject, trace).divergence is None for _ in range(STRICT))
    return strict and minimality(trace) != NOT_ESTABLISHED and in_order(trace)


def in_order(trace: Trace) -> bool:
    """On every fifo channel what is delivered was sent in that order, told from the trace alone."""
    if trace.header.network != "fifo":
        return True
    sent = {name: at for at, name in enumerate(n for e in trace for n in e.out)}
    last: dict[str, int] = {}
    for entry in trace:
        if entry.id in sent:
            channel = entry.id.partition(":")[0]  # sender>receiver
            if sent[entry.id] < last.get(channel, -1):
                return False
            last[channel] = sent[entry.id]
    return True


def both(values: Sequence[float], digits: int = 0) -> str:
    """Median (worst)."""
    return f"{statistics.median(values):,.{digits}f} ({max(values):,.{digits}f})"


def seeds(bugs: list[str], count: int, pipelines: list[str], replays: int) -> Table:
    """Medians and worst over the originals of the first seeds."""
    table = Table(title="minimize: median (worst) beside DEMi")
    for column in (
        "bug", "pipeline", "seeds", "from", "left", "externals", "nodes", "schedules", "to result", "CPU s",
        "sound", "DEMi left / by hand / schedules",
    ):  # fmt: skip
        table.add_column(column)
    for bug in bugs:
        initial, theirs, by_hand, _, _, schedules = PUBLISHED[bug]
        originals = [t for t in (original(bug, s, initial) for s in range(count)) if t]
        for pipeline in pipelines:
            rows, short, checked = [], 0, 0
            for trace in originals:
                report, row = measured(trace, pipeline, replays)
                short += report.exhausted
                rows.append(row)
                checked += pipeline in OURS and sound(report.trace)
                print(
                    f"  {bug} {pipeline} {trace.header.seed}:",
                    *row[:5],
                    f"{row[5]:.1f}",
                    flush=True,
                )
            columns = list(zip(*rows, strict=True))
            cells = [both(column, place // 5) for place, column in enumerate(columns)]
            table.add_row(
                bug, pipeline + (f" +{short}" if short else ""), str(len(rows)),
                f"{statistics.median(t.deliveries for t in originals):.0f}", *cells,
                str(checked) if pipeline in OURS else "",
                f"{theirs} / {by_hand} / {schedules:,}",
            )  # fmt: skip
            print(
                bug, pipeline, len(rows), *cells, checked, sep="  ", flush=True
            )  # it takes minutes
    return table


def prove(bugs: list[str], steps: int) -> None:
    """Exhaust what is shorter than the recorded minimized runs, as far as the steps go."""
    for bug in bugs:
        trace = load(TRACES / f"{bug}.min.jsonl")
        subject = subject_of(trace)
        problem = Problem(subject, trace, first_run(subject, trace), Budget())
        started = time.process_time()
        found = search(problem, problem.best, steps, ordered=False)
        bound = problem.bound
        spent = time.process_time() - started
        said = "nothing established"
        if bound is not None:
            start = (
                "of all"
                if bound.anchor == 0
                else f"of those that begin with its first {bound.anchor}"
            )
            said = f"no shorter one {start} ({bound.states:,} states, {bound.steps:,} steps)"
        print(f"{bug}: {len(trace)} -> {len(found.plan)} events; {said}; {spent:.1f} s", flush=True)


def long_run(bug: str, deliveries: int) -> None:
    """Minimize one run of so many deliveries; memory is the process's highest, before and after."""
    trace = original(bug, 0, deliveries, deliveries * 3 // 2)
    if trace is None:
        print(f"{bug}: no run of {deliveries} deliveries shows it")
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _, row = measured(trace, "default", 0)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{bug}: {trace.deliveries:,} -> {row[0]:.0f} deliveries, {row[1]:.0f} externals;"
        f" {row[3]:,.0f} schedules, {row[5]:.1f} s of CPU; {before // 1024} -> {after // 1024} MB"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="originals per bug")
    parser.add_argument("--bug", action="append", help="default: all")
    parser.add_argument("--pipelines", action="store_true", help="with the baselines")
    parser.add_argument("--replays", type=int, default=5_000, help="cap per baseline")
    parser.add_argument("--prove", type=int, default=0, help="steps per bug")
    parser.add_argument("--long", type=int, default=0, help="deliveries of one long original")
    options = parser.parse_args()
    if options.long:
        long_run((options.bug or ["raft-46"])[0], options.long)
        return
    bugs = options.bug or list(PUBLISHED)
    if options.prove:
        prove(bugs, options.prove)
        return
    baselines = [name for name in PIPELINES if name not in ("default", "inputs")]
    names = [*OURS, *baselines] if options.pipelines else list(OURS)
    replays = options.replays if options.pipelines else 0
    Console(width=150).print(seeds(bugs, options.seeds, names, replays))


if __name__ == "__main__":
    main()

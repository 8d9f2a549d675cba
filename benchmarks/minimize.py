"""The minimizer beside DEMi: fresh originals over many seeds, medians and worst cases.

    python benchmarks/minimize.py [--seeds 20] [--bug NAME ...] [--rows FILE]
    python benchmarks/minimize.py --pipelines [--replays 2000] [--rows FILE]
    python benchmarks/minimize.py --prove 500000 [--bug raft-45 ...]
    python benchmarks/minimize.py --long 20000 [--bug raft-46]

Sizes are deliveries: messages, timers and inputs; externals are bootstraps and commands, without the 4
starts that DEMi counts.  Schedules are runs from the beginning; "to the result" are those after which
only a smaller one was looked for in vain.  DEMi kept its 4 nodes; `four nodes` does so too, `default`
leaves out those that a bug does not need.  The forward search takes steps, not runs: 8,000 of them a
round, twice 40,000.  Seconds are of CPU.
Sound: results replayed strictly 20 times, audited for FIFO from the trace alone, certificate complete.

--pipelines: ours and the baselines on the same originals, a baseline with at most --replays schedules.
--rows: keep what is measured in a file, and do not measure again what it holds.  It is of one state of the
code: begin another after a change.
--long: one original of so many deliveries, with the time and the memory it takes.
--prove: search the recorded minimized runs exhaustively, within so many steps, and print the bounds.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

from minimize_rows import BASELINES, OURS, Row, measured, rows, subject_of
from minimize_table import ours, side_by_side
from originals import original
from published import BUGS

from demi.minimizer.budget import Budget
from demi.minimizer.minimize import first_run
from demi.minimizer.problem import Problem
from demi.minimizer.search import search
from demi.trace_codec import load

TRACES = Path(__file__).parent.parent / "traces" / "raft"


def seeds(bugs: list[str], count: int, pipelines: list[str], cap: int, kept: Path | None) -> str:
    """Measure and tell, each row as it comes."""
    found: list[Row] = []
    for row in rows(bugs, count, pipelines, cap, kept):
        found.append(row)
        more = "+" if row.cut else ""
        print(
            f"  {row.bug} {row.pipeline} {row.seed}: {row.deliveries} -> {row.left}{more}"
            f" ({row.externals}), {row.schedules}{more} schedules, {row.seconds:.1f} s",
            flush=True,
        )
    return ours(found) if pipelines == list(OURS) else side_by_side(found, pipelines)


def prove(bugs: list[str], steps: int) -> None:
    """Exhaust what is shorter than the recorded minimized runs, as far as the steps go."""
    for bug in bugs:
        trace = load(TRACES / f"{bug}.min.jsonl")
        subject = subject_of(bug, trace)
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
    row = measured(bug, 0, trace, "default", 0)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{bug}: {trace.deliveries:,} -> {row.left} deliveries, {row.externals} externals;"
        f" {row.schedules:,} schedules, {row.seconds:.1f} s of CPU; {before // 1024} ->"
        f" {after // 1024} MB"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="originals per bug")
    parser.add_argument("--bug", action="append", choices=list(BUGS), help="default: all")
    parser.add_argument("--pipelines", action="store_true", help="with the baselines")
    parser.add_argument("--replays", type=int, default=2_000, help="schedules of a baseline")
    parser.add_argument("--rows", type=Path, help="keep rows in this file, and go on with it")
    parser.add_argument("--prove", type=int, default=0, help="steps per bug")
    parser.add_argument("--long", type=int, default=0, help="deliveries of one long original")
    options = parser.parse_args()
    raft = [bug for bug in BUGS if (TRACES / f"{bug}.min.jsonl").exists()]
    if options.long:
        long_run((options.bug or ["raft-46"])[0], options.long)
    elif options.prove:
        prove(options.bug or raft, options.prove)
    else:
        names = [*OURS, *BASELINES] if options.pipelines else list(OURS)
        bugs = options.bug or list(BUGS)
        print("\n" + seeds(bugs, options.seeds, names, options.replays, options.rows))


if __name__ == "__main__":
    main()

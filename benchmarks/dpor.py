"""Exploration speed and memory on the small programs, one core: a table, medians of several runs.

    python benchmarks/dpor.py [--quick]
    python benchmarks/dpor.py --parallel    # two workers against one, on a run of over 20 seconds

Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from demi.dpor.explore import Result, explore, explore_processes
from tests.dpor.programs import (
    Made,
    filesystem,
    indexer,
    lastzero,
    nsend_any,
    paxos,
    raft,
    readers,
    ring,
    senders,
    subject,
    tpc,
)

ROUNDS = 5


def timed(made: Made, algorithm: str, rounds: int) -> tuple[Result, float]:
    """The result and the median CPU seconds of complete explorations (wall time on an idle core)."""
    target, program = subject(made)
    seconds = []
    for _ in range(rounds):
        gc.collect()
        started = time.process_time()
        result = explore(target, program, algorithm=algorithm)
        seconds.append(time.process_time() - started)
    return result, statistics.median(seconds)


def memory(made: Made, executions: int) -> float:
    """Peak KB allocated by a source search that stops after so many executions."""
    target, program = subject(made)
    tracemalloc.start()
    explore(target, program, algorithm="source", max_executions=executions)
    peak = tracemalloc.get_traced_memory()[1] / 1024
    tracemalloc.stop()
    return peak


def parallel(made: Made) -> None:
    """Two workers against one process: wall and CPU seconds, classes."""
    walls, work, classes = [], [], []
    for workers in (1, 2):
        target, program = subject(made)
        started, before = time.perf_counter(), cpu()
        if workers == 1:
            result = explore(target, program, algorithm="source")
        else:
            result = explore_processes(lambda: subject(made)[0], program, workers=workers)
        walls.append(time.perf_counter() - started)
        work.append([now - then for now, then in zip(cpu(), before, strict=True)])
        classes.append(result.classes)
    one, (own, theirs) = work[0][0], work[1]
    print(
        f"wall: 1 worker {walls[0]:.1f} s, 2 workers {walls[1]:.1f} s: {walls[0] / walls[1]:.2f}x"
    )
    print(
        f"CPU:  1 worker {one:.1f} s, 2 workers {theirs:.1f} s together and {own:.1f} s to coordinate:"
        f" {one / (own + theirs / 2):.2f}x where two cores are free (aim 1.7x)"
    )
    print(f"classes {classes[0]:,} and {classes[1]:,}")


def cpu() -> tuple[float, float]:
    """CPU seconds of this process and of those it has ended."""
    times = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    mine, theirs = [one.ru_utime + one.ru_stime for one in times]
    return mine, theirs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, small programs only")
    parser.add_argument("--parallel", action="store_true", help="two workers against one")
    options = parser.parse_args()
    if options.parallel:
        parallel(senders(2, 12))
        return
    quick = options.quick
    rounds = 1 if quick else ROUNDS
    rows: list[tuple[str, Made, str, str]] = [
        ("readers(10)", readers(10), "source", "0.7 s"),
        ("readers(10)", readers(10), "optimal", "2x source"),
        ("lastzero(6)", lastzero(6), "auto", "0.3 s"),
        ("lastzero(10)", lastzero(10), "auto", "8 s"),
        ("nsend_any(7)", nsend_any(7), "source", "8,000/s"),
        ("nsend_any(7)", nsend_any(7), "optimal", "2x source"),
        ("raft(3,2)", raft(3, 2), "source", "4,000/s"),
        ("raft(3,2)", raft(3, 2), "optimal", "2x source"),
        ("paxos(2,2)", paxos(2, 2), "source", ""),
        ("ring(4)", ring(4), "source", ""),
        ("tpc(4)", tpc(4), "source", ""),
        ("indexer(13)", indexer(13), "source", ""),
        ("filesystem(16)", filesystem(16), "optimal", ""),
    ]
    if quick:
        rows = [row for row in rows if row[0] not in ("lastzero(10)", "indexer(13)")]
    table = Table(title=f"exploration, fifo, one core (median of {rounds})")
    for column in ("program", "algorithm", "executions", "blocked", "seconds", "runs/s", "aim"):
        table.add_column(column, justify="left" if column in ("program", "algorithm") else "right")
    for name, made, algorithm, aim in rows:
        result, seconds = timed(made, algorithm, rounds)
        used = algorithm if algorithm == result.algorithm else f"{algorithm}: {result.algorithm}"
        table.add_row(
            name, used, f"{result.executions:,}", f"{result.blocked:,}", f"{seconds:.2f}",
            f"{(result.executions + result.blocked) / seconds:,.0f}", aim,
        )  # fmt: skip
    console = Console(width=100)
    console.print(table)
    few, many = memory(nsend_any(7), 500), memory(nsend_any(7), 5000)
    console.print(f"peak KB after 500 and 5,000 executions of nsend_any(7): {few:.0f}, {many:.0f}")


if __name__ == "__main__":
    main()

"""One minimization of one original by one pipeline, as a row that survives the benchmark being stopped.

The one insight: seeds come outermost, and each row is written as it comes, so whatever has been measured is
a comparison of all pipelines on the same originals; a file of rows is gone on with where it ends.

Not here: what the rows say (`minimize_table.py`); how originals are found (`originals.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from originals import original
from published import BUGS

from demi.minimizer.budget import Budget
from demi.minimizer.certify import NOT_ESTABLISHED, minimality
from demi.minimizer.minimize import Report, minimize
from demi.minimizer.pipelines import PIPELINES
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.trace import Trace

STRICT = 20  # replays of each result of ours
FOUR = "four nodes"  # the default pipeline where no node may be left out, as DEMi had it
OURS = ("default", FOUR)
BASELINES = ("demi-tfb", "demi-sts", "no-diverge", "ddmin", "cdd")


@dataclass(frozen=True, slots=True)
class Row:
    """One minimization.  deliveries: of the original; left: of the result.

    schedules: runs from the beginning; reached: of them, until the result was met.  seconds: of CPU.
    cut: there were more schedules to come than `cap`.  sound: see `sound`; only asked of ours.
    """

    bug: str
    seed: int
    pipeline: str
    cap: int
    deliveries: int
    left: int
    externals: int
    nodes: int
    schedules: int
    reached: int
    seconds: float
    cut: bool
    sound: bool | None

    @property
    def key(self) -> tuple[object, ...]:
        """What is not measured twice."""
        return self.bug, self.seed, self.pipeline, self.cap, self.deliveries


def rows(
    bugs: Sequence[str], seeds: int, pipelines: Sequence[str], cap: int, kept: Path | None
) -> Iterator[Row]:
    """All rows, those that are kept already and those that are measured now; no row where none is found.

    cap: schedules of a baseline; ours has no limit.
    """
    known = {row.key: row for row in read(kept)}
    for seed in range(seeds):
        for bug in bugs:
            trace = original(bug, seed)
            for pipeline in pipelines if trace else ():
                assert trace is not None  # no pipelines without
                most = 0 if pipeline in OURS else cap
                row = known.get((bug, seed, pipeline, most, trace.deliveries))
                if row is None:
                    row = measured(bug, seed, trace, pipeline, most)
                    if kept is not None:
                        with kept.open("a") as file:
                            file.write(json.dumps(asdict(row)) + "\n")
                yield row


def read(kept: Path | None) -> list[Row]:
    """The rows of a file; a last line that was cut short does not count."""
    found = []
    for line in kept.read_text().splitlines() if kept is not None and kept.exists() else ():
        try:
            found.append(Row(**json.loads(line)))
        except ValueError:
            break
    return found


def measured(bug: str, seed: int, trace: Trace, pipeline: str, cap: int) -> Row:
    """Minimize once."""
    started = time.process_time()
    report = minimized(bug, trace, pipeline, cap)
    spent = round(time.process_time() - started, 2)
    small = report.trace
    return Row(
        bug, seed, pipeline, cap, trace.deliveries, small.deliveries, small.externals,
        len(small.header.nodes), report.replays, report.reached, spent, report.exhausted,
        sound(bug, small) if pipeline in OURS else None,
    )  # fmt: skip


def minimized(bug: str, trace: Trace, pipeline: str, cap: int) -> Report:
    """By a pipeline of demi's, or by `FOUR`."""
    subject = subject_of(bug, trace)
    if pipeline == FOUR:
        subject.target = replace(subject.target, parts=lambda config: None)
        pipeline = "default"
    assert pipeline in PIPELINES
    return minimize(subject, trace, budget=Budget(cap), pipeline=pipeline)


def subject_of(bug: str, trace: Trace) -> Subject:
    """The target as the trace was recorded."""
    return Subject(BUGS[bug].target, dict(trace.header.config))


def sound(bug: str, trace: Trace) -> bool:
    """Strictly replayed so often, each event with its reason, and no fifo channel out of order."""
    subject = subject_of(bug, trace)
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

"""The other process: replays a trace up to a step and says what is enabled there, or runs on otherwise.

The one insight: ids are structural, so the rest of a run can be tried by name after any change: what is
still enabled happens, what is not is counted as absent, and the first violation ends it, as in any run.

What leaves here are small tuples and the paths of trace files.  Not here: who asks (`live.py`).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.causality import Causality
from demi.errors import DemiError, DivergenceError, UsageError
from demi.scheduler.driver import Driver
from demi.scheduler.execute import Subject
from demi.scheduler.replay import first_difference
from demi.trace import Entry, Trace
from demi.trace_codec import load, save
from demi.viewer.answers import Branch, Known
from demi.viewer.source import Source

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ASK_EVERY = 64  # steps of a replay between two looks at newer questions
STEPS_MAX = 200_000  # a replay of more takes longer than anybody looks at one step
REVERSED_MAX = 20_000  # steps of a trace whose causality is computed for a reversal


class Abandoned(Exception):
    """A newer question came."""


class Stage:
    """A target that replays traces.  folder: where other runs go.  newer: has another question come?"""

    def __init__(
        self, make: Callable[[Path], Subject], folder: str, newer: Callable[[], bool]
    ) -> None:
        self._make = make
        self._folder = folder
        self._newer = newer
        self._subject: Subject | None = None
        self._source: Source | None = None
        self._driver: Driver | None = None
        self._made = 0

    def _open(self, path: Path) -> tuple[Subject, Source]:
        if self._subject is None:
            self._subject = self._make(path)
        if self._source is None or self._source.path != path:
            if self._source is not None:
                self._source.close()
            self._source, self._driver = Source(path), None
        self._source.refresh()
        return self._subject, self._source

    def before(self, path: Path, step: int, newer: Callable[[], bool]) -> tuple[Subject, Driver]:
        """The run before a step.  Raises DivergenceError when it is not as recorded, Abandoned."""
        subject, source = self._open(path)
        driver = self._driver
        if driver is None or len(driver.entries) >= step:
            driver = Driver(subject, source.header.seed)
        self._driver = None  # unless all goes well
        while len(driver.entries) < step - 1:
            at = len(driver.entries)
            want = source.entry(at)
            got = driver.try_take(want.id, want.msg)
            difference = (
                ("the event", "enabled", "not") if got is None else first_difference(want, got)
            )
            if difference is not None:
                what, expected, seen = difference
                raise DivergenceError(
                    f"the replay differs at step {at + 1}: {what}: {expected}, got {seen}"
                )
            if at % ASK_EVERY == 0 and newer():
                raise Abandoned
        self._driver = driver
        return subject, driver

    def known(self, path: Path, step: int) -> Known:
        """What is enabled before a step, and which invariants are checked."""
        if step > STEPS_MAX:
            return Known(problem=f"not asked behind step {STEPS_MAX}")
        subject, driver = self.before(path, step, self._newer)
        return Known(driver.enabled, tuple((one.name, one.doc) for one in subject.invariants))

    def what_if(self, path: Path, step: int, event: str, args: object) -> Branch:
        """The run with another event in place of a step, then the rest by name."""
        _, driver = self.before(path, step, lambda: False)
        self._driver = None
        driver.take(event, args)
        assert self._source is not None  # opened by `before`
        rest = (self._source.entry(at) for at in range(step - 1, len(self._source)))
        return self._finish(driver, step, (one for one in rest if one.id != event))

    def reverse(self, path: Path, first: str, second: str) -> Branch:
        """The run with `second` before `first`, then the rest by name."""
        trace = load(path)
        order, step = reversed_order(trace, first, second)
        subject, source = self._open(path)
        self._driver = None
        return self._finish(Driver(subject, source.header.seed), step, order)

    def _finish(self, driver: Driver, step: int, rest: Iterable[Entry]) -> Branch:
        absent = 0
        for entry in rest:
            if driver.violation is not None:
                break
            absent += driver.try_take(entry.id, entry.msg) is None
        self._made += 1
        path = Path(self._folder) / f"branch-{self._made}.jsonl"
        save(driver.trace(), path)
        return Branch(str(path), step, absent)


def reversed_order(trace: Trace, first: str, second: str) -> tuple[list[Entry], int]:
    """The entries with `second` and what it needs before `first`, and the step where they change.

    Raises UsageError when `second` needs `first`.
    """
    places = {entry.id: at for at, entry in enumerate(trace.entries)}
    if first not in places or second not in places or places[first] >= places[second]:
        raise UsageError(f"{first} does not come before {second} in the trace")
    if len(trace) > REVERSED_MAX:
        raise UsageError("the trace is too long for that", remedy="demi minimize makes it short")
    a, b = places[first], places[second]
    causality = Causality(trace)
    between = range(a + 1, b)
    after = [at for at in between if causality.happens_before(a, at)]
    if trace.entries[b].cause in {trace.entries[at].id for at in (a, *after)}:
        raise UsageError(f"{second} is caused by what {first} did: it cannot come first")
    before = [at for at in between if at not in set(after)]
    order = [*range(a), *before, b, a, *after, *range(b + 1, len(trace))]
    return [trace.entries[at] for at in order], a + len(before) + 1


def serve(
    theirs: Connection[Any, Any],
    ours: Connection[Any, Any],
    make: Callable[[Path], Subject],
    folder: str,
) -> None:
    """Answer until the other side is gone.  Nothing that the target prints is seen."""
    ours.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    stage = Stage(make, folder, theirs.poll)
    try:
        while True:
            theirs.send(answer(stage, theirs.recv()))
    except (EOFError, OSError):
        return


def answer(stage: Stage, question: tuple[Any, ...]) -> tuple[str, Any]:
    """One answer; whatever goes wrong is one."""
    kind, path, *words = question
    telling = "at" if kind == "at" else "branch"
    try:
        if kind == "at":
            return telling, stage.known(Path(path), *words)
        asked = stage.what_if if kind == "what if" else stage.reverse
        return telling, asked(Path(path), *words)
    except Abandoned:
        return telling, None
    except DemiError as error:
        problem = str(error)
    except Exception as error:  # the target's own
        problem = f"the target raised {type(error).__name__}: {error}"
    return telling, Known(problem=problem) if telling == "at" else Branch(problem=problem)

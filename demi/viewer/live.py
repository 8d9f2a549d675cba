"""What the target itself knows of a step, and what would have happened otherwise: asked elsewhere.

The one insight: a held system runs in a process of its own, forked before the screen starts, so that
neither its stand-ins for clocks and sockets nor its output can touch the terminal, and a slow replay
never delays a key.  A question that nobody waits for any more is dropped.

Not here: answering (`replaying.py`).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from demi.viewer.answers import Branch, Known

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from demi.scheduler.execute import Subject

ANSWERS_MAX = 4096  # kept; the oldest go first
GONE = "the target's process has ended"


class Live(Protocol):
    """Where such knowledge comes from."""

    def at(self, path: Path, step: int) -> Known | None:
        """What is known before a step of a trace; None while it is not known yet."""
        ...

    def what_if(self, path: Path, step: int, event: str, args: object) -> None:
        """Ask for the run with another event in place of a step."""
        ...

    def reverse(self, path: Path, first: str, second: str) -> None:
        """Ask for the run with `second` before `first`."""
        ...

    def changed(self) -> bool:
        """Did an answer arrive since this was last asked?"""
        ...

    def branch(self) -> Branch | None:
        """The other run that was asked for, once."""
        ...


class Nowhere:
    """No target: the trace alone must do."""

    def __init__(self, why: str = "the target was not asked") -> None:
        self._problem = why
        self._asked = False

    def at(self, path: Path, step: int) -> Known | None:
        return Known(problem=f"names unknown: {self._problem}")

    def what_if(self, path: Path, step: int, event: str, args: object) -> None:
        self._asked = True

    def reverse(self, path: Path, first: str, second: str) -> None:
        self._asked = True

    def changed(self) -> bool:
        return self._asked

    def branch(self) -> Branch | None:
        asked, self._asked = self._asked, False
        return Branch(problem=self._problem) if asked else None


class Elsewhere:
    """The target in another process.  make: builds it there, from a trace file.

    Raises OSError where there is no room for a temporary folder or for a process.
    """

    def __init__(self, make: Callable[[Path], Subject]) -> None:
        from multiprocessing import get_context

        from demi.viewer.replaying import serve

        context = get_context("fork")
        self._pipe: Connection[Any, Any]
        self._pipe, theirs = context.Pipe()
        self._folder = tempfile.mkdtemp(prefix="demi-view-")
        words = (theirs, self._pipe, make, self._folder)
        self._process = context.Process(target=serve, args=words, daemon=True)
        self._process.start()
        theirs.close()
        self._known: dict[tuple[str, int], Known] = {}
        self._waiting: tuple[str, int] | None = None
        self._wanted: tuple[str, int] | None = None
        self._branch: Branch | None = None
        self._ended = False

    def at(self, path: Path, step: int) -> Known | None:
        key = str(path), step
        found = self._known.get(key)
        if found is None and self._ended:
            return Known(problem=GONE)
        if found is None:
            self._wanted = key
            self._ask()
        return found

    def _ask(self) -> None:
        if self._wanted is not None and self._waiting is None:
            self._waiting, self._wanted = self._wanted, None
            self._send(("at", *self._waiting))

    def _send(self, question: tuple[object, ...]) -> None:
        try:
            self._pipe.send(question)
        except (OSError, ValueError):
            self._end()

    def what_if(self, path: Path, step: int, event: str, args: object) -> None:
        self._send(("what if", str(path), step, event, args))

    def reverse(self, path: Path, first: str, second: str) -> None:
        self._send(("reverse", str(path), first, second))

    def changed(self) -> bool:
        changed = False
        try:
            while not self._ended and self._pipe.poll():
                self._take(self._pipe.recv())
                changed = True
        except (EOFError, OSError):
            self._end()
            changed = True
        return changed

    def _take(self, answer: tuple[str, Any]) -> None:
        kind, told = answer
        if kind == "branch":
            self._branch = told
            return
        if self._waiting is not None and told is not None:  # None: dropped for a newer question
            self._known[self._waiting] = told
            if len(self._known) > ANSWERS_MAX:
                del self._known[next(iter(self._known))]
        self._waiting = None
        self._ask()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._branch = Branch(problem=GONE)

    def branch(self) -> Branch | None:
        found, self._branch = self._branch, None
        return found

    def close(self) -> None:
        """End the process."""
        self._ended = True
        self._pipe.close()
        self._process.terminate()
        self._process.join()
        shutil.rmtree(self._folder, ignore_errors=True)

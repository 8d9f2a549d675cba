"""What hosts print: lines of their steps, instead of text between the lines of the command.

The one insight: a hunt runs a program thousands of times, so what it prints is worth reading only beside
the step that printed it; there it costs nothing and is found again.

Handlers of `logging` that were made before keep their stream, so that is replaced in them as well.  What
goes past Python's streams (a file descriptor) is not seen.  Not here: log records (`guard.py`).
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from demi.interpose.aio.host import HOST

_NAMES = ("stdout", "stderr")


class HeldOutput:
    """A text stream that is the real one while no host runs."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def write(self, text: str) -> int:
        """Print."""
        host = HOST.get()
        if host is None:
            written: int = self._real.write(text)
            return written
        host.says(text)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Print several."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Prints:
    """The streams of one process, held from `__init__` to `close`; worlds may nest."""

    def __init__(self) -> None:
        self._held = [(name, HeldOutput(getattr(sys, name))) for name in _NAMES]
        for name, held in self._held:
            setattr(sys, name, held)
            _swap(held._real, held)

    def close(self) -> None:
        """The real ones again, where nobody has put another in between."""
        for name, held in self._held:
            if getattr(sys, name) is held:
                setattr(sys, name, held._real)
            _swap(held, held._real)


def _swap(old: Any, new: Any) -> None:
    for reference in vars(logging)["_handlerList"]:
        handler: Any = reference()
        if handler is not None and vars(handler).get("stream") is old:
            handler.stream = new

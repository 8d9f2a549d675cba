"""What a held program writes to its standard streams: lines of the run, and nothing on the terminal.

The one insight: a server that prints a line for each request prints thousands when its runs are many, so
what it says belongs to the run it says it in, where a trace keeps it.

Not here: `logging`, which is held by itself (`machine.py`).
"""

from __future__ import annotations

import io
from collections import deque
from typing import Any

from demi.interpose.threads.hosts import CURRENT

LINES_MAX = 1000  # of one step, or since somebody looked: more would not be read
LINE_MAX = 2000  # characters


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a node.  lines: whole lines, with the stream's name."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, name: str, lines: deque[str]) -> None:
        self._name, self._lines = name, lines
        self._rest = ""

    @property
    def buffer(self) -> Any:
        """For programs that write bytes."""
        return _Bytes(self)

    def write(self, text: str) -> int:
        if not CURRENT.dying:
            *whole, rest = (self._rest + text).split("\n")
            self._lines.extend([f"{self._name}: {line[:LINE_MAX]}" for line in whole])
            self._rest = rest[-LINE_MAX:]
        return len(text)

    def writable(self) -> bool:
        return True

    def forget(self) -> None:
        """Another run."""
        self._rest = ""


class _Bytes(io.RawIOBase):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, data: Any) -> int:
        self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)

    def writable(self) -> bool:
        return True


class Output:
    """Both streams of a node, in place while it runs.  own: standard output and standard error."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self.own = Stream("stdout", self.lines), Stream("stderr", self.lines)

    def take(self) -> list[str]:
        """Lines since the last time."""
        found = list(self.lines)
        self.lines.clear()
        return found

    def clear(self) -> None:
        """Another run begins."""
        self.lines.clear()
        for stream in self.own:
            stream.forget()

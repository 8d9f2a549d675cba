"""Writers: what a command says, for people or as NDJSON for programs.

The one insight: a command emits *messages* (`messages.py`), each of which carries both of its forms, so
no command ever asks which mode it runs in and the two modes cannot drift apart.

Texts for people are a head of ten columns and a body.  Control characters are escaped here, once, for
everything.  Colour only repeats what the words say.  Not here: progress (`progress.py`).
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

import msgspec

SCHEMA = 1  # of the NDJSON lines; raised when a key changes its meaning or goes away
HEAD = 10  # columns of a line's head
WIDTH = 80  # what a text fits into, whatever the terminal: the same output everywhere
SCREEN_MIN = (40, 10)  # columns and rows below which a screen with keys shows less than rows do
_STYLES = {"bad": "1;31", "good": "1;32", "warn": "1;33", "head": "1;36"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line for people.  head: what it is about, "" for a continuation.

    style: bad, good, warn or head.  room: columns of the head.  wrap: False for what must stay whole.
    hang: columns by which wrapped rows are set in further.
    painted: the same text with colours of its own, already escaped; "" to have the head coloured.
    """

    head: str
    text: str
    style: str = "head"
    room: int = HEAD
    wrap: bool = True
    hang: int = 0
    painted: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Something a command says.  type and data: its NDJSON form.  lines: its form for people."""

    type: str
    data: Mapping[str, Any]
    lines: tuple[Line, ...] = ()


class Writer(Protocol):
    """Where messages go."""

    def emit(self, message: Message) -> None:
        """A result: always shown."""
        ...

    def note(self, message: Message) -> None:
        """Background that `--quiet` leaves out."""
        ...

    def detail(self, message: Message) -> None:
        """More than most want: people see it with `--verbose`."""
        ...

    def fail(self, message: Message) -> None:
        """Why the command ends: people read it on stderr."""
        ...


class HumanWriter:
    """Results on `out`, failures on `err`."""

    def __init__(
        self,
        out: IO[str],
        err: IO[str],
        color: str = "auto",
        quiet: bool = False,
        verbose: bool = False,
    ) -> None:
        self._out = out
        self._err = err
        self._color = color
        self._quiet = quiet
        self._verbose = verbose

    def emit(self, message: Message) -> None:
        self._print(message, self._out)

    def note(self, message: Message) -> None:
        if not self._quiet:
            self._print(message, self._out)

    def detail(self, message: Message) -> None:
        if self._verbose:
            self._print(message, self._out)

    def fail(self, message: Message) -> None:
        self._print(message, self._err)

    def _print(self, message: Message, stream: IO[str]) -> None:
        colored = wants_color(self._color, stream)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        for line in message.lines:
            for text in layout(line, colored):
                stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()  # forked workers must not inherit half a text


class JsonWriter:
    """One JSON object a line on `out`; failures are told to people on `err` as well."""

    def __init__(self, out: IO[str], err: IO[str], color: str = "auto") -> None:
        self._out = out
        self._human = HumanWriter(err, err, color)

    def emit(self, message: Message) -> None:
        data = {"type": message.type, "schema": SCHEMA, **message.data}
        self._out.write(msgspec.json.encode(data).decode() + "\n")
        self._out.flush()

    def note(self, message: Message) -> None:
        self.emit(message)

    def detail(self, message: Message) -> None:
        self.emit(message)

    def fail(self, message: Message) -> None:
        self.emit(message)
        self._human.fail(message)


def make_writer(*, json: bool, color: str, quiet: bool, verbose: bool) -> Writer:
    """The writer of this process.  With json, whatever the target prints goes to stderr."""
    if not json:
        return HumanWriter(sys.stdout, sys.stderr, color, quiet, verbose)
    out, sys.stdout = sys.stdout, sys.stderr
    return JsonWriter(out, sys.stderr, color)


def wants_color(color: str, stream: IO[str]) -> bool:
    """`--color` first, then NO_COLOR, then whether a terminal reads."""
    if color != "auto":
        return color == "always"
    return not os.environ.get("NO_COLOR") and stream.isatty() and os.environ.get("TERM") != "dumb"


def has_screen() -> bool:
    """Is there a terminal whose cursor can be placed, large enough to read?"""
    size = shutil.get_terminal_size((WIDTH, 24))
    return (
        sys.stdin.isatty()
        and sys.stdout.isatty()
        and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
        and (size.columns >= SCREEN_MIN[0] and size.lines >= SCREEN_MIN[1])
    )


def clean(text: str) -> str:
    """Without control characters, line breaks, or characters that reorder text: all escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def layout(line: Line, colored: bool = False) -> list[str]:
    """A line as rows of the terminal: the head, then the body, wrapped behind the head."""
    if line.painted and colored:
        return [line.painted]
    text = clean(line.text)
    head = clean(line.head).ljust(line.room)
    rows = [text]
    if line.wrap:
        rows = textwrap.wrap(
            text,
            WIDTH - len(head),
            subsequent_indent=" " * line.hang,
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    if colored and line.head:
        head = paint(line.head, line.style) + " " * (len(head) - len(line.head))
    return [(head + rows[0]).rstrip(), *(" " * HEAD * bool(line.room) + row for row in rows[1:])]


def paint(text: str, style: str) -> str:
    """With terminal colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Rows of cells as aligned text; `right`: the columns of numbers.  Two blanks between columns."""
    widths = [max(len(clean(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            clean(cell).rjust(width) if i in right else clean(cell).ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def count(number: int) -> str:
    """`12 345`."""
    return f"{number:,}".replace(",", " ")


def plural(number: int, word: str) -> str:
    """`1 event`, `2 events`."""
    return f"{count(number)} {word}{'' if number == 1 else 's'}"

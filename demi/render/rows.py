"""Rows and cells: a string that knows its styles, and the strip of cells it is painted on.

The one insight: painting into cells instead of joining strings makes it impossible to exceed the width
or to shift what stands to the right, whatever the text is.  Styles are names; colours are chosen here
for plain terminals (`ansi`) and by the viewer for itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

STYLES = {
    "head": "1",  # SGR codes; the 16 colours that every theme defines
    "dim": "2",
    "lane": "2",
    "deliver": "36",
    "timer": "33",
    "input": "32",
    "fault": "35",
    "lost": "2;35",
    "change": "",
    "payload": "2",
    "bad": "1;31",
    "same": "33",
    "flight": "1;36",
}
_RICH = {
    "head": "bold", "dim": "dim", "lane": "dim", "deliver": "cyan", "timer": "yellow",
    "input": "green", "fault": "magenta", "lost": "dim magenta", "payload": "dim", "bad": "bold red",
    "same": "yellow", "flight": "bold cyan",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (not included) of a row have a style."""

    start: int
    end: int
    style: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a picture.  step: the step it shows, from 1; 0 for a line that shows none."""

    text: str
    spans: tuple[Span, ...] = ()
    step: int = 0


class Strip:
    """`cells` cells to paint on; what does not fit is not painted."""

    __slots__ = ("_cells", "_styles")

    def __init__(self, cells: int) -> None:
        self._cells = [" "] * cells
        self._styles = [""] * cells

    def put(self, at: int, text: str, style: str = "", end: int | None = None) -> int:
        """Paint `text` from cell `at`, at most up to `end`; returns the cell after it."""
        limit = len(self._cells) if end is None else min(end, len(self._cells))
        cells = self._cells
        for character in text:
            wide = 1 if character.isascii() else cell_len(character)
            if at < 0 or at + wide > limit:
                break
            for over in range(at, at + wide):
                self._erase(over)
                cells[over] = ""
                self._styles[over] = style
            cells[at] = character
            at += wide
        return at

    def _erase(self, at: int) -> None:
        """Make room at a cell; half of a wide character takes the other half with it."""
        cells = self._cells
        if cells[at] == "" and at > 0:
            cells[at - 1] = " "
        if at + 1 < len(cells) and cells[at + 1] == "" and cells[at] != "":
            cells[at + 1] = " "

    def row(self, step: int = 0) -> Row:
        """What was painted, without trailing blanks."""
        text = "".join(self._cells).rstrip()
        spans: list[Span] = []
        position = 0
        for character, style in zip(self._cells, self._styles, strict=True):
            if position >= len(text):
                break
            end = position + len(character)
            if style and end > position:
                if spans and spans[-1].end == position and spans[-1].style == style:
                    spans[-1] = Span(spans[-1].start, end, style)
                else:
                    spans.append(Span(position, end, style))
            position = end
        return Row(text, tuple(spans), step)


def ansi(row: Row) -> str:
    """A row for a terminal that takes colours."""
    parts, at = [], 0
    for span in row.spans:
        parts.append(row.text[at : span.start])
        code, inside = STYLES.get(span.style, ""), row.text[span.start : span.end]
        parts.append(f"\x1b[{code}m{inside}\x1b[0m" if code else inside)
        at = span.end
    return "".join(parts) + row.text[at:]


def as_text(row: Row) -> Text:
    """A row for rich and Textual; its text is never parsed as markup."""
    text = Text(row.text, no_wrap=True, end="")
    for span in row.spans:
        text.stylize(Style.parse(_RICH.get(span.style, "none")), span.start, span.end)
    return text

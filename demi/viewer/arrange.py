"""Where sections of text stand: in columns of equal width, top to bottom.

The one insight: a section is a title and lines whatever it says, so how many fit is counted in rows, and
what does not fit is named in the last one.

Not here: what sections say (`panels.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demi.render.glyphs import ASCII, UNICODE, Glyphs
from demi.render.rows import Row, Span
from demi.render.text import clip, width


@dataclass(frozen=True, slots=True)
class Section:
    """A title and what is below it; each line is (text, style)."""

    title: str
    lines: tuple[tuple[str, str], ...]


def arrange(
    made: Sequence[Section], cells: int, height: int, columns: int, plain: bool, turned: int = 0
) -> list[Row]:
    """Sections in columns of equal width, top to bottom; what does not fit is said in the last row.

    turned: how many sections go to the end first (the tab key).
    """
    if not made or height < 1 or cells < 1:
        return []
    at = turned % len(made)
    order = [*made[at:], *made[:at]]
    glyphs = ASCII if plain else UNICODE
    room = (cells - 3 * (columns - 1)) // columns
    stacks, left = _stacked(order, room, height, columns, glyphs)
    rows = []
    for number in range(height):
        text, spans = "", []
        for column, stack in enumerate(stacks):
            if column:
                text += " " * (column * (room + 3) - 2 - width(text)) + f"{glyphs.lane} "
                spans.append(Span(len(text) - 2, len(text) - 1, "lane"))
            line, style = stack[number] if number < len(stack) else ("", "")
            if style:
                spans.append(Span(len(text), len(text) + len(line), style))
            text += line
        rows.append(Row(text, tuple(spans)))
    if left:
        note = f" tab: {left} more"
        last = rows[-1]
        text = clip(last.text, cells - len(note) - 1, glyphs.more)
        text += " " * (cells - len(note) - width(text)) + note
        spans = [Span(s.start, min(s.end, cells - len(note)), s.style) for s in last.spans]
        spans.append(Span(len(text) - len(note), len(text), "dim"))
        rows[-1] = Row(text, tuple(s for s in spans if s.start < s.end))
    return rows


def _stacked(
    order: Sequence[Section], room: int, height: int, columns: int, glyphs: Glyphs
) -> tuple[list[list[tuple[str, str]]], int]:
    """The rows of each column, and how many sections found no room."""
    stacks: list[list[tuple[str, str]]] = [[] for _ in range(columns)]
    column, left = 0, 0
    for section in order:
        rows = [(_ruled(section.title, room, glyphs), "section")]
        for text, style in section.lines:
            rows += [(line, style) for line in folded(text, room, glyphs.more)]
        if column < columns and stacks[column]:
            column += len(stacks[column]) + min(len(rows), 3) > height
        if column >= columns:
            left += 1
            continue
        space = height - len(stacks[column])
        if len(rows) > space:
            more = len(rows) - space + 1
            rows = [*rows[: space - 1], (f"{glyphs.more} {more} more rows: enter", "dim")]
        stacks[column] += rows
    return stacks, left


def _ruled(title: str, room: int, glyphs: Glyphs) -> str:
    text = clip(f"{glyphs.rule}{glyphs.rule} {title} ", room, glyphs.more)
    return text + glyphs.rule * (room - width(text))


def folded(text: str, room: int, more: str, indent: str = "  ") -> list[str]:
    """Text in rows of at most `room` cells, folded at blanks; a longer word is cut into pieces."""
    rows: list[str] = []
    row = ""
    for word in text.split(" "):
        longer = f"{row} {word}" if row else word
        if width(longer) <= room:
            row = longer
            continue
        if row:
            rows.append(row)
        row = indent + word if room > 8 else word
        while width(row) > room:
            piece = clip(row, room, "")
            if not piece:
                return [*rows, more]
            rows.append(piece)
            row = row[len(piece) :]
    return [*rows, row] if row or not rows else rows

"""Screens over the main one: the help, and all that is known of one step.

The one insight: both are long text that one scrolls through, so one screen shows either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from demi.render.glyphs import ASCII, UNICODE
from demi.render.rows import Row, Span
from demi.render.text import clip, safe, width
from demi.viewer.arrange import folded
from demi.viewer.filters import HELP
from demi.viewer.keys import GROUPS
from demi.viewer.listing import SAME
from demi.viewer.model import Model
from demi.viewer.pairs import WORDS
from demi.viewer.palette import Palette, plain_strip
from demi.viewer.panels import sections
from demi.viewer.picture import LEGEND, MARKS, MARKS_ASCII
from demi.viewer.widgets import Sheet

CONTENT_MAX = 4 << 20  # characters of one step's content that can be read in full

Rows = Callable[[int], list[Row]]
"""Rows for a width."""


class Reading(ScrollView, can_focus=True):
    """Rows that are longer than the screen."""

    def __init__(self, rows: Rows, palette: Callable[[], Palette]) -> None:
        super().__init__(id="reading")
        self._make = rows
        self.palette = palette
        self._rows: list[Row] = []

    def on_resize(self, event: Resize) -> None:
        cells = self.scrollable_content_region.width
        self._rows = self._make(max(1, cells))
        self.virtual_size = Size(cells, len(self._rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        at = self.scroll_offset.y + y
        row = self._rows[at] if at < len(self._rows) else Row("")
        return plain_strip(row, self.size.width, self.rich_style, self.palette())


class Page(ModalScreen[None]):
    """A page to scroll through; escape, q and the key that opened it close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,question_mark,f1", "dismiss_page", "close"),
        Binding("j,down", "by(1)", "down"),
        Binding("k,up", "by(-1)", "up"),
        Binding("pagedown,space", "page(1)", "page down"),
        Binding("pageup", "page(-1)", "page up"),
        Binding("g,home", "edge(0)", "top"),
        Binding("G,end", "edge(1)", "end"),
    ]

    def __init__(self, rows: Rows, palette: Callable[[], Palette], plain: bool) -> None:
        super().__init__()
        self._rows = rows
        self._palette = palette
        self._plain = plain

    def compose(self) -> ComposeResult:
        reading = Reading(self._rows, self._palette)
        if self._plain:
            reading.styles.scrollbar_size_vertical = 0
        yield reading

    def action_dismiss_page(self) -> None:
        self.dismiss(None)

    def action_by(self, lines: int) -> None:
        self.query_one(Reading).scroll_relative(y=lines, animate=False)

    def action_page(self, screens: int) -> None:
        reading = self.query_one(Reading)
        reading.scroll_relative(y=screens * max(1, reading.size.height - 1), animate=False)

    def action_edge(self, end: int) -> None:
        reading = self.query_one(Reading)
        reading.scroll_to(y=reading.max_scroll_y if end else 0, animate=False)


def help_rows(plain: bool) -> Rows:
    """The table of keys, the marks and the filter expressions."""

    def make(cells: int) -> list[Row]:
        rows = [_head("keys (esc closes this)", cells)]
        for word, keys in GROUPS:
            for key in keys:
                head = f"{word if key is keys[0] else '':<5} {key.shown:<10}"
                rows += _entry(head, key.help, cells)
        rows += [Row(""), _head("marks before a step", cells)]
        marks = MARKS_ASCII if plain else MARKS
        rows += [
            row
            for name, said in LEGEND
            for row in _entry(f"{getattr(marks, name):<2}", said, cells)
        ]
        rows += [Row(""), _head("marks between two traces", cells)]
        for mark, said in WORDS.items():
            rows += _entry(f"{'' if mark == SAME else mark:<2}", said, cells)
        rows += [Row(""), _head("filter and search", cells)]
        rows += [Row(text) for text in folded(HELP, cells, "")]
        return rows

    return make


def _head(text: str, cells: int) -> Row:
    return Row(text[:cells], (Span(0, min(len(text), cells), "head"),))


def _entry(head: str, said: str, cells: int) -> list[Row]:
    room = max(8, cells - len(head) - 1)
    lines = folded(said, room, "", "")
    return [
        Row(f"{head if not number else ' ' * len(head)} {line}", (Span(0, len(head), "head"),))
        for number, line in enumerate(lines)
    ]


def detail_rows(model: Model) -> Rows:
    """Every section in full, then the whole content of the step as JSON."""

    def make(cells: int) -> list[Row]:
        rows: list[Row] = []
        for section in sections(model):
            rows.append(_head(section.title, cells))
            for text, style in section.lines:
                rows += [_styled(line, style) for line in folded(text, cells, "")]
            rows.append(Row(""))
        entry = model.look(model.step) if model.step else None
        if entry is not None and entry.msg is not None:
            rows.append(_head("whole content", cells))
            rows += [_styled(line, "") for line in _content(entry.msg, cells, model.plain)]
        return rows

    return make


def _styled(line: str, style: str) -> Row:
    return Row(line, (Span(0, len(line), style),) if style and line else ())


def _content(value: object, cells: int, plain: bool) -> list[str]:
    """JSON, indented; long lines in pieces, control characters escaped."""
    try:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        text = repr(value)
    cut = text[:CONTENT_MAX]
    lines = []
    for line in cut.split("\n"):
        shown = safe(line, plain, CONTENT_MAX)
        while width(shown) > cells > 0:
            piece = _fitting(shown, cells)
            lines.append(piece)
            shown = shown[len(piece) :]
        lines.append(shown)
    if len(cut) < len(text):
        lines.append(f"... {len(text) - len(cut)} more characters: demi export TRACE --to text")
    return lines


def _fitting(text: str, cells: int) -> str:
    """As much of the beginning as fits."""
    piece = text[:cells]
    while len(piece) > 1 and width(piece) > cells:
        piece = piece[:-1]
    return piece


class Choice(ModalScreen[str]):
    """One of several events; enter takes it, escape none (an empty text)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "none"),
        Binding("enter", "take", "this"),
        Binding("j,down", "by(1)", "down"),
        Binding("k,up", "by(-1)", "up"),
    ]

    def __init__(
        self, title: str, events: Sequence[str], palette: Callable[[], Palette], plain: bool
    ) -> None:
        super().__init__()
        self._title = title
        self._events = events
        self._palette = palette
        self._plain = plain
        self._at = 0

    def compose(self) -> ComposeResult:
        yield Sheet(self._rows, self._palette, "choice")

    def _rows(self, cells: int, height: int) -> list[Row]:
        """The events around the chosen one."""
        glyphs = ASCII if self._plain else UNICODE
        room = max(1, height - 2)
        first = max(0, min(self._at - room // 2, len(self._events) - room))
        rows = [_head(clip(self._title, cells, glyphs.more), cells)]
        for number, event in enumerate(self._events[first : first + room], first):
            chosen = number == self._at
            text = f"{glyphs.here if chosen else ' '} {safe(event, self._plain)}"
            rows.append(_styled(clip(text, cells, glyphs.more), "flight" if chosen else ""))
        place = f"{self._at + 1} of {len(self._events)}; enter: see what follows, esc: none"
        return [*rows, _styled(clip(place, cells, glyphs.more), "dim")]

    def action_by(self, rows: int) -> None:
        self._at = max(0, min(self._at + rows, len(self._events) - 1))
        self.query_one(Sheet).refresh()

    def action_take(self) -> None:
        self.dismiss(self._events[self._at])

    def action_leave(self) -> None:
        self.dismiss("")

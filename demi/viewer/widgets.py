"""The pieces of the screen: lanes on a virtual scroll, panels, title and bottom line.

The one insight: every piece is lines made from the model at the moment they are drawn (Textual's Line
API), so the length of a trace costs nothing and nothing has to be kept in step with anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from demi.render.rows import Row
from demi.render.text import safe
from demi.viewer.arrange import arrange
from demi.viewer.keys import KEYS
from demi.viewer.model import Model
from demi.viewer.palette import Palette, plain_strip
from demi.viewer.panels import sections
from demi.viewer.picture import Picture, title

ROWS_ABOVE = 2  # lines kept in sight before and behind the selected one


class Lanes(ScrollView, can_focus=True, inherit_bindings=False):
    """The lanes, and all keys: they mean something only while the lanes have the focus.

    The wheel scrolls; a click selects.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.keys, f"app.act('{key.action}')", key.word or key.help, show=False)
        for key in KEYS
        if key.action != "command_palette"  # bound by the application, for every screen
    ]

    class Picked(Message):
        """A row was clicked."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, model: Callable[[], Model], palette: Callable[[], Palette]) -> None:
        super().__init__(id="lanes")
        self._model = model
        self.palette = palette
        self.picture = Picture(model(), 80)
        self._in_sight: tuple[object, int, Size] | None = None

    @property
    def model(self) -> Model:
        """What is shown now."""
        return self._model()

    def renew(self) -> None:
        """The model or the size changed: draw again, the selected row in sight."""
        cells = self.scrollable_content_region.width
        model, old = self.model, self.picture
        if (cells and (old.cells, old.version) != (cells, model.version)) or old.model is not model:
            self.picture = Picture(model, max(1, cells))
        lines = model.lines
        self.virtual_size = Size(cells, len(lines))
        sight = model.rows, model.row, self.size
        if len(lines) and sight != self._in_sight:  # else the wheel may have moved it away
            self._in_sight = sight
            line = lines.line(model.row)
            last = line + 1 if line + 1 < len(lines) and lines.at(line + 1)[1] else line
            above = max(0, line - ROWS_ABOVE)
            below = min(len(lines) - 1, last + ROWS_ABOVE)
            region = Region(0, above, 1, below - above + 1)
            self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    class Placed(Message):
        """The lanes stand elsewhere now."""

    def on_resize(self, event: events.Resize) -> None:
        self.renew()
        self.post_message(self.Placed())

    def render_line(self, y: int) -> Strip:
        lit = self.picture.line(self.scroll_offset.y + y)
        return self.palette().strip(lit, self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        line = self.scroll_offset.y + event.y
        if line < len(self.model.lines):
            self.post_message(self.Picked(self.model.lines.at(line)[0]))


class Sheet(Widget):
    """Rows made by `rows(width, height)` whenever it is drawn."""

    def __init__(
        self, rows: Callable[[int, int], list[Row]], palette: Callable[[], Palette], id: str
    ) -> None:
        super().__init__(id=id)
        self._make = rows
        self.palette = palette
        self._rows: list[Row] = []

    def render_lines(self, crop: Region) -> list[Strip]:
        self._rows = self._make(self.size.width, self.size.height)
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        row = self._rows[y] if y < len(self._rows) else Row("")
        return plain_strip(row, self.size.width, self.rich_style, self.palette())


class Hints(Widget):
    """The bottom line: keys that can be clicked, or what the last key had to say."""

    def __init__(
        self,
        hints: list[tuple[str, str, str]],
        note: Callable[[], str],
        palette: Callable[[], Palette],
        plain: bool,
    ) -> None:
        super().__init__(id="hints")
        self._hints = hints
        self._note = note
        self.palette = palette
        self._plain = plain

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        note = safe(self._note(), self._plain)  # it may repeat what a target or a file says
        if note:
            return Strip([Segment(f" {note}", base)]).adjust_cell_length(self.size.width, base)
        segments: list[Segment] = []
        left = self.size.width
        for shown, word, action in self._hints:
            left -= len(shown) + len(word) + 3
            if left < 0:
                break
            click = Style.from_meta({"@click": f"app.act('{action}')"})
            segments.append(Segment(f" {shown}", base + Style(bold=True) + click))
            segments.append(Segment(f" {word} ", base + click))
        return Strip(segments).adjust_cell_length(self.size.width, base)


class Prompt(Container):
    """One line to type into.  what: filter, search or goto."""

    class Typed(Message):
        """Enter was pressed, or escape (text is None)."""

        def __init__(self, what: str, text: str | None) -> None:
            super().__init__()
            self.what = what
            self.text = text

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.what = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="asked", markup=False)
        yield Input(id="typed", select_on_focus=False)

    def ask(self, what: str, text: str, hint: str) -> None:
        """Show it with a text to change."""
        self.what = what
        asked = self.query_one("#asked", Static)
        asked.update(f" {what}> ")
        typed = self.query_one(Input)
        typed.placeholder = hint
        typed.value = text
        typed.cursor_position = len(text)
        self.display = True
        typed.focus()

    def done(self) -> None:
        """Hide it."""
        self.display = False

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Typed(self.what, event.value))

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            event.stop()
            self.post_message(self.Typed(self.what, None))


def title_rows(
    model: Callable[[], Model], picture: Callable[[], Picture]
) -> Callable[[int, int], list[Row]]:
    """The two lines on top: what is looked at, and the names of the lanes."""

    def make(width: int, height: int) -> list[Row]:
        return [title(model(), width), picture().titles()]

    return make


def panel_rows(
    model: Callable[[], Model], columns: Callable[[], int], turned: Callable[[], int]
) -> Callable[[int, int], list[Row]]:
    """The panels, in as many columns as there is room for."""

    def make(width: int, height: int) -> list[Row]:
        made = sections(model())
        return arrange(made, width, height, columns(), model().plain, turned())

    return make

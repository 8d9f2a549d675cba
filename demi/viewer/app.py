"""The application: keys to the model, the model to the screen, slices of work between keys.

The one insight: every key ends in `show()`, which draws what changed on the screen from the model; there is
no second copy of anything to keep up to date.

Not here: what keys do (`model.py`), what is drawn (`picture.py`, `panels.py`), other screens (`screens.py`).
"""

from __future__ import annotations

import gc
import shlex
import signal
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from textual import events
from textual.app import App, ComposeResult, SystemCommand
from textual.command import CommandPalette
from textual.containers import Container
from textual.screen import Screen

from demi.errors import DemiError
from demi.viewer.acts import ACTS
from demi.viewer.desk import Desk
from demi.viewer.keys import KEYS, hints
from demi.viewer.model import Model
from demi.viewer.palette import Palette
from demi.viewer.screens import Choice, Page, Rows, detail_rows, help_rows
from demi.viewer.terminal import GONE, gone, guard
from demi.viewer.widgets import Hints, Lanes, Prompt, Sheet, panel_rows, title_rows

SLICE_SECONDS = 0.008  # of background work at a time: below what a finger notices
TICK_SECONDS = 0.02
FOLLOW_SECONDS = 0.5  # how often a growing file is looked at
WIDE = 140  # columns from which the panels stand at the right
SIDE = 60  # their width there
TWO_COLUMNS = 120  # columns from which they stand in two columns below
BELOW_MIN, BELOW_MAX = 5, 14  # their height there
ASKED = {
    "search": "text, or node:n1 term>=2; enter goes to the next hit",
    "filter": "kind:deliver node:n1 from:n2 label:Vote term>=2 -text; empty shows all",
    "save": "the file to write; nothing is overwritten",
    "goto": "a step's number, or the beginning of an event's id",
}


class Viewer(App[int]):
    """path: of the trace, for the command that `y` copies."""

    CSS_PATH = "viewer.tcss"
    TITLE = "demi"
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, model: Model, path: str, words: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.desk = Desk(model)
        self.path = path
        self.words = words
        self.failure: Exception | None = None
        self.shown_panels = True
        self.turned = 0
        self._looked = 0.0
        self._palette_of: tuple[str, Palette] | None = None

    @property
    def model(self) -> Model:
        """What is shown now."""
        return self.desk.model

    # ---- the pieces

    def compose(self) -> ComposeResult:
        with Container(id="main"):
            with Container(id="left"):
                yield Sheet(title_rows(lambda: self.model, self._picture), self.colours, "top")
                yield Lanes(lambda: self.model, self.colours)
            yield Sheet(
                panel_rows(lambda: self.model, self._columns, lambda: self.turned),
                self.colours,
                "side",
            )
        yield Prompt()
        yield Hints(hints(), lambda: self.model.note, self.colours, self.model.plain)

    def _picture(self) -> Any:
        return self.query_one(Lanes).picture

    def colours(self) -> Palette:
        """The styles of the theme."""
        if self._palette_of is None or self._palette_of[0] != self.theme:
            self._palette_of = self.theme, Palette(self.theme_variables)
        return self._palette_of[1]

    def on_mount(self) -> None:
        self.query_one(Prompt).done()
        lanes = self.query_one(Lanes)
        if self.model.plain:
            self.add_class("-ascii")
            lanes.styles.scrollbar_size_vertical = 0
        lanes.focus()
        self._place(self.size.width, self.size.height)
        self.set_interval(TICK_SECONDS, self._tick)
        self._restore_on_signals()
        if not self.is_headless:
            guard()
        gc.freeze()

    def on_unmount(self) -> None:
        gc.unfreeze()

    def _restore_on_signals(self) -> None:
        """A killed viewer gives the terminal back."""
        loop = self._loop
        for one in (signal.SIGTERM, signal.SIGHUP):
            try:
                if loop is not None:
                    loop.add_signal_handler(one, self.exit, 128 + one)
            except (
                NotImplementedError,
                ValueError,
                RuntimeError,
            ):  # not the main thread, or Windows
                return

    def on_resize(self, event: events.Resize) -> None:
        self._place(event.size.width, event.size.height)

    def _columns(self) -> int:
        width = self.size.width
        return 2 if TWO_COLUMNS <= width < WIDE else 1

    def _place(self, width: int, height: int) -> None:
        """Panels at the right where there is room, else below, else nowhere."""
        side = self.query_one("#side", Sheet)
        wide = width >= WIDE
        main = self.query_one("#main", Container)
        main.styles.layout = "horizontal" if wide else "vertical"
        main.set_class(wide, "-wide")
        side.display = self.shown_panels and (wide or height >= 16)
        wanted = len(self.model.lines) + 3
        below = max(BELOW_MIN, min(BELOW_MAX, (height - 4) // 3), height - wanted - 1)
        side.styles.width = SIDE if wide else "100%"
        side.styles.height = "100%" if wide else below
        self.show()

    def show(self) -> None:
        """Draw everything from the model."""
        for lanes in self.query(Lanes):
            lanes.renew()
        for piece in (*self.query(Sheet), *self.query(Hints)):
            piece.refresh()

    # ---- work between keys

    def _tick(self) -> None:
        model = self.model
        busy = model.work is not None or model.reading
        now = time.monotonic()
        if busy:
            self._pump()
        grew = False
        if now - self._looked >= FOLLOW_SECONDS:
            self._looked = now
            grew = model.refresh()
            if not self.is_headless and gone():
                self.exit(GONE)
        told = model.live.changed()
        if told and self.desk.arrived():
            self._place(self.size.width, self.size.height)
        elif busy or grew or told:
            self.show()

    def _handle_exception(self, error: Exception) -> None:
        """Keep what went wrong: the command line tells it when the terminal is back."""
        self.failure = error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close without Textual's own traceback, which shows the values of all variables."""
        self._close_messages_no_wait()

    # ---- actions; names as in `keys.py`

    def _do(self, what: Any, *words: Any) -> None:
        what(*words)
        self._pump()
        self.show()

    def _pump(self) -> None:
        """A slice of the work that is going on."""
        end = time.monotonic() + SLICE_SECONDS
        if self.model.pump(lambda: time.monotonic() < end):
            gc.freeze()  # what is known of a trace stays; looking through it would delay a key

    def _page(self) -> int:
        return max(1, self.query_one(Lanes).size.height - 2)

    def action_act(self, name: str) -> None:
        """What a key of the table does."""
        if name in ACTS:
            self._do(ACTS[name], self.model)
        elif name in ("page_down", "page_up"):
            self._do(self.model.move, self._page() if name == "page_down" else -self._page())
        else:
            getattr(self, f"action_{name}")()

    def action_turn(self) -> None:
        self.turned += 1
        self.show()

    def action_turn_back(self) -> None:
        self.turned -= 1
        self.show()

    def action_panels(self) -> None:
        self.shown_panels = not self.shown_panels
        self._place(self.size.width, self.size.height)

    def action_diff(self) -> None:
        self.desk.diff()
        self._place(self.size.width, self.size.height)

    # ---- what if

    def action_what_if(self) -> None:
        events = self.desk.choices()
        if not events:
            self.show()
            return

        def taken(event: str | None) -> None:
            if event:
                self._do(self.desk.what_if, event, events[event])

        title = f"What if, in place of step {self.model.step}:"
        self.push_screen(Choice(title, list(events), self.colours, self.model.plain), taken)

    def action_passing(self) -> None:
        self._do(self.desk.passing)

    def action_save(self) -> None:
        name = self.desk.suggested()
        if name:
            self._ask("save", name)
        self.show()

    def action_leave(self) -> None:
        self.exit(0)

    def action_copy(self) -> None:
        step = self.model.step
        words = ["demi", "replay", self.path, *self.words]
        until = ["--until", str(step)] if step and step < self.model.steps else []
        line = shlex.join([*words, *until])
        self.copy_to_clipboard(line)
        self.model.note = f"copied: {line}"
        self.show()

    def action_help(self) -> None:
        self._read(help_rows(self.model.plain))

    def action_details(self) -> None:
        self._read(detail_rows(self.model))

    def _read(self, rows: Rows) -> None:
        self.push_screen(Page(rows, self.colours, self.model.plain))

    # ---- asking

    def action_search(self) -> None:
        self._ask("search", self.model.needle)

    def action_filter(self) -> None:
        self._ask("filter", self.model.filter)

    def action_goto(self) -> None:
        self._ask("goto", "")

    def _ask(self, what: str, text: str) -> None:
        self.query_one(Hints).display = False
        self.query_one(Prompt).ask(what, text, ASKED[what])

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        self.query_one(Prompt).done()
        self.query_one(Hints).display = True
        self.query_one(Lanes).focus()
        if event.text is None:
            self.show()
            return
        answer = {
            "search": self.model.search, "filter": self.model.set_filter, "goto": self.model.goto,
            "save": self.desk.keep,
        }[event.what]  # fmt: skip
        try:
            self._do(answer, event.text)
        except DemiError as error:
            self.model.note = f"{error.what}; {error.remedy}" if error.remedy else error.what
            self.show()

    def on_lanes_placed(self, event: Lanes.Placed) -> None:
        self.show()

    def on_lanes_picked(self, event: Lanes.Picked) -> None:
        self._do(self.model.select, event.row)

    # ---- the palette

    def action_command_palette(self) -> None:
        self.push_screen(CommandPalette(placeholder="An action, or a part of its name"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        for key in KEYS:
            if key.action == "command_palette":
                continue
            name = key.action.replace("_", " ")
            act = partial(self.action_act, key.action)
            yield SystemCommand(name, f"{key.help}  (key {key.shown})", act)
        yield SystemCommand("theme", "Choose other colours.", self.action_change_theme)

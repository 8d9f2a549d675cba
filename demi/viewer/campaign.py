"""The screen of a campaign, in a process of its own: figures come as JSON lines, keys go nowhere else.

The one insight: the campaign does not know whether anybody looks; leaving ends this process and nothing
more, and when the campaign ends (or dies) this process gives the terminal back and ends too.

    python -m demi.viewer.campaign FD TITLE [--ascii]

FD: an inherited file descriptor with one `Figures` per line, and an empty line at the end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import ClassVar

import msgspec
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType

from demi.render.rows import Row
from demi.viewer.figures import Figures, History, rows
from demi.viewer.palette import Palette
from demi.viewer.terminal import gone, guard
from demi.viewer.widgets import Hints, Sheet

KEYS = [("q", "leave, the work goes on", "leave"), ("^c", "stop the work", "stop")]
PARENT_SECONDS = 1.0  # how often one looks whether the campaign lives
CHUNK = 1 << 16


class Campaign(App[None]):
    """source: the descriptor to read, -1 for none.  stop: ends the work."""

    CSS_PATH = "viewer.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,ctrl+q", "leave", "leave"),
        Binding("ctrl+c", "stop", "stop", priority=True),
    ]

    def __init__(self, history: History, source: int = -1, plain: bool = False) -> None:
        super().__init__()
        self.history = history
        self.stopped = False
        self._source = source
        self._plain = plain
        self._rest = b""
        self._campaign = os.getppid()
        self._palette_of: tuple[str, Palette] | None = None

    def compose(self) -> ComposeResult:
        yield Sheet(self._rows, self._colours, "figures")
        yield Hints([(k, w, a) for k, w, a in KEYS], lambda: "", self._colours, self._plain)

    def _rows(self, cells: int, height: int) -> list[Row]:
        return rows(self.history, cells, height, self._plain)

    def _colours(self) -> Palette:
        if self._palette_of is None or self._palette_of[0] != self.theme:
            self._palette_of = self.theme, Palette(self.theme_variables)
        return self._palette_of[1]

    def on_mount(self) -> None:
        if not self.is_headless:
            guard()
        if self._source >= 0:
            os.set_blocking(self._source, False)
            asyncio.get_running_loop().add_reader(self._source, self._read)
            self.set_interval(PARENT_SECONDS, self._check)

    def _check(self) -> None:
        """Other processes may hold the pipe open: a dead campaign is seen by its process.

        A terminal that has gone is no reason to spin.
        """
        lost = not self.is_headless and gone()
        if lost or os.getppid() != self._campaign:
            self.exit()

    def _read(self) -> None:
        try:
            data = os.read(self._source, CHUNK)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data or b"" in lines:
            self.exit()
            return
        for line in lines:
            self.take(msgspec.json.decode(line, type=Figures))

    def take(self, figures: Figures) -> None:
        """Show newer figures."""
        self.history.take(figures)
        self.query_one("#figures", Sheet).refresh()

    def action_act(self, name: str) -> None:
        """A click on the bottom line."""
        getattr(self, f"action_{name}")()

    def action_leave(self) -> None:
        self.exit()

    def action_stop(self) -> None:
        """As Ctrl-C without a screen: the work ends and tells what it found."""
        self.stopped = True
        if self._source >= 0:
            os.kill(self._campaign, signal.SIGINT)
        self.exit()


def main() -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # a Ctrl-C before the screen is there is the campaign's
    source, title, *options = sys.argv[1:]
    Campaign(History(title), int(source), "--ascii" in options).run()


if __name__ == "__main__":
    main()

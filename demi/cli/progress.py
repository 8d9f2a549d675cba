"""Progress: one live line on a terminal, a plain line every ten seconds elsewhere.

The one insight: progress is for a person who waits, so it goes to stderr in every mode and nothing
ever depends on it.  It is drawn by the caller's own ticks: a drawing thread would be forked into the
workers of a hunt.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from demi.cli.output import WIDTH, clean, count, wants_color

if TYPE_CHECKING:
    from rich.live import Live

    from demi.viewer.figures import Figures

PLAIN_SECONDS = 10.0  # a log that says nothing for long is killed by some services
FIRST_SECONDS = 1.0  # the first line comes early: it is alive
LIVE_SECONDS = 0.25


class Progress:
    """A context manager; `tell(text)` as often as you like."""

    def __init__(self, quiet: bool = False, color: str = "auto") -> None:
        self._quiet = quiet
        self._color = color
        self._live: Live | None = None
        self._started = time.monotonic()
        self._due = self._started + FIRST_SECONDS

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(
                stderr=True, markup=False, highlight=False, no_color=not self._colored()
            )
            self._live = Live("", console=console, transient=True, auto_refresh=False)
            self._live.start()
            self._due = self._started
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _colored(self) -> bool:
        return wants_color(self._color, sys.stderr)

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._started

    def tell(self, text: str) -> None:
        """Show `text` now if it is time to."""
        now = time.monotonic()
        if self._quiet or now < self._due:
            return
        self._due = now + (LIVE_SECONDS if self._live is not None else PLAIN_SECONDS)
        line = clean(text)[: WIDTH - 1]
        if self._live is not None:
            from rich.text import Text

            self._live.update(Text(line, no_wrap=True), refresh=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def figures(self, now: Figures) -> None:
        """Where a campaign stands, for who shows more than a line (`screen.py`)."""


def hunting(
    name: str, runs: int, steps: int, elapsed: float, seed: int, max_time: float, total: int
) -> str:
    """`fuzz raft  1 240 runs  38/s  61 234 steps  seed 1240  0:32 left`."""
    rate = runs / elapsed if elapsed > 0 else 0.0
    left = (total - runs) / rate if rate else 0.0
    left = max(0.0, min(left, max_time - elapsed) if max_time else left)
    return (
        f"fuzz {name[:16]}  {count(runs)} runs  {count(round(rate))}/s  {count(steps)} steps  "
        f"seed {seed}" + (f"  {clock(left)} left" if rate else "")
    )


def clock(seconds: float) -> str:
    """`0:32`, `1:02:03`."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    text = f"{rest // 60}:{rest % 60:02d}"
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else text

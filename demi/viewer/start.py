"""The way into the viewer: open the file, show it, close it, pass on what went wrong.

The one insight: whatever ends the application, the terminal is given back before anything is said.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from demi.errors import UsageError
from demi.target import nearest
from demi.viewer.app import Viewer
from demi.viewer.facts import Facts
from demi.viewer.model import Model
from demi.viewer.source import Source

AT_ONCE = 20_000  # steps that are folded before the first screen: half a second at most


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.  at: a step's number or an event's id.  words: `--target` for commands."""

    at: str = ""
    filter: str = ""
    plain: bool = False
    theme: str = ""
    words: tuple[str, ...] = ()


def prepared(path: Path, wish: Wish) -> Viewer:
    """The application for a trace.  Raises TraceError and UsageError before the screen changes."""
    facts = Facts(Source(path))
    if len(facts.source) <= AT_ONCE:
        facts.advance(AT_ONCE)
    model = Model(facts, wish.plain)
    if wish.filter:
        model.set_filter(wish.filter)
    elif wish.at:
        model.goto(wish.at)
    viewer = Viewer(model, str(path), wish.words)
    if wish.theme and wish.theme not in viewer.available_themes:
        raise UsageError(
            f"no theme {wish.theme!r}",
            where="--theme",
            remedy=nearest(wish.theme, viewer.available_themes),
        )
    viewer.theme = wish.theme or viewer.theme
    return viewer


def show(path: Path, wish: Wish, colour: bool = True) -> int:
    """Show a trace until the user leaves; returns the exit code.  Raises what broke inside."""
    if not colour:
        os.environ["NO_COLOR"] = "1"  # how Textual is told
    viewer = prepared(path, wish)
    code = viewer.run()
    viewer.model.facts.source.close()
    if viewer.failure is not None:
        raise viewer.failure
    return code or 0

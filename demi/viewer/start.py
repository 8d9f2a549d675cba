"""The way into the viewer: open the file, show it, close it, pass on what went wrong.

The one insight: whatever ends the application, the terminal is given back before anything is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from demi.errors import UsageError
from demi.target import nearest
from demi.viewer.live import Elsewhere, Live, Nowhere
from demi.viewer.model import Model
from demi.viewer.opening import compared, opened

if TYPE_CHECKING:
    from demi.scheduler.execute import Subject
    from demi.viewer.app import Viewer


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for.

    other: a second trace.  at: a step's number or an event's id.  words: `--target`, for commands.
    """

    other: Path | None = None
    at: str = ""
    filter: str = ""
    plain: bool = False
    theme: str = ""
    words: tuple[str, ...] = ()


def prepared(path: Path, wish: Wish, live: Live | None = None) -> Viewer:
    """The application for a trace.  Raises TraceError and UsageError before the screen changes."""
    from demi.viewer.app import Viewer  # after the fork: the other process needs no screen

    facts = opened(path)
    if wish.other is not None:
        model = compared(facts, opened(wish.other), wish.plain, live)
    else:
        model = Model(facts, plain=wish.plain, live=live)
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


def show(path: Path, wish: Wish, colour: bool, make: Callable[[Path], Subject]) -> int:
    """Show a trace until the user leaves; returns the exit code.  Raises what broke inside.

    make: builds the target of a trace file; called in another process, when it is first asked for.
    """
    try:
        live = Elsewhere(make)
    except OSError as error:
        return _run(path, wish, colour, Nowhere(f"no other process: {error.strerror or error}"))
    try:
        return _run(path, wish, colour, live)
    finally:
        live.close()


def _run(path: Path, wish: Wish, colour: bool, live: Live) -> int:

    if not colour:
        os.environ["NO_COLOR"] = "1"  # how Textual is told
    else:
        os.environ.pop("NO_COLOR", None)  # --color always
    viewer: Viewer = prepared(path, wish, live)
    code = viewer.run()
    for facts in viewer.model.sides:
        facts.source.close()
    if viewer.failure is not None:
        raise viewer.failure
    return code or 0

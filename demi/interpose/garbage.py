"""The collector of garbage while worlds run: off during a run, and at work between runs.

The one insight: collecting runs code of the program (`finally`, `__del__`, callbacks of weak references)
at points that depend on how much was made before, so during a run it would be a source of chance; between
runs it is not, and there it pays only when there is enough, and only among what the runs made.

Enough is little: what was touched lately is still in the processor's cache, and costs a third to look at.
Not here: what a program may reach while its remains are collected (`aio/morgue.py`, `threads/ends.py`).
"""

from __future__ import annotations

import contextlib
import gc
import sys
import warnings
from collections.abc import Iterator
from typing import Any

YOUNG_MAX = 15_000  # objects made and not freed since the last collection
_open: list[bool] = []  # one per world: was the collector on before?


def open_for_runs() -> None:
    """Switch the collector off; worlds may nest."""
    _open.append(gc.isenabled())
    gc.disable()


def close_for_runs() -> None:
    """Undo one `open_for_runs`."""
    enabled = _open.pop()
    if not _open:
        gc.unfreeze()
    if enabled and not any(_open):
        gc.enable()


def enough() -> bool:
    """Is there enough to collect?"""
    return gc.get_count()[0] > YOUNG_MAX


def sweep() -> None:
    """Collect, and look no more at what is left: it outlives runs (modules, above all)."""
    gc.collect()
    gc.freeze()


def sweep_all() -> None:
    """Collect all there is, when a world is closed."""
    if len(_open) > 1:
        gc.unfreeze()  # another world may have frozen what was alive here
    gc.collect()


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """A dead program's last words are not printed."""
    heard, sys.unraisablehook = sys.unraisablehook, _nothing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.unraisablehook = heard


def _nothing(unraisable: Any) -> None:
    """Nobody listens."""

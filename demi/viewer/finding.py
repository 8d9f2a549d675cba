"""Looking through all rows: for the next hit of a search, or for those that a filter lets through.

The one insight: a generator that gives up control every few hundred rows can be stopped by a key, and
needs no thread.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import chain
from typing import Protocol

from demi.trace import Entry
from demi.viewer import filters
from demi.viewer.listing import Kept, Rows, Spot

SLICE = 256  # steps looked at before other work gets its turn

Work = Iterator[None]


class Shown(Protocol):
    """What is needed of the model."""

    note: str
    filter: str

    @property
    def base(self) -> Rows:
        """All rows."""
        ...

    def event(self, spot: Spot) -> Entry:
        """The event of a row."""
        ...

    def show(self, rows: Rows) -> None:
        """Show these rows."""
        ...

    def go(self, step: int, side: int) -> None:
        """Select a step."""
        ...


def filtered(model: Shown, text: str, test: filters.Test) -> Work:
    """Show the rows that pass; when none does, say so and change nothing."""
    kept = array("L")
    count = len(model.base)
    for row in range(count):
        entry = model.event(model.base.spot(row))
        if test(entry, entry.name):
            kept.append(row)
        if row % SLICE == SLICE - 1:
            model.note = f"filter: {row + 1} of {count} looked at, {len(kept)} pass"
            yield
    if not kept:
        model.note = f"no step passes {text!r}"
        return
    model.filter = text
    model.show(Kept(model.base, kept))
    model.note = f"{len(kept)} of {count} steps; esc: all"


def looked(model: Shown, test: filters.Test, start: int, forward: bool, what: str) -> Work:
    """Go to the first hit, row by row from `start` (not included), around the end."""
    count = len(model.base)
    ahead, behind = range(start + 1, count), range(max(0, start))
    order = chain(ahead, behind) if forward else chain(behind[::-1], ahead[::-1])
    for passed, row in enumerate(order, 1):
        spot = model.base.spot(row)
        entry = model.event(spot)
        if test(entry, entry.name):
            around = row < start if forward else row > start
            model.go(spot.step, spot.side)
            model.note = "around the end" if around and start >= 0 else ""
            return
        if passed % SLICE == 0:
            model.note = f"looking for {what[:30]}: {passed} of {count} steps"
            yield
    model.note = f"not found: {what[:40]}"

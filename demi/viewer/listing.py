"""Which steps stand below each other on the screen: all, those that a filter lets through, folded runs.

The one insight: the cursor moves over *rows*, each of which stands for something of the trace, and what
only comments on a row (the verdict below the violating step) is a *line* without a row, so no key can get
stuck on it.  Rows and lines are counted from 0, steps from 1.

A million rows cost nothing: they are computed from the number of steps.  Not here: what a row looks like
(`picture.py`), rows of two traces (`pairs.py`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

SAME, CHANGED = "=", "~"  # marks of a row that two traces share
FOLD_MIN = 4  # rows of a run that are worth a row of their own instead


@dataclass(frozen=True, slots=True)
class Spot:
    """What a row stands for.  side: 0, or 1 for the second of two traces.  step: the step there.

    mark: how two traces differ there, "" otherwise.  other: the step in the other trace, 0 for none.
    folded: rows that this one stands for, when it stands for several; it has the step of the first.
    """

    side: int
    step: int
    mark: str = ""
    other: int = 0
    folded: int = 0

    @property
    def shared(self) -> bool:
        """Is it a row of both traces?"""
        return self.mark in (SAME, CHANGED)

    def on(self, side: int) -> int:
        """The step in a trace, 0 when it has none."""
        return self.step if side == self.side else self.other


class Rows(Protocol):
    """Rows in order."""

    def __len__(self) -> int: ...

    def spot(self, row: int) -> Spot:
        """What stands in a row."""
        ...

    def row(self, step: int, side: int = 0) -> int:
        """The row of a step; the nearest one before it when it has none, else 0."""
        ...

    def has(self, step: int, side: int = 0) -> bool:
        """Has the step a row of its own?"""
        ...


class Steps:
    """All steps of one trace, however many there are by now."""

    def __init__(self, source: Sized) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    def spot(self, row: int) -> Spot:
        return Spot(0, row + 1)

    def row(self, step: int, side: int = 0) -> int:
        return max(0, min(step, len(self)) - 1)

    def has(self, step: int, side: int = 0) -> bool:
        return 0 < step <= len(self)


class Kept:
    """Some rows of others.  kept: their numbers there, ascending."""

    def __init__(self, base: Rows, kept: Sequence[int]) -> None:
        self._base = base
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    def spot(self, row: int) -> Spot:
        return self._base.spot(self._kept[row])

    def row(self, step: int, side: int = 0) -> int:
        return max(0, bisect_right(self._kept, self._base.row(step, side)) - 1)

    def has(self, step: int, side: int = 0) -> bool:
        wanted = self._base.row(step, side)
        at = bisect_left(self._kept, wanted)
        found = at < len(self._kept) and self._kept[at] == wanted
        return found and self._base.has(step, side)


class Folded:
    """Rows of others with each long run of one kind in one row.

    kind(row): rows of a run have an equal kind; "" is never folded.
    """

    def __init__(self, base: Rows, kind: Callable[[int], str]) -> None:
        self._base = base
        self._starts: list[int] = []
        self._counts: list[int] = []
        at = 0
        for name, run in groupby(range(len(base)), kind):
            count = sum(1 for _ in run)
            if name and count >= FOLD_MIN:
                self._starts.append(at)
                self._counts.append(count)
            else:
                self._starts += range(at, at + count)
                self._counts += [1] * count
            at += count

    def __len__(self) -> int:
        return len(self._starts)

    def spot(self, row: int) -> Spot:
        spot, count = self._base.spot(self._starts[row]), self._counts[row]
        return spot if count == 1 else Spot(spot.side, spot.step, spot.mark, spot.other, count)

    def row(self, step: int, side: int = 0) -> int:
        return max(0, bisect_right(self._starts, self._base.row(step, side)) - 1)

    def has(self, step: int, side: int = 0) -> bool:
        if not len(self) or not self._base.has(step, side):
            return False
        return self._counts[self.row(step, side)] == 1


@dataclass(frozen=True, slots=True)
class Lines:
    """Rows with the lines that comment on them.  below: rows that have such a line, ascending."""

    rows: int
    below: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.rows + len(self.below)

    def line(self, row: int) -> int:
        """The line of a row."""
        return row + bisect_left(self.below, row)

    def at(self, line: int) -> tuple[int, bool]:
        """(the row of a line, is it the comment below that row?)"""
        for passed, row in enumerate(self.below):
            if line <= row + passed:
                return line - passed, False
            if line == row + passed + 1:
                return row, True
        return line - len(self.below), False

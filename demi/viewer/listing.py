"""Which steps stand below each other on the screen: all of them, or those that a filter lets through.

The one insight: the cursor moves over *rows*, each of which stands for something of the trace, and what
only comments on a row (the verdict below the violating step) is a *line* without a row, so no key can get
stuck on it.  Rows and lines are counted from 0, steps from 1.

A million rows are a `range`; nothing is made per row.  Not here: what a row looks like (`picture.py`),
rows of two traces (`pairs.py`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spot:
    """What a row stands for.  side: 0, or 1 for the second of two traces.  step: the step there.

    mark: how two traces differ there, "" otherwise.  other: the step in the other trace, 0 for none.
    folded: steps that this row stands for, when it stands for several.  note: more about it.
    """

    side: int
    step: int
    mark: str = ""
    other: int = 0
    folded: int = 0
    note: str = ""


class Rows(Protocol):
    """Rows in order."""

    def __len__(self) -> int: ...

    def spot(self, row: int) -> Spot:
        """What stands in a row."""
        ...

    def row(self, step: int, side: int = 0) -> int:
        """The row of a step; the nearest one before it when it has none, else 0."""
        ...


class Steps:
    """Rows of one trace.  steps: the numbers of those shown, ascending."""

    def __init__(self, steps: Sequence[int]) -> None:
        self.steps = steps

    def __len__(self) -> int:
        return len(self.steps)

    def spot(self, row: int) -> Spot:
        return Spot(0, self.steps[row])

    def row(self, step: int, side: int = 0) -> int:
        return max(0, bisect_right(self.steps, step) - 1)

    def holds(self, step: int) -> bool:
        """Is the step shown?"""
        at = bisect_left(self.steps, step)
        return at < len(self.steps) and self.steps[at] == step


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

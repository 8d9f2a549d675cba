"""Where things stand: the cells of the step number, of each lane and of the text beside the lanes.

The one insight: lanes get the gap that their labels want while the text keeps enough room; when both do
not fit, labels move into the text and lanes shrink to marks, and at last the lanes go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from demi.render.text import clip, width

TEXT_MIN = 26  # cells of text beside wide lanes; less says nothing
TEXT_MIN_NARROW = 34  # beside narrow lanes the text names the event too
GAP_MIN = 14  # below it most labels would be cut: `├─Append#1───▶`
GAP_MAX = 30
GAPS_NARROW = (4, 3, 2)
ARROW_CELLS = 3  # what an arrow needs beside its label: `├─label─▶`, without the receiver's lane
MARK_CELLS = 4  # what a mark needs beside its label: `◷ label` and two blanks


@dataclass(frozen=True, slots=True)
class Layout:
    """wide: labels stand on the lanes.  lanes: cell of each lane, none when there is no room.

    gutter: cells of the step number.  ends: for each lane the cell before which what stands to its
    right must end.  side: first cell of the text.
    """

    cells: int
    gutter: int
    lanes: tuple[int, ...]
    ends: tuple[int, ...]
    side: int
    wide: bool


def plan(
    cells: int, names: Sequence[str], labels: Iterable[tuple[int, Sequence[str]]], last_step: int
) -> Layout:
    """The layout of one lane per name in `cells` cells.

    labels: for each event the cells of its label and the nodes it is drawn on, one or two.
    """
    wanted, mark = _wishes(names, labels)
    gutter = 1 + max(4, len(str(last_step)))  # the mark of the violation, then the number
    room = cells - gutter - 1
    if not names:
        return Layout(cells, gutter, (), (), gutter + 1, False)
    between = len(names) - 1
    tail = min(GAP_MAX, max(mark, width(names[-1]) + 2))
    gap = min(wanted, (room - TEXT_MIN - tail) // max(1, between))
    if gap >= GAP_MIN:
        return _layout(cells, gutter, gap, tail, between)
    for gap in GAPS_NARROW:
        if room - (between + 1) * gap >= TEXT_MIN_NARROW:
            return _layout(cells, gutter, gap, gap, between, False)
    return Layout(cells, gutter, (), (), gutter + 1, False)


def _wishes(names: Sequence[str], labels: Iterable[tuple[int, Sequence[str]]]) -> tuple[int, int]:
    """The gap between lanes, and the cells after the last one, at which every label has room."""
    column = {name: at for at, name in enumerate(names)}
    gap = tail = 0
    for cells, ends in labels:
        at = [column.get(end, 0) for end in ends]
        if len(at) == 2:
            gap = max(gap, -(-(cells + ARROW_CELLS) // max(1, abs(at[0] - at[1]))))
        elif at == [len(names) - 1]:
            tail = max(tail, cells + MARK_CELLS)
        else:
            gap = max(gap, cells + MARK_CELLS)
    return min(GAP_MAX, max(GAP_MIN, gap)), tail


def _layout(
    cells: int, gutter: int, gap: int, tail: int, between: int, wide: bool = True
) -> Layout:
    lanes = tuple(gutter + 1 + at * gap for at in range(between + 1))
    side = lanes[-1] + tail
    return Layout(cells, gutter, lanes, (*[at - 1 for at in lanes[1:]], side - 1), side, wide)


def short_names(names: Sequence[str], cells: int, more: str) -> list[str]:
    """Lane titles of at most `cells` cells: the names, or what is left without their common start."""
    if all(width(name) <= cells for name in names):
        return list(names)
    common = 0
    while len(names) > 1 and len({name[: common + 1] for name in names}) == 1:
        common += 1
    rest = [name[common:] or name for name in names]
    if all(width(name) <= cells for name in rest):
        return rest
    return [clip(name, cells, more) if cells > 1 else name[:1] for name in rest]

"""Two traces on shared lanes, row by row aligned by event id, with the races between them that turned.

The one insight: an id says what an event is, so an event of both traces is one row; an event of both that
happens at another moment is a row in each, and where two such events of one node changed places, that is
a race with the other outcome: the first thing to look at.

Aligning is `demi/render/alignment.py`.  Not here: drawing (`picture.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from demi.errors import TraceError, UsageError
from demi.events import EventName
from demi.render.alignment import Pair, align_ids, differences
from demi.trace import Header
from demi.viewer.facts import Facts
from demi.viewer.listing import CHANGED, SAME, Spot

STEPS_MAX = 400_000  # of both traces together: a few seconds and 100 MB; beyond, minimize first
REMOVED, ADDED, MOVED, REVERSED = "-", "+", "<>", "!"  # with SAME and CHANGED all marks
WORDS = {
    SAME: "in both", CHANGED: "in both, but it did something else", REMOVED: "only in the first",
    ADDED: "only in the second", MOVED: "in both, at another moment",
    REVERSED: "in both, in the other order at its node: a race that turned",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Race:
    """Two events of a node whose order differs; ids in the order of the first trace."""

    node: str
    first: str
    second: str


class Pairs:
    """Rows of two traces.  races: those whose outcome differs, in the order of the first trace."""

    def __init__(self, left: Facts, right: Facts) -> None:
        self._sides = left, right
        names = [_names(facts) for facts in self._sides]
        ids = [[event for event, _ in side] for side in names]
        self._pairs: list[Pair] = align_ids(ids[0], ids[1])
        self._rows: tuple[list[int], list[int]] = [0] * len(ids[0]), [0] * len(ids[1])
        for row, pair in enumerate(self._pairs):
            if pair.left is not None:
                self._rows[0][pair.left] = row
            if pair.right is not None:
                self._rows[1][pair.right] = row
        self.races = races(names[0], ids[1])
        self._raced = {event for race in self.races for event in (race.first, race.second)}
        self._marks: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._pairs)

    def spot(self, row: int) -> Spot:
        pair = self._pairs[row]
        mark = self.mark(row)
        if pair.left is not None:
            other = pair.right if pair.right is not None else pair.moved
            return Spot(0, pair.left + 1, mark, 0 if other is None else other + 1)
        assert pair.right is not None  # a pair is in at least one trace
        return Spot(1, pair.right + 1, mark, 0 if pair.moved is None else pair.moved + 1)

    def row(self, step: int, side: int = 0) -> int:
        rows = self._rows[side]
        return rows[max(0, min(step, len(rows)) - 1)] if rows else 0

    def has(self, step: int, side: int = 0) -> bool:
        return 0 < step <= len(self._rows[side])

    def mark(self, row: int) -> str:
        """How the traces differ there."""
        found = self._marks.get(row)
        if found is None:
            found = self._marks[row] = self._compared(self._pairs[row])
        return found

    def _compared(self, pair: Pair) -> str:
        if pair.moved is not None:
            return REVERSED if pair.id in self._raced else MOVED
        if pair.right is None or pair.left is None:
            return REMOVED if pair.right is None else ADDED
        return CHANGED if self.differences(pair.left + 1, pair.right + 1) else SAME

    def differences(self, left: int, right: int) -> list[str]:
        """What an event did otherwise; steps from 1."""
        return differences(self._sides[0].entry(left), self._sides[1].entry(right))

    def kind(self, row: int) -> str:
        """Rows of a run that may be folded: those of only one trace."""
        pair = self._pairs[row]
        if pair.moved is not None or (pair.left is not None and pair.right is not None):
            return ""
        return REMOVED if pair.right is None else ADDED

    def races_of(self, event: str) -> list[Race]:
        """The races in which an event takes part."""
        return [race for race in self.races if event in (race.first, race.second)]


def _names(facts: Facts) -> list[tuple[str, EventName]]:
    source = facts.source
    return [((entry := source.entry(at)).id, entry.name) for at in range(len(source))]


def races(left: Sequence[tuple[str, EventName]], right: Sequence[str]) -> list[Race]:
    """Neighbours among the shared events of a node that stand in the other order on the right."""
    place = {event: at for at, event in enumerate(right)}
    last: dict[str, str] = {}
    found = []
    for event, name in left:
        if event not in place:
            continue
        before = last.get(name.node)
        if before is not None and place[before] > place[event]:
            found.append(Race(name.node, before, event))
        last[name.node] = event
    return found


def check(left: Facts, right: Facts) -> None:
    """Raises UsageError for two traces that cannot stand side by side."""
    one, other = left.source.header, right.source.header
    if len(left.source) + len(right.source) > STEPS_MAX:
        raise UsageError(
            f"together they have more than {STEPS_MAX} steps",
            where=str(right.source.path),
            remedy="minimize one first; demi diff prints them",
        )
    if not set(one.nodes) & set(other.nodes):
        raise UsageError(
            f"no node is in both: {', '.join(one.nodes[:5])} and {', '.join(other.nodes[:5])}",
            where=str(right.source.path),
            remedy="compare traces of one target",
        )


def nodes_of(left: Header, right: Header) -> tuple[str, ...]:
    """The lanes: the nodes of the first, then those that only the second has."""
    return tuple(dict.fromkeys([*left.nodes, *right.nodes]))


def original_of(path: Path, parent: str) -> Path | None:
    """The file beside a minimized trace that it was made from, by its digest; None when there is none."""
    from demi.trace_codec import digest, load

    stem = path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".min")
    for name in (f"{stem}.jsonl", f"{stem}.jsonl.gz"):
        beside = path.with_name(name)
        if parent and beside != path and beside.is_file():
            try:
                if digest(load(beside)) == parent:
                    return beside
            except TraceError:
                continue
    return None

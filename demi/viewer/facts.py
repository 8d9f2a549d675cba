"""What is known of each step: its node, its cause, its vector clock, and the state before it.

The one insight: one pass in small slices gives a few numbers per step (arrays, not objects) and a mark
every few hundred steps, from which any state is a short fold away; so a key is answered in the time of a
screen, and memory does not grow with payloads.

`i` happens before `j` exactly when `j`'s clock at `i`'s home has reached `i`'s place there (see
`demi/causality.py`, whose edges these are).
"""

from __future__ import annotations

from array import array
from collections import OrderedDict

from demi.events import EventName
from demi.render.changes import Fold, Mark, Seen, Told, start
from demi.trace import Entry
from demi.viewer.source import Source

MARK_EVERY = 128  # steps; a screen of 60 filtered rows folds 60 * 64 steps in about 20 ms
BIRTHS_SCANNED = 2000  # steps in which every node has started
TOLD_KEPT = 4096
EFFECTS_MAX = 10_000  # of one step that are looked through; more is a flood
PENDING_MAX = 500_000  # messages and timers under way that are remembered; the oldest go first
CLOCK_CELLS_MAX = 16_000_000  # 64 MB; steps * nodes


class Facts:
    """Steps are counted from 1.  known: the steps that were folded; the others have no facts yet."""

    def __init__(self, source: Source) -> None:
        self.source = source
        names = source.header.nodes
        self._column = {node: at for at, node in enumerate(names)}
        first = (source.entry(at) for at in range(min(len(source), BIRTHS_SCANNED)))
        self._marks: list[Mark] = [start(source.header, first)]
        self._fold = Fold(self._marks[0])
        self._cursor = Fold(self._marks[0])
        self._told: OrderedDict[int, Told] = OrderedDict()
        self._home = array("i")  # column of the node, -1 for none
        self._place = array("I")  # which event of its node, from 1
        self._previous = array("I")  # the step before on that node
        self._following = array("I")  # the step behind on that node
        self._source = array("I")  # the step that sent or armed it
        self._effect = array("I")  # the last step that it caused
        self._sibling = array("I")  # the effect of its source before it
        self._clocks = array("I")
        self._last = [0] * len(names)
        self._count = [0] * len(names)
        boot = source.header.boot
        self._made: dict[str, int] = dict.fromkeys(
            [*boot.get("out", ()), *boot.get("armed", ())], 0
        )

    @property
    def known(self) -> int:
        """How many steps have facts."""
        return self._fold.steps

    @property
    def complete(self) -> bool:
        """Has every step its facts?"""
        return self._fold.steps >= len(self.source)

    def advance(self, steps: int) -> bool:
        """Fold some more; True while something is left."""
        end = min(len(self.source), self._fold.steps + steps)
        for at in range(self._fold.steps, end):
            entry = self.source.entry(at)
            name = entry.name
            self._link(at, entry, name)
            self._fold.take(entry, name)
            if self._fold.steps % MARK_EVERY == 0:
                self._marks.append(self._fold.mark())
        return not self.complete

    def _link(self, at: int, entry: Entry, name: EventName) -> None:
        step = at + 1
        made = self._made
        source = made.pop(entry.id, 0)
        others = [made.pop(gone, 0) for gone in entry.lost]
        touched = [self._column[node] for node in entry.touched if node in self._column]
        home = touched[0] if touched else -1
        causes = {self._last[one] for one in touched} | {source, *others}
        causes.discard(0)
        self._clock(causes, home, touched)
        self._home.append(home)
        self._place.append(self._count[home] if home >= 0 else 0)
        self._previous.append(self._last[home] if home >= 0 else 0)
        self._following.append(0)
        self._source.append(source)
        self._effect.append(0)
        self._sibling.append(self._effect[source - 1] if source else 0)
        if source:
            self._effect[source - 1] = step
        if home >= 0 and self._last[home]:
            self._following[self._last[home] - 1] = step
        for one in touched:
            self._last[one] = step
        for produced in (*entry.out, *entry.armed):
            made[produced] = step
        while len(made) > PENDING_MAX:
            del made[next(iter(made))]

    def _clock(self, causes: set[int], home: int, touched: list[int]) -> None:
        width = len(self._column)
        if home >= 0:
            self._count[home] += 1
        if not width or len(self._clocks) + width > CLOCK_CELLS_MAX:
            return
        clock = [0] * width
        for cause in causes:
            other = self._clocks[(cause - 1) * width : cause * width]
            clock = list(map(max, clock, other)) if other else clock
        if home >= 0:
            clock[home] = self._count[home]
        self._clocks.extend(clock)

    # ---- questions

    def entry(self, step: int) -> Entry:
        """The event of a step."""
        return self.source.entry(step - 1)

    def look(self, step: int) -> tuple[Entry, EventName, Told]:
        """A step with what is told of it."""
        entry = self.entry(step)
        return entry, entry.name, self.told(step)

    def told(self, step: int) -> Told:
        """A step in its context; without one where nothing is known yet."""
        found = self._told.get(step)
        if found is not None:
            return found
        if step > self.known:
            return Told()
        fold = self.after(step - 1)
        entry = self.entry(step)
        told = fold.take(entry, entry.name)
        self._told[step] = told
        if len(self._told) > TOLD_KEPT:
            self._told.popitem(last=False)
        return told

    def after(self, steps: int) -> Fold:
        """The fold after so many steps (fewer where less is known); valid until the next question."""
        steps = min(steps, self.known)
        mark = self._marks[min(steps // MARK_EVERY, len(self._marks) - 1)]
        if not mark.steps <= self._cursor.steps <= steps:
            self._cursor = Fold(mark)
        while self._cursor.steps < steps:
            entry = self.source.entry(self._cursor.steps)
            self._cursor.take(entry, entry.name)
        return self._cursor

    def seen(self, node: str, steps: int) -> Seen:
        """What a node shows after so many steps."""
        return self.after(steps).node(node)

    def relation(self, one: int, other: int) -> str:
        """How `other` stands to `one`: past, future, concurrent, self; "" where not known."""
        if one == other:
            return "self"
        if max(one, other) * len(self._column) > len(self._clocks) or not one or not other:
            return ""
        if self._before(other, one):
            return "past"
        return "future" if self._before(one, other) else "concurrent"

    def _before(self, one: int, other: int) -> bool:
        home = self._home[one - 1]
        if home < 0:
            return False
        return self._clocks[(other - 1) * len(self._column) + home] >= self._place[one - 1]

    def cause(self, step: int) -> int:
        """The step that sent the message or armed the timer, 0 when there is none or it is unknown."""
        return self._source[step - 1] if 0 < step <= self.known else 0

    def previous(self, step: int) -> int:
        """The step before on the same node, 0 for none."""
        return self._previous[step - 1] if 0 < step <= self.known else 0

    def next(self, step: int) -> int:
        """The step behind on the same node, 0 for none."""
        return self._following[step - 1] if 0 < step <= self.known else 0

    def effects(self, step: int, most: int = 100) -> list[int]:
        """The steps that deliver what a step sent, or fire what it armed; the first `most`."""
        found: list[int] = []
        at = self._effect[step - 1] if 0 < step <= self.known else 0
        while at and len(found) < EFFECTS_MAX:
            found.append(at)
            at = self._sibling[at - 1]
        return found[::-1][:most]

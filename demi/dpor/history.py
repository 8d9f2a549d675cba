"""Happens-before on the fly: the current execution as a partial order, its races and its class.

The one insight: the past of an event as one Python int (bit i = the i-th event) makes union, membership
and "after f" single machine-speed operations, and a depth-first search only ever appends and pops.

Happens-before and races: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014, section 3 (event = delivery,
process = channel).  Classes: Mazurkiewicz traces.

Not here: which steps depend (`relation.py`), what is done about a race (the algorithms).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.dpor.relation import DELIVER, Foot, Relation
from demi.events import Event
from demi.interpose.world import Step


class SendOrder:
    """Which message was sent causally before which, for causal delivery: send by send, as bits.

    A message knows what its sender knew when it sent it: earlier sends of the same handler included,
    later ones not.
    """

    def __init__(self, nodes: int) -> None:
        self._known: list[list[int]] = [
            [0] for _ in range(nodes)
        ]  # per node, after each step there
        self._stamp: dict[Event, int] = {}  # what a message knows, itself included
        self._bit: dict[Event, int] = {}
        self._count = [0]  # sends before each step

    def boot(self, sent: Sequence[Event]) -> None:
        """Sends of the initial state."""
        self._send(sent)

    def _send(self, sent: Sequence[Event]) -> None:
        count = self._count[-1]
        for event in sent:
            bit = self._bit[event] = 1 << count
            count += 1
            known = self._known[event[2]]
            known[-1] |= bit
            self._stamp[event] = known[-1]
        self._count[-1] = count

    def before(self, first: Event, second: Event) -> bool:
        """Was `first` sent causally before `second`?"""
        return self._stamp.get(second, 0) & self._bit.get(first, 0) != 0

    def append(self, event: Event, step: Step) -> None:
        """A step was taken."""
        known = self._known[event[1]]
        known.append(known[-1] | (self._stamp.get(event, 0) if event[0] == DELIVER else 0))
        self._count.append(self._count[-1])
        self._send([sent for sent in step.sent if sent[2] == event[1]])

    def pop(self, node: int) -> None:
        """The newest step, at that node, is taken back."""
        self._known[node].pop()
        self._count.pop()


_MIX = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


class History:
    """events, feet, past (bits), cause (position of the step that made the event possible, or -1).

    born: which position sent a delivery or armed a timer.  Entries of abandoned branches stay and are
    overwritten: an event that is enabled now was created by the current execution.
    """

    def __init__(self, relation: Relation) -> None:
        self.relation = relation
        self.events: list[Event] = []
        self.feet: list[Foot] = []
        self.past: list[int] = []
        self.cause: list[int] = []
        self.born: dict[Event, int] = {}
        self._plain = relation.plain
        self._at_node: list[list[int]] = [[] for _ in relation.names]
        self._sends = SendOrder(len(relation.names)) if relation.model == "causal" else None

    def __len__(self) -> int:
        return len(self.events)

    def boot(self, sent: Sequence[Event]) -> None:
        """What was sent before the first step."""
        if self._sends is not None:
            self._sends.boot(sent)

    def append(self, event: Event, foot: Foot, step: Step) -> list[int]:
        """Add the step just taken; returns the positions it races with, newest first."""
        here = len(self.events)
        born = self.born
        cause = born.get(event, -1)
        cover = self.past[cause] | 1 << cause if cause >= 0 else 0
        if self._plain:
            past, races = self._predecessor(event[1], foot, cover)
        else:
            past, races = self._predecessors(foot, cover)
        if self._sends is not None:
            order, events = self._sends, self.events
            races = [f for f in races if not order.before(events[f], event)]
            order.append(event, step)
        if step.sent:
            for sent in step.sent:
                born[sent] = here
        if step.armed:
            for armed in step.armed:
                born[armed] = here
        self.events.append(event)
        self.feet.append(foot)
        self.past.append(past)
        self.cause.append(cause)
        self._at_node[event[1]].append(here)
        return races

    def _predecessor(self, node: int, foot: Foot, cover: int) -> tuple[int, list[int]]:
        """Steps at one node are totally ordered: only the last one can race."""
        before = self._at_node[node]
        if not before:
            return cover, []
        last = before[-1]
        if cover >> last & 1:
            return cover, []
        races = [last] if self.feet[last].process != foot.process else []
        return cover | self.past[last] | 1 << last, races

    def _predecessors(self, foot: Foot, cover: int) -> tuple[int, list[int]]:
        races = []
        feet, past = self.feet, self.past
        dependent = self.relation.dependent
        rest = ((1 << len(feet)) - 1) & ~cover
        process, writes, touched = foot.process, foot.writes, foot.writes | foot.reads
        while rest:
            at = rest.bit_length() - 1
            other = feet[at]
            if (other.writes & touched or other.reads & writes) and dependent(other, foot):
                if other.process != process:
                    races.append(at)
                cover |= past[at] | 1 << at
                rest &= ~cover
                continue
            rest ^= 1 << at
        return cover, races

    def pop(self) -> None:
        """Take the newest event back."""
        event = self.events.pop()
        self.feet.pop()
        self.past.pop()
        self.cause.pop()
        self._at_node[event[1]].pop()
        if self._sends is not None:
            self._sends.pop(event[1])

    def not_after(self, f: int, end: int) -> int:
        """Bits of the events f+1 .. end-1 that do not happen after f."""
        past = self.past
        found = 0
        for i in range(f + 1, end):
            if not past[i] >> f & 1:
                found |= 1 << i
        return found

    def initials(self, sequence: int) -> list[int]:
        """Positions in a set of events (bits) that have no predecessor in it, in order."""
        past = self.past
        found = []
        rest = sequence
        while rest:
            low = rest & -rest
            at = low.bit_length() - 1
            if not past[at] & sequence:
                found.append(at)
            rest ^= low
        return found

    def class_id(self) -> int:
        """64 bits, equal exactly for equivalent executions (but for accidents), in any process."""
        names: list[int] = []
        total = 0
        for event, past in zip(self.events, self.past, strict=True):
            below = 0
            rest = past
            while rest:
                low = rest & -rest
                below += names[low.bit_length() - 1]
                rest ^= low
            mixed = (hash((event, below & _MASK)) * _MIX) & _MASK
            mixed ^= mixed >> 29
            names.append(mixed)
            total += mixed
        return total & _MASK

"""One flow table: entries by priority and match, found by tuple space search.

The one insight: entries that look at the same fields under the same masks form one dictionary, so a
lookup costs one dictionary access per *shape* of match, not per entry (Srinivasan, Suri, Varghese,
SIGCOMM'99), and the checker can afford the real tables.

Not here: what an entry does (`pipeline.py`), when it expires (`switch.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from targets.sdn.openflow import messages
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import FlowMod
from targets.sdn.openflow.oxm import ABSENT, Headers, Match, full_mask
from targets.sdn.openflow.wire import Port

Shape = tuple[tuple[int, int], ...]
"""(field index, mask) of each field that a match looks at."""


class Entry:
    """One flow entry.  created, used: virtual seconds; packets: how many matched."""

    __slots__ = ("created", "instructions", "match", "mod", "packets", "priority", "used")

    def __init__(self, mod: FlowMod, now: float) -> None:
        self.mod = mod
        self.priority = mod.priority
        self.match: Match = mod.match
        self.instructions: Instructions = mod.instructions
        self.created = self.used = now
        self.packets = 0

    def deadline(self) -> float | None:
        """When it expires if nothing uses it."""
        times = []
        if self.mod.hard:
            times.append(self.created + self.mod.hard)
        if self.mod.idle:
            times.append(self.used + self.mod.idle)
        return min(times, default=None)


def _key_of(shape: Shape) -> Callable[[Headers], Any]:
    """The function from a packet's headers to its key among matches of a shape."""
    if not shape:
        return lambda headers: ()
    if all(mask == full_mask(index) for index, mask in shape):
        return itemgetter(*[index for index, _ in shape])

    def masked(headers: Headers) -> tuple[int, ...]:
        return tuple([
            headers[index] & mask if headers[index] != ABSENT else ABSENT for index, mask in shape
        ])  # fmt: skip

    return masked


class _Bucket:
    """All entries of one shape: key -> entries, best first.  top: the highest priority among them."""

    __slots__ = ("entries", "key", "top")

    def __init__(self, shape: Shape) -> None:
        self.key = _key_of(shape)
        self.entries: dict[Any, list[Entry]] = {}
        self.top = -1

    def value(self, match: Match) -> Any:
        """The key under which a match of this shape is found."""
        values = tuple([value for _, value, _ in match])
        exact = isinstance(self.key, itemgetter)
        return values[0] if exact and len(values) == 1 else values


class Table:
    """One table.  entries: (priority, match) -> Entry in order of arrival."""

    __slots__ = ("_buckets", "_order", "entries")

    def __init__(self) -> None:
        self.entries: dict[tuple[int, Match], Entry] = {}
        self._buckets: dict[Shape, _Bucket] = {}
        self._order: list[_Bucket] = []

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def add(self, entry: Entry) -> None:
        """Add an entry; one of the same priority and match is replaced."""
        key = (entry.priority, entry.match)
        old = self.entries.get(key)
        if old is not None:
            self.remove(old)
        self.entries[key] = entry
        shape = _shape(entry.match)
        bucket = self._buckets.get(shape)
        if bucket is None:
            bucket = self._buckets[shape] = _Bucket(shape)
            self._order.append(bucket)
        alike = bucket.entries.setdefault(bucket.value(entry.match), [])
        alike.append(entry)
        if len(alike) > 1:
            alike.sort(key=lambda one: -one.priority)
        if entry.priority > bucket.top:
            bucket.top = entry.priority
            self._order.sort(key=lambda one: -one.top)

    def remove(self, entry: Entry) -> None:
        """Take an entry out."""
        del self.entries[entry.priority, entry.match]
        shape = _shape(entry.match)
        bucket = self._buckets[shape]
        value = bucket.value(entry.match)
        bucket.entries[value].remove(entry)
        if not bucket.entries[value]:
            del bucket.entries[value]
        if not bucket.entries:
            del self._buckets[shape]
            self._order.remove(bucket)
        elif entry.priority == bucket.top:
            bucket.top = max(alike[0].priority for alike in bucket.entries.values())
            self._order.sort(key=lambda one: -one.top)

    def lookup(self, headers: Headers) -> Entry | None:
        """The entry of the highest priority that matches; of equals, one that arrived first."""
        best: Entry | None = None
        for bucket in self._order:
            if best is not None and best.priority >= bucket.top:
                break
            alike = bucket.entries.get(bucket.key(headers))
            if alike is not None and (best is None or alike[0].priority > best.priority):
                best = alike[0]
        return best

    def shapes(self) -> list[Shape]:
        """Which fields, under which masks, this table looks at."""
        return list(self._buckets)


def _shape(match: Match) -> Shape:
    return tuple([(index, mask) for index, _, mask in match])


def covers(wide: Match, narrow: Match) -> bool:
    """Is every packet of `narrow` one of `wide`?  Non-strict modify and delete ask this."""
    terms = {index: (value, mask) for index, value, mask in narrow}
    for index, value, mask in wide:
        if index not in terms:
            return False
        its_value, its_mask = terms[index]
        if its_mask & mask != mask or its_value & mask != value:
            return False
    return True


def overlap(one: Match, other: Match) -> bool:
    """Is there a packet of both?"""
    terms = {index: (value, mask) for index, value, mask in one}
    for index, value, mask in other:
        its_value, its_mask = terms.get(index, (0, 0))
        if (value ^ its_value) & mask & its_mask:
            return False
    return True


def meant(mod: FlowMod, entry: Entry) -> bool:
    """Is the entry among those that a modify or delete asks for?"""
    if mod.cookie_mask and (entry.mod.cookie ^ mod.cookie) & mod.cookie_mask:
        return False
    if mod.command in (messages.MODIFY_STRICT, messages.DELETE_STRICT):
        if entry.priority != mod.priority or entry.match != mod.match:
            return False
    elif not covers(mod.match, entry.match):
        return False
    if mod.command < messages.DELETE:
        return True
    actions = (*entry.instructions.apply, *entry.instructions.write)
    if mod.out_port != Port.ANY and not any(a[:2] == ("output", mod.out_port) for a in actions):
        return False
    return mod.out_group == Port.ANY or ("group", mod.out_group) in actions

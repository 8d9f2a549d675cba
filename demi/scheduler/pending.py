"""What is in flight, found by type or content without a look at each message.

The one insight: a message in flight does not change, so it is read once, when a replay first looks at its
channel behind the send; asking a thousand times for what is not there costs a thousand looks into a table.

For one run only: a world that goes back gives known events other contents.  Not here: how far a message
may be from what is wanted (`sts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from demi.events import Event
from demi.interpose.world import World

Shelf = dict[Event, None]
"""Events, oldest first."""


class Pending:
    """The messages of one run, each on the shelf of its channel and of what `key` says of it."""

    __slots__ = ("_key", "_known", "_shelves", "_world")

    def __init__(self, world: World, key: Callable[[Event], Hashable]) -> None:
        self._world = world
        self._key = key
        self._known: dict[tuple[int, int], Shelf] = {}
        self._shelves: dict[tuple[int, int, Hashable], Shelf] = {}

    def oldest(self, dst: int, src: int, key: Hashable) -> Event | None:
        """The oldest with this key that may happen now."""
        world = self._world
        flight = world.in_flight(dst, src)
        if not flight:
            return None
        head = flight[0]  # what follows a run finds most messages there
        if self._key(head) == key and world.allowed(head):
            return head
        return self._find(flight, dst, src, key, newest=False)

    def newest(self, dst: int, src: int, key: Hashable) -> Event | None:
        """The newest with this key that may happen now."""
        flight = self._world.in_flight(dst, src)
        return self._find(flight, dst, src, key, newest=True) if flight else None

    def _find(
        self, flight: Sequence[Event], dst: int, src: int, key: Hashable, newest: bool
    ) -> Event | None:
        self._read(flight, dst, src)
        shelf = self._shelves.get((dst, src, key))
        if not shelf:
            return None
        found, passed = None, 0
        for event in reversed(shelf) if newest else shelf:
            if self._world.allowed(event):
                found = event
                break
            passed += 1
        if passed:
            there = set(flight)
            for event in [event for event in shelf if event not in there]:
                del shelf[event]
        return found

    def _read(self, flight: Sequence[Event], dst: int, src: int) -> None:
        """What was sent since the last look stands at the end of what is in flight."""
        known = self._known.get((dst, src))
        if known is None:
            known = self._known[dst, src] = {}
        new = len(flight)
        while new and flight[new - 1] not in known:
            new -= 1
        for event in flight[new:]:
            known[event] = None
            self._shelves.setdefault((dst, src, self._key(event)), {})[event] = None

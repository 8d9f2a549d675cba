"""Messages in flight, as every network model keeps them: the seam and what most models share.

The one insight: a model is only a rule for which sent messages are *enabled*, so the world keeps one
sorted list of enabled events and each model adds to it and takes from it as messages come and go; the
work per delivery does not grow with what is pending.

Not here: the rules (`network.py`, `fifo.py`, `causal.py`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Protocol

from demi.events import Event, Kind

DELIVER = int(Kind.DELIVER)
Packet = Any


def remove_sorted(events: list[Event], event: Event) -> bool:
    """Take `event` out of a sorted list; False when it is not there."""
    at = bisect_left(events, event)
    if at < len(events) and events[at] == event:
        del events[at]
        return True
    return False


class Network(Protocol):
    """Messages in flight.  `enabled` is the world's sorted list, shared and kept up to date."""

    def push(self, src: int, dst: int, packet: Packet) -> Event:
        """A message enters; returns its delivery event."""
        ...

    def take(self, event: Event, lost: list[Event]) -> Packet:
        """A message arrives: remove and return it; what it overtakes goes to `lost`."""
        ...

    def allowed(self, event: Event) -> bool:
        """May this delivery happen now?"""
        ...

    def peek(self, event: Event) -> Packet:
        """The content of a message in flight; KeyError when it is not."""
        ...

    def channel(self, dst: int, src: int) -> list[Event]:
        """Messages in flight on one channel, oldest first."""
        ...

    def channels(self) -> list[tuple[int, int]]:
        """(dst, src) of the channels that are not empty, sorted."""
        ...

    def contents(self) -> list[tuple[int, int, list[Packet]]]:
        """(dst, src, packets, oldest first) of the channels that are not empty, sorted."""
        ...

    def duplicate(self, event: Event) -> Event:
        """Send the same content once more on the same channel; returns the copy's event."""
        ...

    def drop(self, event: Event) -> None:
        """Lose a message in flight."""
        ...

    def order(self) -> object:
        """What decides the order of arrival besides the contents of each channel; for digests."""
        ...

    def save(self) -> object:
        """Immutable copy of everything but `enabled`."""
        ...

    def load(self, saved: Any) -> None:
        """Return to a copy; the world restores `enabled` afterwards."""
        ...


class Channels:
    """What the other models share: per channel (dst, src) an ordered dict of k -> packet in flight."""

    __slots__ = ("_enabled", "_flight", "_total")

    def __init__(self, enabled: list[Event]) -> None:
        self._enabled = enabled
        self._flight: dict[tuple[int, int], dict[int, Packet]] = {}
        self._total: dict[tuple[int, int], int] = {}

    def _enter(self, src: int, dst: int, packet: Packet) -> tuple[Event, dict[int, Packet]]:
        key = (dst, src)
        flight = self._flight.get(key)
        if flight is None:
            flight = self._flight[key] = {}
            self._total[key] = 0
        k = self._total[key]
        self._total[key] = k + 1
        flight[k] = packet
        return (DELIVER, dst, src, k), flight

    def peek(self, event: Event) -> Packet:
        return self._flight[event[1], event[2]][event[3]]

    def channel(self, dst: int, src: int) -> list[Event]:
        flight = self._flight.get((dst, src))
        return [(DELIVER, dst, src, k) for k in flight] if flight else []

    def channels(self) -> list[tuple[int, int]]:
        return sorted(key for key, flight in self._flight.items() if flight)

    def contents(self) -> list[tuple[int, int, list[Packet]]]:
        found = [(key, self._flight[key]) for key in self.channels()]
        return [(dst, src, list(flight.values())) for (dst, src), flight in found]

    def order(self) -> object:
        return ()

    def _in_flight(self, event: Event) -> bool:
        flight = self._flight.get((event[1], event[2]))
        return flight is not None and event[3] in flight

    def save(self) -> object:
        flights = tuple([(key, tuple(flight.items())) for key, flight in self._flight.items()])
        return flights, tuple(self._total.items())

    def load(self, saved: Any) -> None:
        flights, totals = saved
        self._flight = {key: dict(items) for key, items in flights}
        self._total = dict(totals)

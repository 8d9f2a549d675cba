"""causal: a message whose causal predecessors to the same receiver have arrived may arrive.

The one insight: a message carries what its sender knew to be under way, by matrix clocks (Birman,
Schiper, Stephenson, TOCS 1991), so readiness is a comparison of counts.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Any

from demi.events import Event
from demi.interpose.channels import Channels, Packet, remove_sorted


class Causal(Channels):
    """A message may arrive when every message to the same receiver sent causally before it has.

    Each node knows how many messages it believes were sent on every channel; a message carries that
    matrix's column for its receiver, and the receiver waits until it has seen as many.
    """

    __slots__ = ("_gone", "_known", "_nodes", "_stamps")

    def __init__(self, enabled: list[Event], nodes: int, lossy: bool) -> None:
        super().__init__(enabled)
        self._nodes = nodes
        self._known: list[dict[tuple[int, int], int]] = [{} for _ in range(nodes)]
        self._gone: dict[tuple[int, int], int] = {}
        self._stamps: dict[Event, dict[tuple[int, int], int]] = {}

    def push(self, src: int, dst: int, packet: Packet) -> Event:
        event, _ = self._enter(src, dst, packet)
        known = self._known[src] if 0 <= src < self._nodes else {}
        self._stamps[event] = dict(known)
        known[dst, src] = self._total[dst, src]
        if self._ready(event):
            insort(self._enabled, event)
        return event

    def _ready(self, event: Event) -> bool:
        """Nothing to the same receiver that this message's stamp knows of is still in flight."""
        _, dst, src, k = event
        stamp = self._stamps[event]
        for (to, sender), flight in self._flight.items():
            if to != dst or not flight:
                continue
            oldest = next(iter(flight))
            limit = k if sender == src else stamp.get((to, sender), 0)
            if oldest < limit:
                return False
        return True

    def take(self, event: Event, lost: list[Event]) -> Packet:
        packet = self._leave(event)
        stamp = self._stamps.pop(event)
        known = self._known[event[1]]
        for key, count in stamp.items():
            if count > known.get(key, 0):
                known[key] = count
        key = (event[1], event[2])
        known[key] = max(known.get(key, 0), event[3] + 1)
        return packet

    def _leave(self, event: Event) -> Packet:
        packet = self._flight[event[1], event[2]].pop(event[3])
        remove_sorted(self._enabled, event)
        for dst, src in self.channels():
            if dst == event[1]:
                for waiting in self.channel(dst, src):
                    if not self._listed(waiting) and self._ready(waiting):
                        insort(self._enabled, waiting)
        return packet

    def _listed(self, event: Event) -> bool:
        at = bisect_left(self._enabled, event)
        return at < len(self._enabled) and self._enabled[at] == event

    def allowed(self, event: Event) -> bool:
        return self._in_flight(event) and self._listed(event)

    def duplicate(self, event: Event) -> Event:
        return self.push(event[2], event[1], self.peek(event))

    def drop(self, event: Event) -> None:
        self._leave(event)
        del self._stamps[event]

    def order(self) -> object:
        """Per node and per message: how many of those in flight on each channel must come before."""
        clocks = [*self._known, *[self._stamps[event] for event in sorted(self._stamps)]]
        return [
            {
                key: sum(1 for k in flight if k < clock[key])
                for key, flight in self._flight.items()
                if clock.get(key, 0) > next(iter(flight), clock.get(key, 0))
            }
            for clock in clocks
        ]

    def save(self) -> object:
        known = tuple([dict(one) for one in self._known])
        return super().save(), known, dict(self._stamps)  # stamps are never changed once made

    def load(self, saved: Any) -> None:
        base, known, stamps = saved
        super().load(base)
        self._known = [dict(one) for one in known]
        self._stamps = dict(stamps)

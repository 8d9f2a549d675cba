"""fifo: the oldest message of every ordered pair (sender, receiver) may arrive.

The one insight: one queue per channel; its head is its only enabled event, and the successor takes the
same place in the canonical order.

A *lossy* fifo lets a later message be taken: the older ones it overtakes are lost, order is kept.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import Any

from demi.events import Event
from demi.interpose.channels import DELIVER, Packet, remove_sorted


class Fifo:
    """The oldest message of every channel; one queue of (k, packet) per ordered pair of nodes."""

    __slots__ = ("_enabled", "_lossy", "_nodes", "_queues", "_total", "_used")

    def __init__(self, enabled: list[Event], nodes: int, lossy: bool) -> None:
        self._enabled = enabled
        self._nodes = nodes
        self._lossy = lossy
        self._queues: list[deque[tuple[int, Packet]]] = [deque() for _ in range(nodes * nodes)]
        self._total = [0] * (nodes * nodes)
        self._used: list[int] = []  # channels that ever carried a message: a checkpoint's length

    def push(self, src: int, dst: int, packet: Packet) -> Event:
        at = dst * self._nodes + src
        queue = self._queues[at]
        k = self._total[at]
        self._total[at] = k + 1
        if not k:
            self._used.append(at)
        event = (DELIVER, dst, src, k)
        if not queue:
            insort(self._enabled, event)
        queue.append((k, packet))
        return event

    def take(self, event: Event, lost: list[Event]) -> Packet:
        _, dst, src, k = event
        queue = self._queues[dst * self._nodes + src]
        while queue[0][0] != k:
            older = (DELIVER, dst, src, queue[0][0])
            lost.append(older)
            self.drop(older)
        packet = queue.popleft()[1]
        enabled = self._enabled
        at = bisect_left(enabled, event)
        if queue:  # the successor takes the same place in the canonical order
            enabled[at] = (DELIVER, dst, src, queue[0][0])
        else:
            del enabled[at]
        return packet

    def allowed(self, event: Event) -> bool:
        queue, k = self._queues[event[1] * self._nodes + event[2]], event[3]
        if not queue or k < queue[0][0]:
            return False
        guess = k - queue[0][0]  # exact unless something in between was dropped
        if not guess or not self._lossy:
            return not guess
        if guess < len(queue) and queue[guess][0] == k:
            return True
        return any(found == k for found, _ in queue)

    def peek(self, event: Event) -> Packet:
        queue, k = self._queues[event[1] * self._nodes + event[2]], event[3]
        if queue:
            newest = queue[-1]
            if newest[0] == k:
                return newest[1]
            guess = k - queue[0][0]  # exact unless something in between was dropped
            if 0 <= guess < len(queue) and queue[guess][0] == k:
                return queue[guess][1]
            for found, packet in queue:
                if found == k:
                    return packet
        raise KeyError(event)

    def channel(self, dst: int, src: int) -> list[Event]:
        return [(DELIVER, dst, src, k) for k, _ in self._queues[dst * self._nodes + src]]

    def channels(self) -> list[tuple[int, int]]:
        return [divmod(at, self._nodes) for at, queue in enumerate(self._queues) if queue]

    def contents(self) -> list[tuple[int, int, list[Packet]]]:
        nodes, queues = self._nodes, self._queues
        return [
            (dst, src, [packet for _, packet in queues[dst * nodes + src]])
            for kind, dst, src, _ in self._enabled
            if kind == DELIVER
        ]

    def duplicate(self, event: Event) -> Event:
        return self.push(event[2], event[1], self.peek(event))

    def drop(self, event: Event) -> None:
        _, dst, src, k = event
        queue = self._queues[dst * self._nodes + src]
        queue.remove(next(item for item in queue if item[0] == k))
        if remove_sorted(self._enabled, event) and queue:
            insort(self._enabled, (DELIVER, dst, src, queue[0][0]))

    def order(self) -> object:
        return ()

    def save(self) -> object:
        """The channels that are not empty: exactly those with a head in `enabled`."""
        queues, nodes, total = self._queues, self._nodes, self._total
        return [
            (at, tuple(queues[at]))
            for at in [dst * nodes + src for kind, dst, src, _ in self._enabled if kind == DELIVER]
        ], [(at, total[at]) for at in self._used]

    def load(self, saved: Any) -> None:
        """See `save`; called before the world restores `enabled`."""
        flights, totals = saved
        queues, nodes, total = self._queues, self._nodes, self._total
        for kind, dst, src, _ in self._enabled:
            if kind == DELIVER:
                queues[dst * nodes + src].clear()
        for at, items in flights:
            queues[at].extend(items)
        for at in self._used:
            total[at] = 0
        for at, count in totals:
            total[at] = count
        self._used[:] = [at for at, _ in totals]

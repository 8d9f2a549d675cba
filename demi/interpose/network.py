"""Network models: which of the messages in flight may arrive next.

The one insight: a model is only a rule for which sent messages are *enabled*, so the world keeps one
sorted list of enabled events and each model adds to it and takes from it as messages come and go; the
work per delivery does not grow with what is pending.

fifo: the oldest message of every ordered pair (sender, receiver).  bag: every message.  causal: a
message whose causal predecessors to the same receiver have arrived (Birman, Schiper, Stephenson 1991,
by matrix clocks).  mailbox: the head of one inbox per receiver, in send order.

A *lossy* fifo lets a later message be taken: the older ones it overtakes are lost, order is kept.
Not here: cut links and nodes that are down (a message that reaches them is lost by the world).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from demi.errors import TargetError
from demi.events import Event, Kind
from demi.interpose.world import Capabilities

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


class _Channels:
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
        queue = self._queues[event[1] * self._nodes + event[2]]
        if not queue:
            return False
        return queue[0][0] == event[3] or (self._lossy and any(k == event[3] for k, _ in queue))

    def peek(self, event: Event) -> Packet:
        queue, k = self._queues[event[1] * self._nodes + event[2]], event[3]
        if queue:
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


class Bag(_Channels):
    """Every message in flight, in any order."""

    __slots__ = ()

    def __init__(self, enabled: list[Event], nodes: int, lossy: bool) -> None:
        super().__init__(enabled)

    def push(self, src: int, dst: int, packet: Packet) -> Event:
        event, _ = self._enter(src, dst, packet)
        insort(self._enabled, event)
        return event

    def take(self, event: Event, lost: list[Event]) -> Packet:
        remove_sorted(self._enabled, event)
        return self._flight[event[1], event[2]].pop(event[3])

    def allowed(self, event: Event) -> bool:
        return self._in_flight(event)

    def duplicate(self, event: Event) -> Event:
        return self.push(event[2], event[1], self.peek(event))

    def drop(self, event: Event) -> None:
        self.take(event, [])


class Causal(_Channels):
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


class Mailbox(_Channels):
    """One inbox per node: messages arrive in the order in which they were sent, whoever sent them."""

    __slots__ = ("_inbox",)

    def __init__(self, enabled: list[Event], nodes: int, lossy: bool) -> None:
        super().__init__(enabled)
        self._inbox: list[deque[Event]] = [deque() for _ in range(nodes)]

    def push(self, src: int, dst: int, packet: Packet) -> Event:
        event, _ = self._enter(src, dst, packet)
        inbox = self._inbox[dst]
        if not inbox:
            insort(self._enabled, event)
        inbox.append(event)
        return event

    def take(self, event: Event, lost: list[Event]) -> Packet:
        packet = self._flight[event[1], event[2]].pop(event[3])
        inbox = self._inbox[event[1]]
        inbox.remove(event)
        if remove_sorted(self._enabled, event) and inbox:
            insort(self._enabled, inbox[0])
        return packet

    def allowed(self, event: Event) -> bool:
        return self._in_flight(event) and self._inbox[event[1]][0] == event

    def duplicate(self, event: Event) -> Event:
        return self.push(event[2], event[1], self.peek(event))

    def drop(self, event: Event) -> None:
        self.take(event, [])

    def order(self) -> object:
        return [[src for _, _, src, _ in inbox] for inbox in self._inbox]

    def save(self) -> object:
        return super().save(), tuple([tuple(inbox) for inbox in self._inbox])

    def load(self, saved: Any) -> None:
        base, inboxes = saved
        super().load(base)
        self._inbox = [deque(inbox) for inbox in inboxes]


NETWORKS: dict[str, Callable[[list[Event], int, bool], Network]] = {
    "fifo": Fifo,
    "bag": Bag,
    "causal": Causal,
    "mailbox": Mailbox,
}


def make_network(model: str, enabled: list[Event], nodes: int, lossy: bool) -> Network:
    """The network of that name.  Raises TargetError for an unknown one."""
    if model not in NETWORKS:
        raise TargetError(
            f"unknown network model {model!r}", remedy="known: " + ", ".join(sorted(NETWORKS))
        )
    if lossy and model != "fifo":
        raise TargetError(f"lossy is a property of fifo channels, not of {model}")
    return NETWORKS[model](enabled, nodes, lossy)


def network_of(capabilities: Capabilities) -> str:
    """`fifo`, `fifo lossy`, `bag`...: how reports name the model."""
    return capabilities.network + (" lossy" if capabilities.lossy else "")

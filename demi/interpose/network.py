"""Network models by name: which of the messages in flight may arrive next.

fifo (`fifo.py`): the oldest message of every ordered pair (sender, receiver).  bag: every message.
causal (`causal.py`): a message whose causal predecessors to the same receiver have arrived.  mailbox:
the head of one inbox per receiver, in send order.

Not here: cut links and nodes that are down (a message that reaches them is lost by the world).
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable
from typing import Any

from demi.errors import TargetError
from demi.events import Event
from demi.interpose.causal import Causal
from demi.interpose.channels import Channels, Network, Packet, remove_sorted
from demi.interpose.fifo import Fifo
from demi.interpose.world import Capabilities


class Bag(Channels):
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


class Mailbox(Channels):
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

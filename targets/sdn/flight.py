"""What is in flight in a network, and what keeps it from arriving.

The one insight: a message that is held and one whose receiver is paused are in flight all the same, so
both only take the head of a channel out of the enabled events and put it back.

Channels are FIFO per ordered pair of nodes.  Not here: what an arrival does (`world.py`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import NamedTuple

from demi.events import Event, Kind
from demi.interpose.channels import remove_sorted
from demi.interpose.fifo import Fifo
from demi.interpose.world import Step
from targets.sdn.packets import Packet

DELIVER = int(Kind.DELIVER)


class Frame(NamedTuple):
    """A packet on a wire.  port: by which it comes in."""

    packet: Packet
    port: int


Item = Frame | bytes
"""What is in flight: a frame, or a control message."""


class Flight:
    """The part of `NetworkWorld` that carries things.

    events: enabled, sorted.  current: the step that runs.  held: (src, dst) that are blocked.
    paused: receivers that take nothing.
    """

    events: list[Event]
    current: Step
    network: Fifo
    held: set[tuple[int, int]]
    paused: set[int]

    def allowed(self, event: Event) -> bool:
        at = bisect_left(self.events, event)
        return at < len(self.events) and self.events[at] == event

    def push(self, src: int, dst: int, item: Item) -> None:
        event = self.network.push(src, dst, item)
        if (src, dst) in self.held or dst in self.paused:
            remove_sorted(self.events, event)
        step = self.current
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]

    def lose(self, src: int, dst: int) -> None:
        """What is in flight from one node to another is lost."""
        for event in self.network.channel(dst, src):
            self.network.drop(event)
            remove_sorted(self.events, event)
            self.current.lost = [*self.current.lost, event]

    def hold(self, node: int, switch: int) -> None:
        """Messages between them wait."""
        for src, dst in ((node, switch), (switch, node)):
            self.held.add((src, dst))
            for event in self.network.channel(dst, src)[:1]:
                remove_sorted(self.events, event)

    def release(self, node: int, switch: int) -> None:
        """They wait no longer."""
        for src, dst in ((node, switch), (switch, node)):
            if (src, dst) in self.held:
                self.held.discard((src, dst))
                self.show(src, dst)

    def show(self, src: int, dst: int) -> None:
        """The head of a channel may be delivered, unless something else holds it."""
        if (src, dst) not in self.held and dst not in self.paused:
            for event in self.network.channel(dst, src)[:1]:
                if not self.allowed(event):
                    insort(self.events, event)

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self.network.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self.network.channels()

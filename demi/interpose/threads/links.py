"""What travels between hosts as events: one queue per ordered pair, held directions, lost messages.

The one insight: connections between the same two hosts share one order, the order of sending, which is
what one path through a network gives; so the model is `fifo`, as everywhere.

Not here: connections and what an arrival does (`streams.py`).
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from demi.events import Event
from demi.interpose.channels import remove_sorted
from demi.interpose.fifo import Fifo
from demi.interpose.threads.hosts import Host
from demi.interpose.threads.streams import Arrival
from demi.interpose.world import Step


class Packet(NamedTuple):
    """A message in flight: its label, its bytes, and what its arrival does."""

    label: str
    data: bytes
    arrive: Arrival


class Links:
    """The network of a run.  step: where sends and losses are noted; the world sets it."""

    def __init__(self, enabled: list[Event], nodes: int) -> None:
        self.network = Fifo(enabled, nodes, False)
        self.held: set[tuple[int, int]] = set()
        self.step = Step((0, 0, 0, 0))
        self._enabled = enabled

    def post(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None:
        """A message enters; to a host that is down it is lost at once."""
        if not dst.up:
            return
        event = self.network.push(src.index, dst.index, Packet(label, data, arrive))
        if self.held and (src.index, dst.index) in self.held:
            remove_sorted(self._enabled, event)
        step = self.step
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]

    def lose(self, src: int, dst: int) -> None:
        """Everything in flight this way is lost."""
        for event in self.network.channel(dst, src):
            self.network.drop(event)
            step = self.step
            if event in step.sent:  # sent and lost in one step: it never was
                step.sent.remove(event)
            else:
                step.lost = [*step.lost, event]

    def hold(self, src: int, dst: int) -> None:
        """Messages of this direction wait, in order."""
        self.held.add((src, dst))
        for event in self.network.channel(dst, src)[:1]:
            remove_sorted(self._enabled, event)

    def unhold(self, src: int, dst: int) -> None:
        """They may arrive again."""
        if (src, dst) in self.held:
            self.held.discard((src, dst))
            for event in self.network.channel(dst, src)[:1]:
                insort(self._enabled, event)

"""What travels over connections: one queue per ordered pair, directions that are held, messages lost.

The one insight: connections between the same two nodes share one order, the order of sending, which is what
one path through a network gives; so the model is `fifo`, as everywhere, and to hold a direction is to keep
its oldest message from being enabled.

Not here: connections themselves, which each world makes and ends in its own way.
"""

from __future__ import annotations

from bisect import insort

from demi.events import Event
from demi.interpose.channels import remove_sorted
from demi.interpose.fifo import Fifo
from demi.interpose.world import Step


class Links:
    """The network of a run.  `step`: where sends and losses are noted; the world sets it.

    held: directions (src, dst) whose messages wait.
    """

    def __init__(self, enabled: list[Event], nodes: int) -> None:
        self.network = Fifo(enabled, nodes, False)
        self.held: set[tuple[int, int]] = set()
        self.step = Step((0, 0, 0, 0))
        self._enabled = enabled

    def push(self, src: int, dst: int, packet: object) -> None:
        """A message enters."""
        event = self.network.push(src, dst, packet)
        if self.held and (src, dst) in self.held:
            remove_sorted(self._enabled, event)
        step = self.step
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]

    def drop(self, event: Event) -> None:
        """A message is lost."""
        self.network.drop(event)
        step = self.step
        if event in step.sent:  # sent and lost in one step: it never was
            step.sent.remove(event)
        else:
            step.lost = [*step.lost, event]

    def lose(self, src: int, dst: int) -> None:
        """Everything in flight this way is lost."""
        for event in self.network.channel(dst, src):
            self.drop(event)

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

"""Connections between nodes: who believes in which, what is in flight, which directions are held.

The one insight: a connection is made and lost at its two ends one after the other, so each end learns of
it from a *notice* that travels in the channel like a message; one event still touches one node.

Losing a connection (crash, cut) loses what is in flight both ways, as a TCP reset does.  Holding a
direction loses nothing: its messages wait.  Not here: what crashes a node.
"""

from __future__ import annotations

from bisect import insort
from typing import Any

from demi.events import Event
from demi.interpose.channels import remove_sorted
from demi.interpose.fifo import Fifo
from demi.interpose.network import make_network
from demi.interpose.world import Step
from targets.pysyncobj.machine import Packet, pack

CONNECTED = "connected"
DISCONNECTED = "disconnected"
_UP: Packet = (CONNECTED, b"", bytes)
_DOWN: Packet = (DISCONNECTED, b"", bytes)
Pair = tuple[int, int]


class Links:
    """The network of a run.  `step`: where sends and losses are noted; the world sets it.

    told: (node, peer) whose node was told of a connection and not of its end.  open: those whose
    connection is still the current one, so that what the node sends travels.  cut: pairs, low first.
    held: directions (src, dst) whose messages wait.
    """

    __slots__ = ("_enabled", "cut", "held", "network", "open", "step", "told", "up")

    def __init__(self, enabled: list[Event], nodes: int) -> None:
        network = make_network("fifo", enabled, nodes, False)
        assert isinstance(network, Fifo)
        self.network = network
        self.step: Step = Step((0, 0, 0, 0))
        self.up = {(a, b) for b in range(nodes) for a in range(b)}
        self.open = {(a, b) for a in range(nodes) for b in range(nodes) if a != b}
        self.told = set(self.open)
        self.cut: set[Pair] = set()
        self.held: set[Pair] = set()
        self._enabled = enabled

    def post(self, src: int, dst: int, message: dict[str, Any]) -> None:
        """Put a message in flight; it vanishes when the sender's connection is already gone."""
        if (src, dst) in self.open:
            self._push(src, dst, pack(message))

    def _push(self, src: int, dst: int, packet: Packet) -> None:
        event = self.network.push(src, dst, packet)
        if self.held and (src, dst) in self.held:
            remove_sorted(self._enabled, event)
        step = self.step
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]

    def connect(self, a: int, b: int) -> None:
        """A new connection, of which both ends, alive, have yet to be told."""
        pair = (a, b) if a < b else (b, a)
        if pair not in self.cut and pair not in self.up:
            self.up.add(pair)
            self._push(b, a, _UP)
            self._push(a, b, _UP)

    def disconnect(self, a: int, b: int) -> None:
        """The connection is gone, with all it carried; each end that believes in it will be told."""
        pair = (a, b) if a < b else (b, a)
        if pair in self.up:
            self.up.discard(pair)
            self._lose(a, b)
            self._lose(b, a)

    def _lose(self, src: int, dst: int) -> None:
        self.open.discard((dst, src))
        pending = False
        for event in self.network.channel(dst, src):
            if self.network.peek(event)[0] == DISCONNECTED:
                pending = True
            else:
                self._drop(event)
        if (dst, src) in self.told and not pending:
            self._push(src, dst, _DOWN)

    def _drop(self, event: Event) -> None:
        self.network.drop(event)
        step = self.step
        if event in step.sent:  # sent and lost in one step: it never was
            step.sent.remove(event)
        else:
            step.lost = [*step.lost, event]

    def died(self, node: int, others: list[int]) -> None:
        """A node is gone: its connections are, and nothing travels to it any more."""
        for other in others:
            self.disconnect(node, other)
            self.told.discard((node, other))
            for event in self.network.channel(node, other):
                self._drop(event)

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

    def sever(self, a: int, b: int, one_way: bool) -> None:
        """End the connection of a pair for as long as it is cut, or hold the direction from a to b."""
        if one_way:
            self.hold(a, b)
        else:
            self.cut.add((min(a, b), max(a, b)))
            self.disconnect(a, b)

    def mend(self, a: int, b: int, one_way: bool) -> None:
        """Let go what was held; the pair may connect again."""
        self.unhold(a, b)
        if not one_way:
            self.unhold(b, a)
            self.cut.discard((min(a, b), max(a, b)))

    def save(self) -> list[Any]:
        """What the digest of the whole world covers besides messages."""
        return [
            sorted(self.up),
            sorted(self.open),
            sorted(self.told),
            sorted(self.cut),
            sorted(self.held),
        ]

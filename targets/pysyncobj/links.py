"""Connections between nodes: who believes in which, and what their loss takes along.

The one insight: a connection is made and lost at its two ends one after the other, so each end learns of
it from a *notice* that travels in the channel like a message; one event still touches one node.

Losing a connection (crash, cut) loses what is in flight both ways, as a TCP reset does.  Holding a
direction loses nothing: its messages wait.  Not here: what crashes a node.
"""

from __future__ import annotations

from typing import Any

from demi.events import Event
from demi.interpose.links import Links
from targets.pysyncobj.machine import Packet, pack

CONNECTED = "connected"
DISCONNECTED = "disconnected"
_UP: Packet = (CONNECTED, b"", bytes)
_DOWN: Packet = (DISCONNECTED, b"", bytes)
Pair = tuple[int, int]


class Connections(Links):
    """All connections of a run, each made and lost at its two ends.

    told: (node, peer) whose node was told of a connection and not of its end.  open: those whose
    connection is still the current one, so that what the node sends travels.  cut: pairs, low first.
    """

    def __init__(self, enabled: list[Event], nodes: int) -> None:
        super().__init__(enabled, nodes)
        self.up = {(a, b) for b in range(nodes) for a in range(b)}
        self.open = {(a, b) for a in range(nodes) for b in range(nodes) if a != b}
        self.told = set(self.open)
        self.cut: set[Pair] = set()

    def post(self, src: int, dst: int, message: dict[str, Any]) -> None:
        """Put a message in flight; it vanishes when the sender's connection is already gone."""
        if (src, dst) in self.open:
            self.push(src, dst, pack(message))

    def connect(self, a: int, b: int) -> None:
        """A new connection, of which both ends, alive, have yet to be told."""
        pair = (a, b) if a < b else (b, a)
        if pair not in self.cut and pair not in self.up:
            self.up.add(pair)
            self.push(b, a, _UP)
            self.push(a, b, _UP)

    def disconnect(self, a: int, b: int) -> None:
        """The connection is gone, with all it carried; each end that believes in it will be told."""
        pair = (a, b) if a < b else (b, a)
        if pair in self.up:
            self.up.discard(pair)
            self._end(a, b)
            self._end(b, a)

    def _end(self, src: int, dst: int) -> None:
        self.open.discard((dst, src))
        pending = False
        for event in self.network.channel(dst, src):
            if self.network.peek(event)[0] == DISCONNECTED:
                pending = True
            else:
                self.drop(event)
        if (dst, src) in self.told and not pending:
            self.push(src, dst, _DOWN)

    def died(self, node: int, others: list[int]) -> None:
        """A node is gone: its connections are, and nothing travels to it any more."""
        for other in others:
            self.disconnect(node, other)
            self.told.discard((node, other))
            self.lose(other, node)

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

"""What the outside does to actors: inputs, crashes, restarts, cuts, drops, duplicates.

The one insight: each is one change of what the world holds, so the world offers the few changes
(`Actors`) and knows nothing of faults.

Not here: offering and withdrawing (`offers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from demi.events import Event, Kind
from demi.interpose.actor import OUTSIDE
from demi.interpose.channels import Network
from demi.interpose.offers import Host, Offers
from demi.interpose.payload import Freezer, serialize
from demi.interpose.world import Step


class Actors(Host, Protocol):
    """What the faults need of a world of actors.

    cut: the (src, dst) directions that lose what crosses them.  current: the step that is being taken.
    """

    cut: frozenset[tuple[int, int]]
    network: Network
    freezer: Freezer
    current: Step

    def alive(self, node: int) -> bool:
        """Is the node up?"""

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        """Undelivered messages of one channel, oldest first."""

    def run(self, node: int, handler: str, *args: Any) -> None:
        """Run one handler of a node that is up."""

    def start(self, node: int, handler: str) -> None:
        """A new node object; `handler` is on_start or on_restart."""

    def stop(self, node: int) -> None:
        """The node loses its volatile state and its timers."""


class Outside(Offers):
    """The externals offered to a world of actors."""

    __slots__ = ("_actors",)

    def __init__(self, world: Actors) -> None:
        super().__init__(world)
        self._actors = world

    def _holds(self, event: Event) -> bool:
        world, kind = self._actors, event[0]
        nodes = self._nodes[event[2]]
        if kind in (Kind.INJECT, Kind.CRASH):
            return world.alive(nodes[0])
        if kind in (Kind.START, Kind.RESTART):
            return not world.alive(nodes[0])
        if kind == Kind.CUT:
            return not self._links(event) <= world.cut
        if kind == Kind.HEAL:
            return bool(self._links(event) & world.cut)
        return bool(world.in_flight(nodes[1], nodes[0]))

    def take(self, event: Event) -> None:
        """Run an enabled external."""
        world, kind = self._actors, event[0]
        external, nodes = self._all[event[2]], self._nodes[event[2]]
        self.withdraw(event)
        if kind == Kind.INJECT:
            message = world.input(external)
            if not world.freezer.immutable(message):  # the node may change it; the program must not
                message = serialize(message, external.id).open()
            world.run(nodes[0], "on_message", OUTSIDE, message)
        elif kind == Kind.CRASH:
            world.stop(nodes[0])
        elif kind == Kind.START:
            world.start(nodes[0], "on_start")
        elif kind == Kind.RESTART:
            world.start(nodes[0], "on_restart")
        elif kind == Kind.CUT:
            world.cut = world.cut | self._links(event)
        elif kind == Kind.HEAL:
            world.cut = world.cut - self._links(event)
        else:
            self._disturb(kind, nodes)
        if kind != Kind.INJECT:
            self.refresh()

    def _disturb(self, kind: int, nodes: tuple[int, ...]) -> None:
        oldest = self._actors.in_flight(nodes[1], nodes[0])[0]
        step = self._actors.current
        if kind == Kind.DROP:
            self._actors.network.drop(oldest)
            step.lost = [oldest]
        else:
            step.sent = [self._actors.network.duplicate(oldest)]

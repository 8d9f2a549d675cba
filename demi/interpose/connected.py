"""What the outside does to nodes that talk over connections: inputs, crashes, restarts, cuts, holds.

The one insight: a cut of both ways ends the connections (each end is told by its own notice), while a cut
of one way only holds that direction, as a link that stalls does: TCP does not lose the middle of a stream.

Not here: the connections themselves, which each world makes and ends in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.offers import Host, Offers

_REFUSED = {
    Kind.START: "nodes start by themselves; use a restart",
    Kind.DROP: "a connection does not lose single messages; use a cut",
    Kind.DUPLICATE: "a connection does not repeat messages",
}


class Connected(Host, Protocol):
    """What the faults need of a world: its nodes and the links between them, by index.

    held: directions (a, b) whose messages wait.  cut: pairs without a connection, lower index first.
    """

    @property
    def held(self) -> set[tuple[int, int]]: ...
    @property
    def cut(self) -> set[tuple[int, int]]: ...

    def alive(self, node: int) -> bool:
        """Is the node up?"""

    def inject(self, node: int, external: External) -> None:
        """Hand an input to a node that is up."""

    def stop(self, node: int) -> None:
        """The process is gone."""

    def boot(self, node: int) -> None:
        """A new process on what the old one left."""

    def sever(self, a: int, b: int, one_way: bool) -> None:
        """End the connections of a pair, or hold the direction from a to b."""

    def mend(self, a: int, b: int, one_way: bool) -> None:
        """Let them connect again, or let go what was held."""


class Faults(Offers):
    """`Offers` for nodes that talk over connections.  what: the system, as an error names it."""

    __slots__ = ("_system", "_what")

    def __init__(self, world: Connected, what: str) -> None:
        super().__init__(world)
        self._system, self._what = world, what

    def offer(self, externals: Sequence[External]) -> list[Event]:
        for external in externals:
            if external.kind in _REFUSED:
                raise TargetError(
                    f"{self._what} has no {external.kind.name.lower()}",
                    where=external.id,
                    remedy=_REFUSED[external.kind],
                )
            if len(set(external.nodes)) < len(external.nodes):
                raise TargetError("a link has two different ends", where=external.id)
        return super().offer(externals)

    def _holds(self, event: Event) -> bool:
        kind, world = event[0], self._system
        if kind not in (Kind.CUT, Kind.HEAL):
            return world.alive(event[1]) == (kind != Kind.RESTART)
        a, b = self._nodes[event[2]]
        if self._all[event[2]].one_way:
            return ((a, b) in world.held) == (kind == Kind.HEAL)
        cut = (min(a, b), max(a, b)) in world.cut
        if kind == Kind.CUT:
            return not cut
        return cut or (a, b) in world.held or (b, a) in world.held

    def take(self, event: Event) -> None:
        world, kind = self._system, event[0]
        external, nodes = self._all[event[2]], self._nodes[event[2]]
        self.withdraw(event)
        if kind == Kind.INJECT:
            world.inject(nodes[0], external)
            return
        if kind == Kind.CRASH:
            world.stop(nodes[0])
        elif kind == Kind.RESTART:
            world.boot(nodes[0])
        elif kind == Kind.CUT:
            world.sever(nodes[0], nodes[1], external.one_way)
        else:
            world.mend(nodes[0], nodes[1], external.one_way)
        self.refresh()

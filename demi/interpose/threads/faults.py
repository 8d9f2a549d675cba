"""What the outside does to threaded programs: inputs, crashes, restarts, cuts, holds.

The one insight: a cut of both ways ends the connections (each end is told by its own notice), while a cut
of one way only holds that direction, as a link that stalls does: TCP does not lose the middle of a stream.

Not here: connections (`streams.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.outside import Outside

if TYPE_CHECKING:
    from demi.interpose.threads.world import ThreadsWorld

_REFUSED = {
    Kind.START: "nodes start by themselves; use a restart",
    Kind.DROP: "a connection does not lose single messages; use a cut",
    Kind.DUPLICATE: "a connection does not repeat messages",
}


class Faults(Outside):
    """`Outside` for nodes that talk over connections."""

    __slots__ = ("_threads",)

    def __init__(self, world: ThreadsWorld) -> None:
        super().__init__(cast(Any, world))  # the offering half needs only names, events and inputs
        self._threads = world

    def offer(self, externals: Sequence[External]) -> list[Event]:
        for external in externals:
            if external.kind in _REFUSED:
                raise TargetError(
                    f"a threaded program has no {external.kind.name.lower()}",
                    where=external.id,
                    remedy=_REFUSED[external.kind],
                )
            if len(set(external.nodes)) < len(external.nodes):
                raise TargetError("a link has two different ends", where=external.id)
        return super().offer(externals)

    def _holds(self, event: Event) -> bool:
        kind, world = event[0], self._threads
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
        world, kind = self._threads, event[0]
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

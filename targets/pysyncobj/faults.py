"""What the outside does to pysyncobj nodes: commands, crashes, restarts, cuts, holds.

The one insight: a cut of both ways ends the connection (each end is told by its own notice and what was
in flight is lost), while a cut of one way only holds that direction, for TCP does not lose the middle of
a stream: it is a link that stalls, and its heal lets everything through.

Not here: the connections themselves (`links.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.outside import Outside

if TYPE_CHECKING:
    from targets.pysyncobj.world import PySyncObjWorld

_REFUSED = {
    Kind.START: "nodes start by themselves; use a restart",
    Kind.DROP: "a connection does not lose single messages; use a cut",
    Kind.DUPLICATE: "a connection does not repeat messages",
}


class Faults(Outside):
    """`Outside` for nodes that talk over connections."""

    __slots__ = ("_cluster",)

    def __init__(self, world: PySyncObjWorld) -> None:
        super().__init__(cast(Any, world))  # the offering half needs only names, events and inputs
        self._cluster = world

    def offer(self, externals: Sequence[External]) -> list[Event]:
        for external in externals:
            if external.kind in _REFUSED:
                raise TargetError(
                    f"pysyncobj has no {external.kind.name.lower()}",
                    where=external.id,
                    remedy=_REFUSED[external.kind],
                )
            if len(set(external.nodes)) < len(external.nodes):
                raise TargetError("a link has two different ends", where=external.id)
        return super().offer(externals)

    def _holds(self, event: Event) -> bool:
        kind, links = event[0], self._cluster.links
        if kind not in (Kind.CUT, Kind.HEAL):
            return self._cluster.alive(event[1]) == (kind != Kind.RESTART)
        a, b = self._nodes[event[2]]
        if self._all[event[2]].one_way:
            return ((a, b) in links.held) == (kind == Kind.HEAL)
        cut = (min(a, b), max(a, b)) in links.cut
        if kind == Kind.CUT:
            return not cut
        return cut or (a, b) in links.held or (b, a) in links.held

    def take(self, event: Event) -> None:
        cluster, kind = self._cluster, event[0]
        external, nodes = self._all[event[2]], self._nodes[event[2]]
        self.withdraw(event)
        if kind == Kind.INJECT:
            cluster.command(nodes[0], cluster.input(external))
            return
        if kind == Kind.CRASH:
            cluster.stop(nodes[0])
        elif kind == Kind.RESTART:
            cluster.restart(nodes[0])
        elif kind == Kind.CUT:
            self._cut(nodes[0], nodes[1], external.one_way)
        else:
            self._heal(nodes[0], nodes[1], external.one_way)
        self.refresh()

    def _cut(self, a: int, b: int, one_way: bool) -> None:
        links = self._cluster.links
        if one_way:
            links.hold(a, b)
        else:
            links.cut.add((min(a, b), max(a, b)))
            links.disconnect(a, b)

    def _heal(self, a: int, b: int, one_way: bool) -> None:
        links = self._cluster.links
        links.unhold(a, b)
        if not one_way:
            links.unhold(b, a)
            links.cut.discard((min(a, b), max(a, b)))
            if self._cluster.alive(a) and self._cluster.alive(b):
                links.connect(a, b)

"""What the outside does to actors: inputs, crashes, restarts, cuts, drops, duplicates.

The one insight: an external that was offered is an ordinary event, enabled while its precondition holds
(a restart needs a node that is down), so the strategy decides when it happens and a replay that removed
its cause finds it not enabled instead of failing.

Not here: generating externals (`demi/fuzz`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.actor import OUTSIDE
from demi.interpose.channels import remove_sorted
from demi.interpose.payload import serialize, to_json
from demi.oracle import Failure

if TYPE_CHECKING:
    from demi.interpose.actor_world import ActorWorld


class Outside:
    """The externals offered to one world and not yet taken.

    watching: True while some offered external depends on what is in flight, so that the world
    refreshes after every step.
    """

    __slots__ = ("_all", "_nodes", "_open", "_world", "watching")

    def __init__(self, world: ActorWorld) -> None:
        self._world = world
        self._all: list[External] = []
        self._nodes: list[tuple[int, ...]] = []
        self._open: dict[Event, bool] = {}  # offered, not taken -> listed as enabled
        self.watching = False

    def offer(self, externals: Sequence[External]) -> list[Event]:
        """Add externals; returns their events."""
        events = []
        for external in externals:
            nodes = tuple(self._resolve(external))
            if external.kind == Kind.INJECT:
                if to_json(external.args) != external.args:
                    raise TargetError(
                        "the args of an input must be plain JSON, to be the same after a trace",
                        where=external.id,
                        remedy="lists instead of tuples, text as keys; inputs= may build any message",
                    )
                self._world.input(external)  # an unknown input is refused now
            event = (int(external.kind), nodes[0], len(self._all), 0)
            self._all.append(external)
            self._nodes.append(nodes)
            self._open[event] = False
            events.append(event)
        self.refresh()
        return events

    def _resolve(self, external: External) -> list[int]:
        want = 2 if external.kind in (Kind.CUT, Kind.HEAL, Kind.DROP, Kind.DUPLICATE) else 1
        if len(external.nodes) != want:
            raise TargetError(
                f"{external.kind.name.lower()} needs {want} node(s)", where=external.id
            )
        for name in external.nodes:
            if name not in self._world.index:
                raise TargetError(
                    f"no node {name!r}",
                    where=external.id,
                    remedy="nodes: " + ", ".join(self._world.names),
                )
        return [self._world.index[name] for name in external.nodes]

    def withdraw(self, event: Event) -> None:
        """Take an offered external back."""
        if self._open.pop(event, False):
            remove_sorted(self._world.events, event)

    def external(self, event: Event) -> External:
        """The External behind an event."""
        return self._all[event[2]]

    def waiting(self) -> list[str]:
        """Ids of what is offered and not taken, sorted."""
        return sorted(self._all[event[2]].id for event in self._open)

    def open(self) -> list[External]:
        """What is offered and not taken, in the order of the offers."""
        return [self._all[event[2]] for event in self._open]

    def refresh(self) -> None:
        """Bring the enabled list up to date with the preconditions."""
        enabled = self._world.events
        self.watching = False
        for event, listed in self._open.items():
            self.watching |= event[0] in (Kind.DROP, Kind.DUPLICATE)
            holds = self._holds(event)
            if holds and not listed:
                insort(enabled, event)
            elif listed and not holds:
                remove_sorted(enabled, event)
            self._open[event] = holds

    def _holds(self, event: Event) -> bool:
        world, kind = self._world, event[0]
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

    def _links(self, event: Event) -> frozenset[tuple[int, int]]:
        first, second = self._nodes[event[2]]
        both = not self._all[event[2]].one_way
        return frozenset([(first, second), (second, first)] if both else [(first, second)])

    def take(self, event: Event) -> None:
        """Run an enabled external."""
        world, kind = self._world, event[0]
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
        oldest = self._world.in_flight(nodes[1], nodes[0])[0]
        step = self._world.current
        if kind == Kind.DROP:
            self._world.network.drop(oldest)
            step.lost = [oldest]
        else:
            step.sent = [self._world.network.duplicate(oldest)]

    def save(self) -> object:
        """Immutable copy."""
        return tuple(self._all), tuple(self._nodes), dict(self._open), self.watching

    def load(self, saved: Any) -> None:
        """Return to a copy; the world restores its enabled list."""
        every, nodes, opened, self.watching = saved
        self._all, self._nodes, self._open = list(every), list(nodes), dict(opened)


__all__ = ["Failure", "Outside"]

"""Externals that were offered and are not yet taken, whatever kind of world they are offered to.

The one insight: an external that was offered is an ordinary event, enabled while its precondition holds
(a restart needs a node that is down), so the strategy decides when it happens and a replay that removed
its cause finds it not enabled instead of failing.

Not here: generating externals (`demi/fuzz`); what each does (`outside.py`, `connected.py`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.channels import remove_sorted
from demi.interpose.payload import to_json


class Host(Protocol):
    """What offering needs of a world.  events: its sorted list of enabled events."""

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def index(self) -> Mapping[str, int]: ...
    @property
    def events(self) -> list[Event]: ...

    def input(self, external: External) -> Any:
        """The message of an INJECT.  Raises TargetError for an unknown input."""


class Offers:
    """The externals offered to one world and not yet taken.

    watching: True while some offered external depends on what is in flight, so that the world
    refreshes after every step.
    """

    __slots__ = ("_all", "_nodes", "_open", "_world", "watching")

    def __init__(self, world: Host) -> None:
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

    def _links(self, event: Event) -> frozenset[tuple[int, int]]:
        """The directions that a cut or its end names."""
        first, second = self._nodes[event[2]]
        both = not self._all[event[2]].one_way
        return frozenset([(first, second), (second, first)] if both else [(first, second)])

    def _holds(self, event: Event) -> bool:
        """Does the precondition of an offered event hold?"""
        raise NotImplementedError

    def take(self, event: Event) -> None:
        """Run an enabled external."""
        raise NotImplementedError

    def save(self) -> object:
        """Immutable copy."""
        return tuple(self._all), tuple(self._nodes), dict(self._open), self.watching

    def load(self, saved: Any) -> None:
        """Return to a copy; the world restores its enabled list."""
        every, nodes, opened, self.watching = saved
        self._all, self._nodes, self._open = list(every), list(nodes), dict(opened)

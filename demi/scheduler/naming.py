"""Names for what is pending: from hot tuples to structural ids and back.

The one insight: the n-th *of its label on its link* counts sends, so a name is fixed at the send and no
later choice can change it; the hot path never needs it, so only recorders and replays keep this table.
"""

from __future__ import annotations

from demi.events import Event, delivery_id, timer_id
from demi.interpose.world import Step, World


class Namer:
    """Names of pending deliveries and armed timers; memory follows what is pending."""

    __slots__ = ("_by_name", "_cause", "_counts", "_names", "_world")

    def __init__(self, world: World, boot: Step) -> None:
        self._world = world
        self._counts: dict[tuple[int, int, str], int] = {}
        self._names: dict[Event, str] = {}
        self._cause: dict[Event, str] = {}
        self._by_name: dict[str, Event] = {}
        self.created(boot, "")

    def created(self, step: Step, by: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Name what a step sent and armed; `by` is the step's own id.  Returns (out, armed)."""
        out = tuple([self._name_delivery(event, by) for event in step.sent]) if step.sent else ()
        armed = tuple([self._name_timer(event, by) for event in step.armed]) if step.armed else ()
        for event in step.cancelled:
            self.forget(event)
        return out, armed

    def _name_delivery(self, event: Event, by: str) -> str:
        world = self._world
        _, dst, src, _ = event
        label = world.label(event)
        key = (src, dst, label)
        nth = self._counts[key] = self._counts.get(key, 0) + 1
        return self._remember(
            event, delivery_id(world.names[src], world.names[dst], label, nth), by
        )

    def _name_timer(self, event: Event, by: str) -> str:
        name = timer_id(self._world.names[event[1]], self._world.label(event), event[3] + 1)
        return self._remember(event, name, by)

    def _remember(self, event: Event, name: str, by: str) -> str:
        self._names[event] = name
        self._cause[event] = by
        self._by_name[name] = event
        return name

    def name(self, event: Event) -> str:
        """The id of a pending event, external ones included."""
        return self._names.get(event) or self._world.external(event).id

    def cause(self, event: Event) -> str:
        """The id of the step that created a pending event; "" for boot and externals."""
        return self._cause.get(event, "")

    def find(self, name: str) -> Event | None:
        """The pending delivery or timer of that id."""
        return self._by_name.get(name)

    def forget(self, event: Event) -> str:
        """The event happened, was lost or cancelled; returns its id."""
        name = self._names.pop(event, "")
        if name:
            del self._by_name[name], self._cause[event]
        return name

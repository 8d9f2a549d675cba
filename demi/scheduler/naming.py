"""Names for what is pending: from hot tuples to structural ids and back.

The one insight: the n-th *of its label on its link* counts sends, so a name is fixed at the send and no
later choice can change it; the hot path never needs it, so only recorders and replays keep this table.
"""

from __future__ import annotations

from demi.events import Event, delivery_id, timer_id
from demi.interpose.world import Step, World


class Namer:
    """Names of pending deliveries and armed timers; memory follows what is pending."""

    __slots__ = ("_by_name", "_counts", "_pending", "_world")

    def __init__(self, world: World, boot: Step) -> None:
        self._world = world
        self._counts: dict[tuple[int, int, str], tuple[str, int]] = {}  # -> stem of the ids, so far
        self._pending: dict[Event, tuple[str, str]] = {}  # -> its id, the id of its cause
        self._by_name: dict[str, Event] | None = None  # made when somebody asks for a name
        self.created(boot, "")

    def created(self, step: Step, by: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Name what a step sent and armed; `by` is the step's own id.  Returns (out, armed)."""
        sent = step.sent
        if len(sent) == 1:  # most steps; a comprehension costs a call
            out: tuple[str, ...] = (self._name_delivery(sent[0], by),)
        else:
            out = tuple([self._name_delivery(event, by) for event in sent]) if sent else ()
        armed = tuple([self._name_timer(event, by) for event in step.armed]) if step.armed else ()
        for event in step.cancelled:
            self.forget(event)
        return out, armed

    def _name_delivery(self, event: Event, by: str) -> str:
        world, counts = self._world, self._counts
        _, dst, src, _ = event
        label = world.label(event)
        key = (src, dst, label)
        known = counts.get(key)
        if known is None:
            known = delivery_id(world.names[src], world.names[dst], label, 0)[:-1], 0
        stem, nth = known
        nth += 1
        counts[key] = stem, nth
        name = f"{stem}{nth}"
        self._pending[event] = name, by
        if self._by_name is not None:
            self._by_name[name] = event
        return name

    def _name_timer(self, event: Event, by: str) -> str:
        name = timer_id(self._world.names[event[1]], self._world.label(event), event[3] + 1)
        self._pending[event] = name, by
        if self._by_name is not None:
            self._by_name[name] = event
        return name

    def named(self, event: Event) -> tuple[str, str]:
        """The id of a pending event and of the step that created it; "" for boot and externals."""
        return self._pending.get(event) or (self._world.external(event).id, "")

    def name(self, event: Event) -> str:
        """The id of a pending event, external ones included."""
        return self.named(event)[0]

    def find(self, name: str) -> Event | None:
        """The pending delivery or timer of that id."""
        if self._by_name is None:
            self._by_name = {known: event for event, (known, _) in self._pending.items()}
        return self._by_name.get(name)

    def forget(self, event: Event) -> str:
        """The event happened, was lost or cancelled; returns its id."""
        name, _ = self._pending.pop(event, ("", ""))
        if name and self._by_name is not None:
            del self._by_name[name]
        return name

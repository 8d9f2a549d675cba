"""A plan from a trace: what a recorded run asks for, in terms that another release can understand.

The one insight: a trace holds names and JSON, not the fingerprints of the world that made it, so content
is compared in its JSON form; that is what makes a trace of one release a question to the next.

The ladder for a delivery on its link: the same content (oldest first), the message of the same name, the
oldest of the same type.  A target's mask is for fingerprints and cannot be applied to JSON.
Not here: shrinking (`demi/minimizer`).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.events import Event, Kind
from demi.interpose.timers import timer_slot
from demi.interpose.world import Step, World
from demi.scheduler.naming import Namer
from demi.scheduler.sts import Lenient, Wanted
from demi.trace import Trace

NOWHERE = -1  # a node that the world does not have: its events are absent


def plan_of(trace: Trace, names: Sequence[str]) -> list[Wanted]:
    """The entries of a trace as a plan for a world with these node names."""
    index = {name: i for i, name in enumerate(names)}
    plan = []
    for entry in trace.entries:
        if entry.is_external:
            external = entry.external()
            plan.append(Wanted(entry.id, external, external.label))
            continue
        name = entry.name
        node, peer = index.get(name.node, NOWHERE), index.get(name.peer, NOWHERE)
        if name.kind is Kind.TIMER:
            choice: Event = (int(Kind.TIMER), node, timer_slot(name.label), name.nth - 1)
        else:
            choice = (int(Kind.DELIVER), node, peer, 0)
        plan.append(Wanted(entry.id, choice, name.label, entry.msg))
    return plan


class Recorded(Lenient):
    """Lenient replay of a plan made by `plan_of`; also an Observer, since it must name what it sees.

    alike: positions that were matched by type only.
    """

    def __init__(self, plan: Sequence[Wanted], world: World) -> None:
        super().__init__(plan)
        self.alike: list[int] = []
        self._observed = world
        self._namer: Namer | None = None

    # observer

    def began(self, boot: Step) -> None:
        self.alike = []
        self._namer = Namer(self._observed, boot)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        assert self._namer is not None  # `began` comes first
        self._id = self._namer.name(event)

    def after(self, step: Step) -> None:
        assert self._namer is not None
        self._namer.forget(step.event)
        for gone in step.lost:
            self._namer.forget(gone)
        self._namer.created(step, self._id)

    # the ladder

    def _delivery(self, want: Wanted, choice: Event) -> Event | None:
        world = self._world
        if NOWHERE in choice[1:3]:
            return None
        pending = [e for e in world.in_flight(choice[1], choice[2]) if world.allowed(e)]
        same = [e for e in pending if world.label(e) == want.label]
        wanted = want.content
        for event in same:
            if world.payload(event) == wanted:
                return event
        assert self._namer is not None
        named = self._namer.find(want.name)
        found = named if named in same else next(iter(same), None)
        if found is not None:
            self.alike.append(self._at - 1)
        return found

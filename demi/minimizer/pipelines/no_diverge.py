"""DEMi's NoDiverge column: STSSched, but a run that sends what the original did not counts for nothing.

The one insight: this is what minimizing without tolerance costs; a candidate ends as soon as an event
sends a message that the same event did not send in the original.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demi.events import Event, Kind
from demi.interpose.world import Step, World
from demi.minimizer.pipelines.demi_sts import channel_tails, halves
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem
from demi.minimizer.provenance import provenance
from demi.minimizer.runs import Plan
from demi.scheduler.execute import FIRST_EXTERNAL, execute
from demi.scheduler.sts import Lenient

Key = tuple[Any, ...]
Sent = frozenset[tuple[Key, Key]]
DELIVER = int(Kind.DELIVER)


def key_of(world: World, event: Event) -> Key:
    """What an event is, apart from when: an external's id, a timer, or a message by content."""
    if event[0] >= FIRST_EXTERNAL:
        return (world.external(event).id,)
    if event[0] == DELIVER:
        return (*event[:3], world.label(event), world.fingerprint(event))
    return event[:3]


class Faithful(Lenient):
    """Lenient replay that ends with the first message which its cause did not send before."""

    def __init__(self, plan: Plan, known: Sent) -> None:
        super().__init__(plan)
        self._known = known
        self._key: Key = ()

    def rule(self) -> object:
        return Faithful, self._known

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        world = self._world
        if last is not None:
            for event in last.sent:
                if (self._key, key_of(world, event)) not in self._known:
                    return None
        chosen = super().choose(enabled, last)
        if chosen is not None:
            self._key = key_of(world, chosen)
        return chosen


class _Sends:
    """An Observer that collects what each event sent."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.pairs: set[tuple[Key, Key]] = set()

    def began(self, boot: Step) -> None:
        self.pairs.clear()

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        self._key = key_of(self._world, event)

    def after(self, step: Step) -> None:
        self.pairs.update((self._key, key_of(self._world, event)) for event in step.sent)


def faithful(problem: Problem, plan: Plan) -> Lenient:
    """The oracle; what the original sent is collected at its first use."""
    known = problem.notes.get("sent")
    if known is None:
        observer = _Sends(problem.subject.world)
        strategy = Lenient(problem.first.plan)
        execute(problem.subject, strategy, problem.seed, observer=observer)
        known = problem.notes["sent"] = frozenset(observer.pairs)
    return Faithful(plan, known)


NO_DIVERGE = Pipeline(
    "DEMi's NoDiverge: STSSched, where a run that leaves the original counts for nothing",
    once={"provenance": provenance, "externals": halves, "tails": channel_tails},
    oracle=faithful,
)

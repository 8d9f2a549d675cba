"""The run loop: enabled, choose, step, check; the same for every adapter, strategy and engine.

The one insight: a run is truncated at its first violation, so no trace carries a dead suffix.

Not here: who chooses (strategies), what is kept (observers), what the outside does (`script.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from demi.events import Event
from demi.interpose.world import Step, World
from demi.oracle import CRASH, Invariant, Memory, Violation, check_all, check_start
from demi.scheduler.script import Script
from demi.scheduler.strategy import Strategy


class ExitReason(Enum):
    """Why a run stopped."""

    VIOLATION = "violation"
    QUIESCENCE = "quiescence"  # nothing enabled and nothing further to offer
    STEPS = "step budget"
    STRATEGY = "strategy ended"  # a replay at its end, or a search with nothing left
    STOPPED = "stopped"  # Ctrl-C or a time budget


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one run ended after `steps` steps."""

    reason: ExitReason
    steps: int
    violation: Violation | None = None


@dataclass(slots=True)
class Place:
    """Where a run is.  done: steps.  memory: of each invariant, as it is now; immutable values.

    One that has begun says where to go on from: world, strategy and observer are there already.
    """

    done: int = 0
    memory: list[Memory] = field(default_factory=list)
    begun: bool = False


class Observer(Protocol):
    """Sees a run pass by: recorders, checkers, statistics."""

    def began(self, boot: Step) -> None:
        """The nodes were started."""
        ...

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        """`event` was chosen and is still pending."""
        ...

    def after(self, step: Step) -> None:
        """It happened."""
        ...


class Observers:
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def began(self, boot: Step) -> None:
        for observer in self._observers:
            observer.began(boot)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        for observer in self._observers:
            observer.before(event, enabled)

    def after(self, step: Step) -> None:
        for observer in self._observers:
            observer.after(step)


def run(  # noqa: PLR0912 - one screen that reads top to bottom
    world: World,
    strategy: Strategy,
    *,
    seed: int,
    script: Script,
    invariants: Sequence[Invariant],
    steps: int,
    observer: Observer | None = None,
    place: Place | None = None,
) -> Outcome:
    """One run from the beginning, or on from a place.  steps: the longest it may be."""
    place = place or Place()
    if not place.begun:
        ended = _began(world, strategy, seed, invariants, observer, place)
        if ended is not None:
            return ended
    view, memory, done = world.observe(), place.memory, place.done
    step: Step | None = None
    take, live, choose = world.take, world.enabled, strategy.choose
    while done < steps:
        event = None
        while done >= script.due or (script.condition is not None and script.condition(view)):
            event = script.advance(done)
            if event is not None:  # a nudge
                break
        enabled = live()
        if event is None:
            if not enabled and not strategy.offers:
                if script.finished:
                    return Outcome(ExitReason.QUIESCENCE, done)
                script.due = done
                continue
            event = choose(enabled, step)
            if event is None:
                return Outcome(ExitReason.STRATEGY, done)
        if observer is not None:
            observer.before(event, enabled)
        step = take(event)
        done += 1
        if observer is not None:
            observer.after(step)
        if step.failure is not None:
            return _crashed(step, done)
        if invariants:
            broken = check_all(invariants, view, memory, done - 1)
            if broken is not None:
                return Outcome(ExitReason.VIOLATION, done, broken)
    return Outcome(ExitReason.STEPS, done)


def _began(
    world: World,
    strategy: Strategy,
    seed: int,
    invariants: Sequence[Invariant],
    observer: Observer | None,
    place: Place,
) -> Outcome | None:
    """Start the nodes; the outcome if that was all."""
    boot = world.reset(seed)
    if observer is not None:
        observer.began(boot)
    if boot.failure is not None:
        return _crashed(boot, 0)
    place.memory, broken = check_start(invariants, world.observe())
    place.begun = True
    if broken is not None:
        return Outcome(ExitReason.VIOLATION, 0, broken)
    return None if strategy.begin(world, seed, boot) else Outcome(ExitReason.STRATEGY, 0)


def _crashed(step: Step, done: int) -> Outcome:
    assert step.failure is not None
    violation = Violation(CRASH, step.failure.detail(), max(0, done - 1))
    return Outcome(ExitReason.VIOLATION, done, violation)

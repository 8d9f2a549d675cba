"""The strategy seam: who chooses the next event.

The one insight: random search, replay and systematic search differ only in one verb, so everything else
(world, invariants, recording) is written once around it.

Not here: the strategies, one file each (`registry.py` lists them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from demi.events import Event, Kind
from demi.interpose.world import Step, World

TIMER = int(Kind.TIMER)
PURPOSES_MAX = 8  # streams per seed: schedule 0, programs 1, the rest spare


class Strategy(Protocol):
    """Three verbs.  A strategy object may be reused: `begin` starts over.

    offers: it offers externals itself (replays), so it is asked even when nothing is enabled.
    """

    name: str
    offers: bool

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        """A run starts; boot is what starting the nodes did.  False: nothing left to explore."""
        ...

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        """The next event, given the last step; None ends the run."""
        ...

    def draw(self, kind: str, bound: int) -> int:
        """A choice in 0..bound-1 that is not an event."""
        ...


class Draws:
    """A stream of choices from one seed; each purpose has its own.

    `random.Random` underneath: its `random()` is one C call, and its sequence for an int seed is the
    same in every Python we support.
    """

    __slots__ = ("unit",)

    def __init__(self, seed: int, purpose: int = 0) -> None:
        self.unit: Callable[[], float] = Random(seed * PURPOSES_MAX + purpose).random

    def below(self, bound: int) -> int:
        """A number in 0..bound-1."""
        return int(self.unit() * bound)


RETRIES_MAX = 32  # a weight of 0.05 is refused 32 times in a row once in 5 runs; then it is taken


class Weights:
    """Relative chance of events by class: message type, input label, `!timer`, or word of a fault."""

    __slots__ = ("_by_class", "_only_timers", "_timers", "_top", "_world")

    def __init__(self, by_class: Mapping[str, float], world: World) -> None:
        self._by_class = dict(by_class)
        self._world = world
        self._top = max([1.0, *by_class.values()])
        self._timers: dict[int, float] = {}  # slot -> weight: a timer's name never changes
        self._only_timers = all(name.startswith("!") for name in by_class)

    def weight(self, event: Event) -> float:
        """The weight of an event's class."""
        if event[0] == TIMER:
            found = self._timers.get(event[2])
            if found is None:
                name = event_class(self._world, event)
                found = self._timers[event[2]] = self._by_class.get(name, 1.0)
            return found
        if self._only_timers:
            return 1.0
        return self._by_class.get(event_class(self._world, event), 1.0)

    def accepts(self, event: Event, draws: Draws) -> bool:
        """Keep this pick?  Rejection sampling keeps the cost independent of what is pending."""
        weight = self.weight(event)
        return weight >= self._top or draws.unit() * self._top < weight

    def priority(self, event: Event, draws: Draws) -> float:
        """A random priority in [0, 1) that is likelier to be high for a heavier class.

        u^(1/w) makes the chance to be the highest proportional to w (Efraimidis, Spirakis 2006).
        """
        if not self._by_class:
            return draws.unit()
        weight = self.weight(event)
        return draws.unit() ** (1.0 / weight) if weight > 0 else 0.0


def event_class(world: World, event: Event) -> str:
    """`AppendEntries`, `client`, `!election`, `crash`: how weights and stages name kinds of events."""
    kind = event[0]
    if kind == Kind.TIMER:
        return "!" + world.label(event)
    if kind in (Kind.DELIVER, Kind.INJECT):
        return world.label(event)
    return Kind(kind).name.lower()

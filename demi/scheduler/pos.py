"""POS: partial-order sampling (Yuan, Yang, Gu, CAV'18).

Every pending event has a random priority; the highest enabled one runs, and the events that race with
it (same node) draw again.

The one insight: redrawing only what races makes every order of *dependent* events likely, where a walk
wastes its coins on orders that commute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demi.events import Event
from demi.interpose.world import Step, World
from demi.scheduler.strategy import Draws, Weights


class Pos:
    """Random priorities per event, redrawn at the node that moved; weights make classes likelier."""

    name = "pos"
    offers = False

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._by_class = weights or {}

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._weights = Weights(self._by_class, world)
        self._priority: dict[Event, float] = {}
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        priority, weights, draws = self._priority, self._weights, self._draws
        if last is not None:
            node = last.event[1]
            kept = {e: priority[e] for e in enabled if e[1] != node and e in priority}
            self._priority = priority = kept  # gone and racing events forget their priorities
        best: Event | None = None
        top = -1.0
        for event in enabled:
            found = priority.get(event)
            if found is None:
                found = priority[event] = weights.priority(event, draws)
            if found > top:
                best, top = event, found
        return best

    def draw(self, kind: str, bound: int) -> int:
        return self._draws.below(bound)

"""Random walk: uniform over everything enabled (DEMi's FullyRandom, NSDI'16 section 4.1).

The one insight: none, and that is its worth: the baseline every cleverer strategy must beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demi.events import Event
from demi.interpose.world import Step, World
from demi.scheduler.strategy import RETRIES_MAX, Draws, Weights


class RandomWalk:
    """Pick any enabled event; weights make some classes rarer."""

    name = "random"
    offers = False

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._by_class = weights or {}

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._unit = self._draws.unit
        self._weights = Weights(self._by_class, world) if self._by_class else None
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if self._weights is None:
            return enabled[int(self._unit() * len(enabled))]
        draws = self._draws
        for _ in range(RETRIES_MAX):
            event = enabled[draws.below(len(enabled))]
            if self._weights.accepts(event, draws):
                break
        return event

    def draw(self, kind: str, bound: int) -> int:
        return self._draws.below(bound)

"""Random walk: uniform over everything enabled (DEMi's FullyRandom, NSDI'16 section 4.1).

The one insight: none, and that is its worth: the baseline every cleverer strategy must beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demi.events import Event
from demi.interpose.world import Step, World
from demi.scheduler.strategy import _GAMMA, _MASK, _MIX1, _MIX2, RETRIES_MAX, Draws, Weights


class RandomWalk:
    """Pick any enabled event; weights make some classes rarer."""

    name = "random"

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._by_class = weights or {}

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._weights = Weights(self._by_class, world) if self._by_class else None
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        draws = self._draws
        if self._weights is None:  # `draws.below` written out: this is the hottest line of a hunt
            draws._state = state = (draws._state + _GAMMA) & _MASK
            state = ((state ^ (state >> 30)) * _MIX1) & _MASK
            state = ((state ^ (state >> 27)) * _MIX2) & _MASK
            return enabled[((state ^ (state >> 31)) * len(enabled)) >> 64]
        for _ in range(RETRIES_MAX):
            event = enabled[draws.below(len(enabled))]
            if self._weights.accepts(event, draws):
                break
        return event

    def draw(self, kind: str, bound: int) -> int:
        return self._draws.below(bound)

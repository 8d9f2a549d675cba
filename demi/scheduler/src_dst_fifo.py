"""SrcDstFIFO: channels, not messages, are uniform (DEMi, NSDI'16; its published Raft runs).

With probability (timers + externals) / (all pending) pick uniformly among timers and externals;
otherwise a random non-empty (sender, receiver) channel delivers its head.

The one insight: under fifo channels a busy link must not drown the others.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from demi.events import Event, Kind
from demi.interpose.world import Step, World
from demi.scheduler.strategy import RETRIES_MAX, Draws, Weights

_TIMERS: Event = (int(Kind.TIMER), -1, -1, -1)


class SrcDstFifo:
    """DEMi's channel-uniform random walk.  In flight is counted over all channels."""

    name = "srcdstfifo"
    offers = False

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._by_class = weights or {}

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._world = world
        self._one_each = world.capabilities.network == "fifo"
        self._weights = Weights(self._by_class, world) if self._by_class else None
        self._flying = len(boot.sent)
        self._taken: Event | None = None
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if last is not None and last.event != self._taken:  # a nudge: a step we were not shown
            world = self._world
            self._flying = sum(len(world.in_flight(*channel)) for channel in world.channels())
        elif last is not None:
            self._flying += len(last.sent) - len(last.lost) - (last.event[0] == Kind.DELIVER)
        heads = bisect_left(enabled, _TIMERS)
        others = len(enabled) - heads
        draws = self._draws
        for _ in range(RETRIES_MAX):
            if not heads or draws.below(others + self._flying) < others:
                event = enabled[heads + draws.below(others)]
            else:
                event = self._channel_head(enabled, heads)
            if self._weights is None or self._weights.accepts(event, draws):
                break
        self._taken = event
        return event

    def _channel_head(self, enabled: Sequence[Event], heads: int) -> Event:
        """Uniform over channels, then its oldest enabled message (they are sorted by channel)."""
        if self._one_each:
            return enabled[self._draws.below(heads)]
        oldest = [
            event
            for before, event in pairwise([(0, -1, -1, -1), *enabled[:heads]])
            if before[1:3] != event[1:3]
        ]
        return oldest[self._draws.below(len(oldest))]

    def draw(self, kind: str, bound: int) -> int:
        return self._draws.below(bound)

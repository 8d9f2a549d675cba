"""PCT over channels: random priorities with d - 1 change points (Burckhardt et al., ASPLOS'10).

A process of the paper is here a channel, a node's timers, or the outside.  Each gets a random priority
when first seen; the highest enabled one runs; at d - 1 random steps the running one drops to the
bottom.  A bug of depth d is hit with probability at least 1 / (n * k^(d-1)), n processes, k steps.

The one insight: a few deliberate starvations find ordering bugs that coin flips never line up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from demi.events import Event, Kind
from demi.interpose.world import Step, World
from demi.scheduler.strategy import Draws, Weights

Process = tuple[int, int, int]


class Pct:
    """depth: d of the paper.  length: k, the expected steps, over which change points are spread.

    weights make the processes of a class likelier to have a high priority (1.0: the paper's rule).
    """

    name = "pct"
    offers = False

    def __init__(
        self, depth: int = 3, length: int = 1000, weights: Mapping[str, float] | None = None
    ) -> None:
        self._by_class = weights or {}
        self._depth = depth
        self._length = length

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = draws = Draws(seed)
        self._weights = Weights(self._by_class, world)
        self._priority: dict[Process, float] = {}
        self._step = 0
        self._changes = {draws.below(self._length): -float(i) for i in range(1, self._depth)}
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        priority = self._priority
        best: Event | None = None
        top = -float("inf")
        for event in enabled:
            process = _process(event)
            found = priority.get(process)
            if found is None:
                found = priority[process] = self._weights.priority(event, self._draws) + 1.0
            if found > top:
                best, top = event, found
        if best is not None and self._step in self._changes:
            priority[_process(best)] = self._changes.pop(self._step)
            return self.choose(enabled, last)
        self._step += 1
        if best is not None and best[0] == Kind.TIMER:
            # a re-arming timer would otherwise run alone for ever: timers yield after firing
            priority[_process(best)] = self._weights.priority(best, self._draws)
        return best

    def draw(self, kind: str, bound: int) -> int:
        return self._draws.below(bound)


def _process(event: Event) -> Process:
    kind, node, peer, _ = event
    if kind in (Kind.DELIVER, Kind.TIMER):
        return kind, node, peer
    return 2, -1, peer if kind != Kind.INJECT else -1

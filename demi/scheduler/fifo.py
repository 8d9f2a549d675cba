"""FIFO: the event that has been enabled longest goes first; a run without surprises.

The one insight: the base schedule of delay-bounded search and the order a reader expects.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from demi.events import Event
from demi.interpose.world import Step, World
from demi.scheduler.strategy import Draws


class Fifo:
    """Arrival order; what is armed or sent earlier is older."""

    name = "fifo"

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._queue: deque[Event] = deque([*boot.sent, *boot.armed])
        self._known = set(self._queue)
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        queue, known = self._queue, self._known
        if last is not None:
            known.discard(last.event)
            for event in (*last.sent, *last.armed):
                queue.append(event)
                known.add(event)
        for _ in range(len(queue)):
            event = queue.popleft()
            if event not in known:
                continue
            at = bisect_left(enabled, event)
            if at < len(enabled) and enabled[at] == event:
                known.discard(event)
                return event
            queue.append(event)
        return enabled[0]

    def draw(self, kind: str, bound: int) -> int:
        return 0

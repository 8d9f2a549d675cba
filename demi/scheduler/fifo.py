"""FIFO: the event that has been enabled longest goes first; a run without surprises.

The one insight: the base schedule of delay-bounded search and the order a reader expects.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from demi.events import Event, Kind
from demi.interpose.world import Step, World
from demi.scheduler.strategy import Draws


class Fifo:
    """Arrival order; what is armed or sent earlier is older."""

    name = "fifo"
    offers = False

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._draws = Draws(seed)
        self._queue: deque[Event] = deque([*boot.sent, *boot.armed])
        self._known = set(self._queue)
        self._taken: Event | None = None
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        queue, known = self._queue, self._known
        if last is not None:
            known.difference_update((last.event, *last.lost, *last.cancelled))
            nudged = enabled if last.event != self._taken else ()  # a step that we were not shown
            for event in (*last.sent, *last.armed, *nudged):
                if event not in known:
                    queue.append(event)
                    known.add(event)
        first = bisect_left(enabled, (int(Kind.START), -1, -1, -1))
        for event in enabled[first:]:  # what the outside offers is announced by being enabled
            if event not in known:
                queue.append(event)
                known.add(event)
        self._taken = self._next(enabled)
        return self._taken

    def _next(self, enabled: Sequence[Event]) -> Event:
        queue, known = self._queue, self._known
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

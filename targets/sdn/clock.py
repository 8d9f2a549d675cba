"""Virtual time: which timers may fire, and how far time has been allowed to pass.

The one insight: time is an input.  Each input grants the network `settle` seconds, a wait grants more;
timers fire in order within what was granted and then time stands still, so a network with periodic
timers comes to rest, and a bug that needs nothing but time is found with no input at all.

Controllers have one timer each, `clock`: the next of their own.  Switches have `expire`: their next
flow entry.  Not here: what firing does (`world.py`).
"""

from __future__ import annotations

from bisect import insort

from demi.events import Event, Kind
from demi.interpose.channels import remove_sorted
from demi.interpose.timers import TIMER, Armed, TimerPolicy, may_fire, timer_slot
from demi.interpose.world import Step

CLOCK, EXPIRE = "clock", "expire"
NAMES = {timer_slot(CLOCK): CLOCK, timer_slot(EXPIRE): EXPIRE}
_START = int(Kind.START)


class Clock:
    """now: virtual seconds.  horizon: until when time may pass.  armed: see `interpose/timers.py`."""

    def __init__(self, events: list[Event], policy: TimerPolicy, settle: float) -> None:
        self.now = 0.0
        self.horizon = settle
        self.settle = settle
        self.armed: Armed = {}
        self._policy = policy
        self._waits = policy.word == "ordered"  # no timer fires while something can be delivered
        self._events = events
        self._listed: list[Event] = []
        self._nth: dict[tuple[int, int], int] = {}

    def set(self, node: int, name: str, deadline: float | None, step: Step) -> None:
        """The node's timer of that name is due then; None: it has none."""
        key = (node, timer_slot(name))
        known = self.armed.get(key)
        if deadline is None:
            if known is not None:
                del self.armed[key]
                self._nth[key] = known[0] + 1
                step.cancelled = [*step.cancelled, (TIMER, *key, known[0])]
            return
        n = self._nth.get(key, 0) if known is None else known[0]
        self.armed[key] = (n, name, max(deadline, self.now))
        if known is None:
            step.armed = [*step.armed, (TIMER, *key, n)]

    def fire(self, event: Event) -> float:
        """The timer of this event fires; returns the time it now is."""
        key = (event[1], event[2])
        n, _, deadline = self.armed.pop(key)
        self._nth[key] = n + 1
        self.now = max(self.now, deadline)
        return self.now

    def grant(self, seconds: float = 0.0) -> None:
        """An input happened, or a wait gives so many seconds more."""
        self.horizon = max(self.horizon + seconds, self.now + self.settle)

    def refresh(self) -> None:
        """Bring the enabled timers up to date; time passes to the horizon when nothing is left."""
        events = self._events
        deliveries = bool(events) and events[0][0] < TIMER
        if deliveries and self._waits and not self._listed:
            return
        for event in self._listed:
            remove_sorted(events, event)
        due = may_fire(self._policy, self.armed, self.now, deliveries) if self.armed else []
        self._listed = [e for e in due if self.armed[e[1], e[2]][2] <= self.horizon]
        for event in self._listed:
            insort(events, event)
        if not deliveries and not self._listed and self.now < self.horizon:
            self.now = self.horizon

    def restart(self, node: int, step: Step) -> None:
        """The node went down: its timers are gone."""
        for name in (CLOCK, EXPIRE):
            self.set(node, name, None, step)

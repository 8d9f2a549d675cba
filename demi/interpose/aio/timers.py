"""Timers of all hosts: armed by the loop's call_at, fired as events when the policy lets them.

The one insight: a real loop fires the timers of its process in the order of their deadlines, so only the
earliest of each host is a choice; how far it may overtake messages is the policy.

A timer is named by the function that waits (`Shop.buy.sleep`), so that its name survives the removal of
other timers.  Timers due after `life` virtual seconds are beyond the end of the run and never fire.
Not here: the policies' words (`demi/interpose/timers.py`).
"""

from __future__ import annotations

import contextvars
import sys
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from types import CodeType, FrameType
from typing import Any

from demi.events import Event, Kind
from demi.interpose.aio.host import Clock, Host, host_of
from demi.interpose.timers import TimerPolicy, timer_slot
from demi.interpose.world import Step

TIMER = int(Kind.TIMER)
_WAITS = {
    "_set_result_unless_cancelled": "sleep",
    "_on_timeout": "timeout",
    "_release_waiter": "timeout",
}
_names: dict[CodeType, str] = {}


class Timer:
    """One armed timer; what asyncio calls a TimerHandle."""

    __slots__ = ("_timers", "_when", "args", "callback", "context", "event", "host")

    def __init__(
        self, timers: Timers, when: float, callback: Callable[..., Any] | None, args: Any,
        context: contextvars.Context, host: Host, event: Event,
    ) -> None:  # fmt: skip
        self._timers = timers
        self._when = when
        self.callback = callback
        self.args = args
        self.context = context
        self.host = host
        self.event = event

    def when(self) -> float:
        """The deadline, in the loop's time."""
        return self._when

    def cancel(self) -> None:
        """Disarm."""
        if self.callback is not None:
            self.callback = None
            self.args = ()
            self._timers.disarm(self)

    def cancelled(self) -> bool:
        """Was it cancelled, or has it fired?"""
        return self.callback is None


Due = tuple[float, int, Event]
"""(deadline, number of the arming at its host, event): the order in which a loop fires."""


class Timers:
    """The armed timers of a run.  step: where armings are noted."""

    __slots__ = ("_count", "_due", "_life", "_nth", "_policy", "armed", "names", "step")

    def __init__(self, policy: TimerPolicy, life: float, hosts: int) -> None:
        self._policy = policy
        self._life = life
        self._due: list[list[Due]] = [[] for _ in range(hosts)]
        self._count = 0
        self.armed: dict[Event, Timer] = {}
        self._nth: dict[tuple[int, int], int] = {}
        self.names: dict[int, str] = {}
        self.step: Step = Step((0, 0, 0, 0))

    def arm(self, when: float, callback: Any, args: Any, context: contextvars.Context) -> Timer:
        """Arm a timer of the host whose context it is."""
        host = host_of(context)
        return self.arm_named(host, _named(callback), when, callback, args, context)

    def arm_after(
        self, delay: float, callback: Any, args: Any, context: contextvars.Context
    ) -> Timer:
        """`arm`, by its host's clock from now."""
        host = host_of(context)
        return self.arm_named(
            host, _named(callback), host.clock.now + delay, callback, args, context
        )

    def arm_named(
        self,
        host: Host,
        name: str,
        when: float,
        callback: Any,
        args: Any,
        context: contextvars.Context,
    ) -> Timer:
        """`arm` under a given name."""
        slot = timer_slot(name)
        self.names[slot] = name
        key = (host.index, slot)
        n = self._nth.get(key, 0)
        self._nth[key] = n + 1
        event = (TIMER, host.index, slot, n)
        timer = Timer(self, when, callback, args, context, host, event)
        if when > self._life:
            return timer
        self._count += 1
        self.armed[event] = timer
        insort(self._due[host.index], (when, self._count, event))
        step = self.step
        step.armed = [*step.armed, event]
        return timer

    def disarm(self, timer: Timer) -> None:
        """It will not fire."""
        if self.armed.pop(timer.event, None) is None:
            return
        self._forget(timer)
        step = self.step
        if timer.event in step.armed:  # armed and disarmed in one step: it never was
            step.armed = [one for one in step.armed if one != timer.event]
        else:
            step.cancelled = [*step.cancelled, timer.event]

    def _forget(self, timer: Timer) -> None:
        due = self._due[timer.host.index]
        at = bisect_left(due, (timer.when(), 0, timer.event))
        while due[at][2] != timer.event:
            at += 1
        del due[at]

    def take(self, event: Event) -> Timer:
        """It fires."""
        timer = self.armed.pop(event)
        self._forget(timer)
        return timer

    def drop_host(self, index: int) -> None:
        """The host is gone."""
        for _, _, event in tuple(self._due[index]):
            self.disarm(self.armed[event])

    def enabled(self, clocks: Sequence[Clock], deliveries: bool) -> list[Event]:
        """The timers that may fire, sorted.  clocks: of each host, all the same one but for `free`."""
        word = self._policy.word
        if word == "free":
            return sorted(self.armed)
        first = [due[0] for due in self._due if due]
        if not first or (word == "ordered" and deliveries):
            return []
        earliest = min(first)[0]
        limit = earliest
        if word == "bounded":
            reach = clocks[0].now + self._policy.horizon
            limit = reach if deliveries else max(earliest, reach)
        return sorted(event for when, _, event in first if when <= limit)

    def waiting(self, clocks: Sequence[Clock]) -> list[tuple[int, str, float]]:
        """For digests: (host, name, seconds to go)."""
        return sorted(
            (event[1], self.names[event[2]], round(timer.when() - clocks[event[1]].now, 9))
            for event, timer in self.armed.items()
        )


def _named(callback: Any) -> str:
    """`function.sleep`: the innermost function outside asyncio that waits, and how."""
    how = getattr(callback, "__name__", "") or type(callback).__name__
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        code = frame.f_code
        name = _names.get(code)
        if name is None:
            file = code.co_filename
            ours = "/asyncio/" in file or "/demi/interpose/" in file or "async_timeout" in file
            name = _names[code] = "" if ours else code.co_qualname.replace("<locals>.", "")
        if name:
            return f"{name[-48:]}.{_WAITS.get(how, how)}"
        frame = frame.f_back
    return _WAITS.get(how, how)

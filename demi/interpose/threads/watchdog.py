"""The watchdog: a thread of a program that never waits is set aside, named by where it is.

The one insight: a signal handler runs in the thread that spins, so it can switch away from it for good;
nothing is thrown, and so nothing the program catches can keep us.

Wall time, because a real call that blocks uses no other; only where signals exist and in the main thread.
One alarm goes on ticking from step to step and looks whether a step is still the same one, so a step
costs no system call, but one in many, which sees whether the alarm is still ours; an alarm of somebody else
is left alone, and then there is no watchdog.
"""

from __future__ import annotations

import atexit
import importlib
import os
import threading
import types
from typing import Any

import greenlet

from demi.interpose.sites import call_site, site_of
from demi.interpose.threads.hosts import CURRENT, set_aside

_signal: Any = importlib.import_module("_signal")  # `signal` wraps each call in enums
WALL_SECONDS = 10.0  # one step of a node; a healthy one takes a thousandth of that
_LOOK = 64  # steps between two looks at the alarm
_TICKS = 4  # ticks that a step may see: it is stopped after 4/4 to 5/4 of its time
_SIGNAL, _REAL = _signal.SIGALRM, _signal.ITIMER_REAL


class StuckError(Exception):
    """A thread never waits: it loops, or is in a real call that blocks."""


class WallBudget:
    """Between `begin` and `end` (or inside `with`) is a step of held threads.

    A thread that takes longer is set aside, and the failure noted at the kernel as its host's.
    seconds: of wall time that a step may take.
    """

    __slots__ = ("_outer", "_seconds", "ticks")

    def __init__(self, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds
        self.ticks = 0

    def begin(self) -> None:
        """A step begins."""
        alarm = _ALARM
        self._outer = alarm.step
        alarm.step = self
        self.ticks = 0
        if alarm.trusted and alarm.limit <= self._seconds:
            alarm.trusted -= 1
        else:
            alarm.look(self._seconds)

    def end(self) -> None:
        """It is over."""
        _ALARM.step = self._outer

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()


class _Alarm:
    """The one alarm of the process.

    step: the one that runs.  period: of the alarm, in seconds, while it ticks; limit: of a step then.
    trusted: steps that need not look whether it does.  before: the handler in place before ours.
    """

    __slots__ = ("_main", "before", "limit", "period", "step", "trusted")

    def __init__(self) -> None:
        self._main = threading.main_thread().ident
        self.step: WallBudget | None = None
        self.period = self.limit = 0.0
        self.trusted = 0
        self.before: Any = None

    def look(self, seconds: float) -> None:
        """Start it, unless it ticks or is somebody else's."""
        ours = _signal.getsignal(_SIGNAL) is _tick and self.limit > seconds
        if _signal.getitimer(_REAL)[0] and not ours:
            self.trusted = _LOOK
        elif self.in_main():
            handler = _signal.signal(_SIGNAL, _tick)
            if handler is not _tick:
                self.before = handler
            self.period, self.limit = seconds / _TICKS, seconds
            _signal.setitimer(_REAL, self.period)
            self.trusted = _LOOK

    def in_main(self) -> bool:
        """Signals have handlers in the main thread only."""
        return threading.get_ident() == self._main

    def forked(self) -> None:
        """Alarms are not inherited."""
        self.trusted = 0


_ALARM = _Alarm()


def rest() -> None:
    """No world runs any more: take the alarm away, if it is ours."""
    if _ALARM.in_main() and _signal.getsignal(_SIGNAL) is _tick:
        _signal.setitimer(_REAL, 0)
        _signal.signal(_SIGNAL, _ALARM.before)
    _ALARM.trusted = 0


os.register_at_fork(after_in_child=_ALARM.forked)
atexit.register(rest)  # an interpreter that ends has no handlers any more, and would be killed


def _tick(number: int, frame: types.FrameType | None) -> Any:
    step = _ALARM.step
    if step is None:
        _ALARM.trusted = 0
        return  # nothing runs: the next step starts the alarm again
    step.ticks += 1
    _signal.setitimer(_REAL, _ALARM.period)
    if step.ticks > _TICKS:
        step.ticks = 0
        _set_aside(frame)


def stop(why: str) -> None:
    """The running thread is set aside, for a reason that its holder knows; outside of one, nothing."""
    _set_aside(None, why)


def _set_aside(frame: types.FrameType | None, why: str = "never waits") -> None:
    task, kernel = CURRENT.task, CURRENT.kernel
    if task is None or kernel is None or greenlet.getcurrent() is not task.green:
        return
    where = site_of(frame) if frame is not None else call_site(3)
    error = StuckError(f"thread {task.name} {why}; it was in {where}")
    kernel.failures.append((task.host, error))
    kernel.armings[task.key] = task.nth
    set_aside(task)
    greenlet.getcurrent().parent.switch()

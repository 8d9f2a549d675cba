"""The watchdog: a thread of a program that never waits is set aside, named by where it is.

The one insight: a signal handler runs in the thread that spins, so it can switch away from it for good;
nothing is thrown, and so nothing the program catches can keep us.

Wall time, because a real call that blocks uses no other; only where signals exist and in the main thread.
One alarm goes on ticking from step to step and looks whether a step is still the same one, so a step
costs no system call but one; an alarm of somebody else is left alone, and then there is no watchdog.
"""

from __future__ import annotations

import atexit
import importlib
import threading
import types
from typing import Any

import greenlet

from demi.interpose.escapes import call_site, site_of
from demi.interpose.threads.hosts import CURRENT, set_aside

_signal: Any = importlib.import_module("_signal")  # `signal` wraps each call in enums
WALL_SECONDS = 10.0  # one step of a node; a healthy one takes a thousandth of that
_TICKS = 4  # ticks that a step may see: it is stopped after 4/4 to 5/4 of its time
_ALARM, _REAL = _signal.SIGALRM, _signal.ITIMER_REAL


class StuckError(Exception):
    """A thread never waits: it loops, or is in a real call that blocks."""


class WallBudget:
    """Between `begin` and `end` (or inside `with`) is a step of held threads.

    A thread that takes longer is set aside, and the failure noted at the kernel as its host's.
    seconds: of wall time that a step may take.
    """

    __slots__ = ("_outer", "_seconds", "ticks")
    _main = threading.main_thread().ident
    _now: WallBudget | None = None  # the step that runs
    _period = 0.0  # of the alarm, while it ticks
    _before: Any = None  # the handler in place before ours

    def __init__(self, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds
        self.ticks = 0

    def begin(self) -> None:
        """A step begins."""
        kind = WallBudget
        self._outer, kind._now, self.ticks = kind._now, self, 0
        left = _signal.getitimer(_REAL)[0]
        if left and (
            _signal.getsignal(_ALARM) is not _tick or kind._period * _TICKS <= self._seconds
        ):
            return
        if threading.get_ident() == kind._main:
            _start(self._seconds / _TICKS)

    def end(self) -> None:
        """It is over."""
        WallBudget._now = self._outer

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, *_: object) -> None:
        self.end()


def _start(period: float) -> None:
    handler = _signal.signal(_ALARM, _tick)
    if handler is not _tick:
        WallBudget._before = handler
    WallBudget._period = period
    _signal.setitimer(_REAL, period)


def rest() -> None:
    """No world runs any more: take the alarm away, if it is ours."""
    if threading.get_ident() == WallBudget._main and _signal.getsignal(_ALARM) is _tick:
        _signal.setitimer(_REAL, 0)
        _signal.signal(_ALARM, WallBudget._before)


atexit.register(rest)  # an interpreter that ends has no handlers any more, and would be killed


def _tick(number: int, frame: types.FrameType | None) -> Any:
    step = WallBudget._now
    if step is None:
        return  # nothing runs: the next step starts the alarm again
    step.ticks += 1
    _signal.setitimer(_REAL, WallBudget._period)
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
    set_aside(task)
    greenlet.getcurrent().parent.switch()

"""The watchdog: a thread of a program that never waits is set aside, named by where it is.

The one insight: a signal handler runs in the thread that spins, so it can switch away from it for good;
nothing is thrown, and so nothing the program catches can keep us.

Wall time, because a real call that blocks uses no other; only where signals exist and in the main thread.
"""

from __future__ import annotations

import importlib
import threading
import types
from typing import Any

import greenlet

from demi.interpose.escapes import site_of
from demi.interpose.threads.hosts import CURRENT, set_aside

_signal: Any = importlib.import_module("_signal")  # `signal` wraps each call in enums
WALL_SECONDS = 10.0  # one step of a node; a healthy one takes a thousandth of that


class StuckError(Exception):
    """A thread never waits: it loops, or is in a real call that blocks."""


class WallBudget:
    """What runs inside is a step of held threads; one that takes longer is set aside.

    The failure is noted at the kernel as the host's.
    """

    __slots__ = ("_before", "_mine", "_seconds")
    _main = threading.main_thread().ident

    def __init__(self, seconds: float = WALL_SECONDS) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._mine = (
            threading.get_ident() == self._main and _signal.getitimer(_signal.ITIMER_REAL)[0] == 0
        )
        if self._mine:
            self._before = _signal.signal(_signal.SIGALRM, _ring)
            _signal.setitimer(_signal.ITIMER_REAL, self._seconds, self._seconds)

    def __exit__(self, *_: object) -> None:
        if self._mine:
            _signal.setitimer(_signal.ITIMER_REAL, 0)
            _signal.signal(_signal.SIGALRM, self._before)


def _ring(number: int, frame: types.FrameType | None) -> Any:
    task, kernel = CURRENT.task, CURRENT.kernel
    if task is None or kernel is None or greenlet.getcurrent() is not task.green or frame is None:
        return
    error = StuckError(f"thread {task.name} never waits; it was in {site_of(frame)}")
    kernel.failures.append((task.host, error))
    set_aside(task)
    greenlet.getcurrent().parent.switch()

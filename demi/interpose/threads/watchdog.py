"""The watchdog: a thread of a program that never waits is set aside, named by where it is.

The one insight: a signal handler runs in the thread that spins, so it can switch away from it for good;
nothing is thrown, and so nothing the program catches can keep us.

Wall time, because a real call that blocks uses no other; only where signals exist and in the main thread.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import types
from collections.abc import Iterator
from typing import Any

import greenlet

from demi.interpose.escapes import site_of
from demi.interpose.threads.kernel import CURRENT, set_aside

WALL_SECONDS = 10.0  # one step of a node; a healthy one takes a thousandth of that


class StuckError(Exception):
    """A thread never waits: it loops, or is in a real call that blocks."""


_budgets: list[float] = []


@contextlib.contextmanager
def wall_budget(seconds: float = WALL_SECONDS) -> Iterator[None]:
    """What runs inside is a step of held threads; one that takes longer is set aside.

    The failure is noted at the kernel as the host's.
    """
    if _budgets or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    _budgets.append(seconds)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _budgets.pop()
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: types.FrameType | None) -> Any:
    task, kernel = CURRENT.task, CURRENT.kernel
    if task is None or kernel is None or greenlet.getcurrent() is not task.green or frame is None:
        return
    error = StuckError(f"thread {task.name} never waits; it was in {site_of(frame)}")
    kernel.failures.append((task.host, error))
    set_aside(task)
    greenlet.getcurrent().parent.switch()

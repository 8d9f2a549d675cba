"""The ends of threads: one that is told to end, one that cannot be, all of a run that is over.

The one insight: a greenlet that is left suspended keeps its stack for ever, so each is ended by an
exception thrown into it, but only when the run is over and nothing it does on its way out counts.

Not here: a crash, which ends nothing (`kernel.py`); a thread that never waits (`watchdog.py`).
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

import greenlet

from demi.interpose.garbage import enough, sweep, unheard
from demi.interpose.threads.hosts import CURRENT, Task, set_aside

if TYPE_CHECKING:
    from demi.interpose.threads.kernel import Kernel
    from demi.interpose.threads.placing import Place

_KILLS_MAX = 50  # a thread that catches its own end this often is left where it is


def bury(kernel: Kernel, tasks: Iterable[Task]) -> None:
    """End all greenlets of a run that is over."""
    CURRENT.dying = True
    kept = CURRENT.kernel, CURRENT.host, CURRENT.task
    formats = traceback.format_exc  # programs print what ends their threads, at length
    vars(traceback)["format_exc"] = lambda *args, **kwargs: ""
    try:
        for task in tasks:
            green = task.green
            if green and not green.dead:
                task.slot = 0
                CURRENT.kernel, CURRENT.host, CURRENT.task = kernel, task.host, task
                green.parent = greenlet.getcurrent()
                green.switch()  # it waits in `Kernel.block`, and ends there
    finally:
        vars(traceback)["format_exc"] = formats
        CURRENT.dying = False
        CURRENT.kernel, CURRENT.host, CURRENT.task = kept


def let_go(place: Place) -> None:
    """Between runs: collect what those that are over left, when there is enough; nothing of it counts."""
    if enough():
        with place.inside(), unheard():
            CURRENT.dying = True
            try:
                sweep()
            finally:
                CURRENT.dying = False


def die() -> bool:
    """The running thread, whose run is over, would wait: it ends here."""
    task = CURRENT.task
    if task is not None:
        task.slot += 1  # kills so far; the slot is not needed any more
        if task.slot > _KILLS_MAX:
            set_aside(task)
            greenlet.getcurrent().parent.switch()
    raise greenlet.GreenletExit

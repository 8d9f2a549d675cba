"""What is left of a run: tasks, coroutines and transports that will never go on.

The one insight: collecting garbage runs code of the program (`finally`, `__del__`), so it is off during a
run and done between runs, inside a dead host that can reach nothing, with its complaints unheard; and
only when there is enough of it, for a collection costs more than a short run.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from demi.interpose.aio.host import HOST, Host

YOUNG_MAX = 150_000  # objects made and not freed since the last collection
_open: list[bool] = []  # one per world: was the collector on before?


def open_for_runs() -> None:
    """Switch the collector off; worlds may nest."""
    _open.append(gc.isenabled())
    gc.disable()


def close_for_runs() -> None:
    """Undo one `open_for_runs`."""
    if _open.pop() and not any(_open):
        gc.enable()


def bury(hosts: Sequence[Host], graves: list[object], all_of_it: bool) -> None:
    """Let go of dead hosts.  all_of_it: collect now, at the end of the last run."""
    if not hosts and not all_of_it:
        return
    for host in hosts:
        for task in host.tasks:
            setattr(task, "_log_destroy_pending", False)
    context = hosts[0].context.copy() if hosts else contextvars.copy_context()
    context.run(_let_go, hosts, graves, all_of_it)


def _let_go(hosts: Sequence[Host], graves: list[object], all_of_it: bool) -> None:
    heard, sys.unraisablehook = sys.unraisablehook, _unheard
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for host in hosts:
                host.reads = 0
                host.tasks.clear()
                host.streams.clear()
                host.udp.clear()
                host.listeners.clear()
                host.state = None
            graves.clear()
            if all_of_it or gc.get_count()[0] > YOUNG_MAX:
                gc.collect()
    except BaseException:
        if HOST.get() is None:
            raise
    finally:
        sys.unraisablehook = heard


def _unheard(unraisable: Any) -> None:
    """A dead program's last words."""

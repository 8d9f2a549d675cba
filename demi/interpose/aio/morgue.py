"""What is left of a run: tasks, coroutines and transports that will never go on.

The one insight: collecting garbage runs code of the program (`finally`, `__del__`), so it is off during a
run and done between runs, inside a dead host that can reach nothing, with its complaints unheard; only
when there is enough of it, and only among what the runs made, for it costs more than a short run.  Enough
is little: what was touched lately is still in the processor's cache, and costs a third to look at.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import warnings
from typing import Any

from demi.interpose.aio.host import Host

YOUNG_MAX = 15_000  # objects made and not freed since the last collection
_open: list[bool] = []  # one per world: was the collector on before?


def open_for_runs() -> None:
    """Switch the collector off; worlds may nest."""
    _open.append(gc.isenabled())
    gc.disable()


def close_for_runs() -> None:
    """Undo one `open_for_runs`."""
    enabled = _open.pop()
    if not _open:
        gc.unfreeze()
    if enabled and not any(_open):
        gc.enable()


def bury(hosts: list[Host], graves: list[Any], all_of_it: bool) -> None:
    """Let go of dead hosts and empty both lists.  all_of_it: collect now, at the end of the last run."""
    if not hosts and not all_of_it:
        return
    context = hosts[0].context.copy() if hosts else contextvars.copy_context()
    heard, sys.unraisablehook = sys.unraisablehook, _unheard
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context.run(_let_go, hosts, graves, all_of_it)
    finally:
        sys.unraisablehook = heard


def _let_go(hosts: list[Host], graves: list[Any], all_of_it: bool) -> None:
    while hosts:
        _empty(hosts.pop())
    graves.clear()
    if all_of_it:
        if len(_open) > 1:
            gc.unfreeze()  # another world may have frozen what was alive here
        gc.collect()
    elif gc.get_count()[0] > YOUNG_MAX:
        gc.collect()
        gc.freeze()  # what is left outlives runs (modules, above all): no need to look at it again


def _empty(host: Host) -> None:
    for task in host.tasks:
        silent: Any = task
        silent._log_destroy_pending = False
    host.reads = 0
    for part in (host.tasks, host.streams, host.udp, host.listeners, host.modules):
        part.clear()
    host.state = None
    loop: Any = host.loop
    loop.timers = loop.wires = None  # the context we run in still knows the host
    loop.ready.clear()


def _unheard(unraisable: Any) -> None:
    """A dead program's last words."""

"""What is left of a run: tasks, coroutines and transports that will never go on.

The one insight: what a dead task does on its way out may not reach anything, so it is let go inside a
dead host, with its complaints unheard.

Not here: when garbage is collected (`interpose/garbage.py`).
"""

from __future__ import annotations

import contextvars
from typing import Any

from demi.interpose.aio.host import Host
from demi.interpose.garbage import enough, sweep, sweep_all, unheard


def bury(hosts: list[Host], graves: list[Any], all_of_it: bool) -> None:
    """Let go of dead hosts and empty both lists.  all_of_it: collect now, at the end of the last run."""
    if not hosts and not all_of_it:
        return
    context = hosts[0].context.copy() if hosts else contextvars.copy_context()
    with unheard():
        context.run(_let_go, hosts, graves, all_of_it)


def _let_go(hosts: list[Host], graves: list[Any], all_of_it: bool) -> None:
    while hosts:
        _empty(hosts.pop())
    graves.clear()
    if all_of_it:
        sweep_all()
    elif enough():
        sweep()


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

"""Threads and hosts as things, and whose code runs now.

The one insight: one process runs all nodes, so "now", "here" and "my random numbers" mean something only
when it is known whose code runs; `CURRENT` says it, and every stand-in asks there.

Not here: running them (`kernel.py`).
"""

from __future__ import annotations

import re
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from demi.errors import ContractError
from demi.interpose.actor import Stream, stream_seed
from demi.interpose.sites import call_site
from demi.interpose.timers import timer_slot

if TYPE_CHECKING:
    from demi.interpose.threads.kernel import Kernel

_NOT_IN_A_WORD = re.compile(r"[^\w.-]")
_LEFT: list[Any] = []  # greenlets that cannot be ended; they stay suspended for ever


class Task:
    """One thread.  waits: what it waits for, for reports; lock: the lock it waits for, if that."""

    __slots__ = ("args", "deadline", "done", "func", "green", "host", "ident", "key", "kwargs", "lock",
                 "name", "nth", "ready", "sentinel", "slot", "waits", "woken")  # fmt: skip

    def __init__(
        self, host: Host, ident: int, name: str, func: Any, args: Any, kwargs: Any
    ) -> None:
        self.host, self.ident, self.name = host, ident, name
        self.func, self.args, self.kwargs = func, args, kwargs
        self.slot = timer_slot(name)
        self.key = host.index, self.slot  # of its timer
        self.deadline: float | None = None  # of the timer that is armed
        self.nth = -1  # arming of that timer; of all that were named so, the last
        self.woken = self.done = False
        self.ready = True
        self.waits = "its first step"
        self.lock: Any = None
        self.sentinel: Any = None
        self.green: Any = None


class Seat:
    """Where a thread waits again and again for the same things; task: the one that does now."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: Task | None = None


class Host:
    """One node: its threads, descriptors, random stream and address.  clock: which of the kernel's."""

    def __init__(self, index: int, name: str, clock: int = 0) -> None:
        self.index, self.name, self.clock = index, name, clock
        self.address = f"10.0.{index // 250}.{index % 250 + 1}"
        self.epoch = 0
        self.changes = 0  # of `fds`, ever
        self.durable: dict[str, Any] = {}  # survives a crash; for what stands for the disk
        self.past: list[object] = []  # what came in since `history` was last asked for
        self._history = blake2b(digest_size=12)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """A machine that has just been switched on."""
        self.up = False
        self.random = Stream(
            stream_seed(seed, f"{self.name}/{self.epoch}" if self.epoch else self.name)
        )
        self.tasks: list[Task] = []  # alive, in order of their start
        self.runnable: deque[Task] = deque()
        self.idents = self.index * 1_000_000 + 1
        self.main_ident = self.idents
        self.fds: dict[int, Any] = {}
        self.changes += 1
        self.next_fd = 1000
        self.next_port = 49152
        self.listening: dict[int, Any] = {}
        self.handlers: dict[int, Any] = {}  # of signals
        self.socket_timeout: float | None = None  # of new sockets
        self.ended = ""  # how it ended its own process: `signal 15`, `code 3`

    def history(self) -> bytes:
        """Digest of all that came in, in order, since the run began: what the node is follows from it."""
        for one in self.past:
            self._history.update(f"{one!r};".encode("utf-8", "surrogatepass"))
        self.past.clear()
        return self._history.digest()

    def begin(self, seed: int) -> None:
        """A run begins."""
        self.epoch, self._history = 0, blake2b(digest_size=12)
        self.durable.clear()
        self.past.clear()
        self.reset(seed)

    def __repr__(self) -> str:
        return f"<host {self.name}>"


class Current:
    """Whose code runs now; what the stand-ins ask.

    now: the host's clock, which stands still while its code runs.
    """

    __slots__ = ("dying", "host", "kernel", "now", "task")

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self.host: Host | None = None
        self.task: Task | None = None
        self.now = 0.0
        self.dying = False


CURRENT = Current()


def here() -> Host:
    """The node whose code runs.  Raises ContractError outside of any."""
    host = CURRENT.host
    if host is None:
        raise ContractError(
            "a held program was called outside a step",
            where=call_site(2),
            remedy="call it from a thread of a node",
        )
    return host


def set_aside(task: Task) -> None:
    """Leave a thread where it is, for ever: it cannot be ended."""
    task.done = True
    if task in task.host.tasks:
        task.host.tasks.remove(task)
    _LEFT.append(task.green)


def deadlock(host: Host) -> list[Task]:
    """Threads of a host that wait for one another's locks in a ring; [] when there are none."""
    for first in host.tasks:
        ring, task = [], first
        while task is not None and task.lock is not None and task not in ring:
            ring.append(task)
            task = task.lock.owner
        if task is not None and task in ring:
            return ring[ring.index(task) :]
    return []


def name_of(func: Any) -> str:
    """What a thread runs, as a word."""
    owner = getattr(func, "__self__", None)
    target = getattr(owner, "_target", None)
    if target is not None:
        func = target
    elif owner is not None and getattr(func, "__name__", "") == "_bootstrap":
        return type(owner).__name__
    func = getattr(func, "func", func)  # a partial
    word = getattr(func, "__name__", None) or type(func).__name__
    return word if word.isidentifier() else _NOT_IN_A_WORD.sub("_", word) or "thread"

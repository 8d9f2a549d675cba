"""The stand-in for `_thread`: locks and threads, under the real `threading`, `queue` and the rest.

The one insight: all that `threading.py` needs from the interpreter is a lock, a start and an identity, so
with those three held the library above runs as it is written, conditions, barriers, timers and all.

A released lock is free for whoever comes next: all that wait for it are woken and compete, so who gets it
is a choice.  Not here: memory races between two blocks, which cannot happen here.
"""

from __future__ import annotations

import _thread
from types import SimpleNamespace, TracebackType
from typing import Any

import greenlet

from demi.interpose.stand_in import StandIn
from demi.interpose.threads.hosts import CURRENT, Task, here
from demi.interpose.threads.kernel import kernel


class Lock:
    """`_thread.lock`.  owner: the thread that took it, for deadlock reports."""

    __slots__ = ("__weakref__", "_held", "_watch", "owner")

    def __init__(self) -> None:
        self._held = False
        self._watch: list[Task] = []
        self.owner: Task | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._held:
            if not blocking or CURRENT.dying:
                return False
            task = CURRENT.task
            if task is not None:
                task.lock = self
            try:
                free = kernel().wait(
                    [self._watch],
                    lambda: not self._held,
                    None if timeout < 0 else timeout,
                    "a lock",
                )
            finally:
                if task is not None:
                    task.lock = None
            if not free:
                return False
        self._held = True
        self.owner = CURRENT.task
        return True

    def release(self) -> None:
        if not self._held:
            if CURRENT.dying:
                return
            raise RuntimeError("release unlocked lock")
        self._held = False
        self.owner = None
        if self._watch:
            kernel().notify(self._watch)

    def locked(self) -> bool:
        return self._held

    def reset(self) -> None:
        """Free again: the process that held it is gone."""
        self._held, self.owner = False, None
        self._watch.clear()

    def save(self) -> bool:
        """For `load`: is it held?"""
        return self._held

    def load(self, held: bool) -> None:
        """As it was at `save`; nobody waits for it."""
        self.reset()
        self._held = held

    _at_fork_reinit = reset
    acquire_lock, release_lock, locked_lock = acquire, release, locked
    __enter__ = acquire

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


class RLock:
    """`_thread.RLock`."""

    __slots__ = ("__weakref__", "_count", "_lock", "_owner")

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = get_ident()
        if self._owner == me:
            self._count += 1
            return True
        if not self._lock.acquire(blocking, timeout):
            return False
        self._owner, self._count = me, 1
        return True

    def release(self) -> None:
        if self._owner != get_ident():
            if CURRENT.dying:
                return
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()

    def reset(self) -> None:
        """Free again."""
        self._lock.reset()
        self._owner, self._count = None, 0

    def save(self) -> tuple[bool, int | None, int]:
        """For `load`."""
        return self._lock.save(), self._owner, self._count

    def load(self, saved: tuple[bool, int | None, int]) -> None:
        """As it was at `save`."""
        self._lock.load(saved[0])
        _, self._owner, self._count = saved

    _at_fork_reinit = reset

    def _is_owned(self) -> bool:
        return self._owner == get_ident()

    def _recursion_count(self) -> int:
        return self._count if self._owner == get_ident() else 0

    def _release_save(self) -> tuple[int, int | None]:
        saved = self._count, self._owner
        self._count, self._owner = 0, None
        self._lock.release()
        return saved

    def _acquire_restore(self, saved: tuple[int, int | None]) -> None:
        self._lock.acquire()
        self._count, self._owner = saved

    __enter__ = acquire

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def get_ident() -> int:
    """The identity of the running thread; the node's main one while it is imported or observed."""
    task = CURRENT.task
    if task is not None:
        return task.ident
    host = CURRENT.host
    return 1 if host is None else host.main_ident


def start_new_thread(func: Any, args: Any, kwargs: Any = None) -> int:
    """A thread of the running node."""
    return kernel().spawn(here(), func, args, kwargs).ident


def _set_sentinel() -> Lock:
    lock = Lock()
    if CURRENT.task is not None:
        CURRENT.task.sentinel = lock
    return lock


def _excepthook(args: Any) -> None:
    """A thread ended with an exception: it surfaces."""
    if args.exc_type is not SystemExit and args.exc_value is not None:
        kernel().failed(here(), args.exc_value)


def _exit() -> None:
    raise SystemExit


def _stack_size(size: int = 0) -> int:
    return 0


def thread_module() -> StandIn:
    """The stand-in for `_thread`."""
    offers = {
        "start_new_thread": start_new_thread, "start_new": start_new_thread,
        "allocate_lock": Lock, "allocate": Lock, "LockType": Lock, "lock": Lock, "RLock": RLock,
        "get_ident": get_ident, "get_native_id": get_ident, "_set_sentinel": _set_sentinel,
        "_excepthook": _excepthook, "_ExceptHookArgs": lambda args: SimpleNamespace(
            exc_type=args[0], exc_value=args[1], exc_traceback=args[2], thread=args[3]),
        "exit": _exit, "exit_thread": _exit, "stack_size": _stack_size, "error": RuntimeError,
        "_count": lambda: len(here().tasks), "daemon_threads_allowed": lambda: True,
        "_is_main_interpreter": lambda: True,
    }  # fmt: skip
    return StandIn("_thread", offers, _thread, absent=["_local"])


def hold_threading(module: Any) -> None:
    """A freshly imported `threading` that sees what leaves a thread's function, whoever swallows it."""
    plain = module.Thread.run

    def run(self: Any) -> None:
        try:
            plain(self)
        except (SystemExit, greenlet.GreenletExit):
            raise
        except BaseException as error:
            kernel().failed(here(), error)
            raise

    module.Thread.run = run

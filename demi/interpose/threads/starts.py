"""The stand-in for `_thread`: threads started, told apart and joined, under the real `threading`.

The one insight: all that `threading.py` needs from the interpreter is a lock, a start and an identity, so
with those three held the library above runs as it is written, conditions, barriers, timers and all.

Up to Python 3.12 `threading` joins a thread by a lock that it holds, from 3.13 on by its handle.
Not here: locks (`locks.py`).
"""

from __future__ import annotations

import _thread
from types import SimpleNamespace
from typing import Any

import greenlet

from demi.interpose.stand_in import StandIn
from demi.interpose.threads.hosts import CURRENT, Task, here
from demi.interpose.threads.kernel import kernel
from demi.interpose.threads.local import Local
from demi.interpose.threads.locks import Lock, RLock, get_ident


def start_new_thread(func: Any, args: Any, kwargs: Any = None) -> int:
    """A thread of the running node."""
    return kernel().spawn(here(), func, args, kwargs).ident


def _set_sentinel() -> Lock:
    lock = Lock()
    if CURRENT.task is not None:
        CURRENT.task.sentinel = lock
    return lock


class Handle:
    """`_thread._ThreadHandle`, by which `threading` joins its threads from Python 3.13 on."""

    def __init__(self, ident: int = 0) -> None:
        self.ident = ident
        self._runs = Lock()  # held while it does
        self._begun = bool(ident)

    def begin(self, task: Task) -> None:
        """It is this thread's."""
        if self._begun:
            raise RuntimeError("thread already started")
        self.ident, self._begun = task.ident, True
        self._runs.acquire()
        self._runs.owner = task
        task.sentinel = self._runs

    def is_done(self) -> bool:
        return self._begun and self.ident != here().main_ident and not self._runs.locked()

    def _set_done(self) -> None:
        if self._runs.locked():
            self._runs.release()

    def join(self, timeout: float | None = None) -> None:
        if not self._begun:
            raise RuntimeError("thread not started")
        if self._runs.acquire(timeout=-1 if timeout is None or timeout < 0 else timeout):
            self._runs.release()


def start_joinable_thread(
    func: Any, *, handle: Handle | None = None, daemon: bool = True
) -> Handle:
    """A thread of the running node, and what it is joined by."""
    found = handle or Handle()
    found.begin(kernel().spawn(here(), func))
    return found


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
        "_is_main_interpreter": lambda: True, "_ThreadHandle": Handle, "_make_thread_handle": Handle,
        "start_joinable_thread": start_joinable_thread, "_shutdown": lambda: None,
        "_get_main_thread_ident": lambda: here().main_ident, "_local": Local,
    }  # fmt: skip
    return StandIn("_thread", offers, _thread)


def _set_tstate_lock(self: Any) -> None:
    """As in `threading.py`, less the list of threads for which the interpreter waits when it ends."""
    self._tstate_lock = _set_sentinel()
    self._tstate_lock.acquire()


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
    if hasattr(module, "_shutdown_locks"):  # up to Python 3.12
        module.Thread._set_tstate_lock = _set_tstate_lock

"""Locks of held threads.

The one insight: a released lock is free for whoever comes next: all that wait for it are woken and compete,
so who gets it is a choice.

Not here: memory races between two blocks, which cannot happen here.
"""

from __future__ import annotations

from types import TracebackType

from demi.interpose.threads.hosts import CURRENT, Task
from demi.interpose.threads.kernel import kernel


class Lock:
    """`_thread.lock`.  owner: the thread that took it, for deadlock reports."""

    __slots__ = ("__weakref__", "_held", "_watch", "owner")

    def __init__(self) -> None:
        self._held = False
        self._watch: list[Task] = []
        self.owner: Task | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._held and (not blocking or CURRENT.dying or not self._comes_free(timeout)):
            return False
        self._held = True
        self.owner = CURRENT.task
        return True

    def _comes_free(self, timeout: float) -> bool:
        """Wait until nobody holds it, at most so many seconds, negative for ever."""
        held, task = kernel(), CURRENT.task
        if task is None:
            return held.block(None, "a lock")  # raises
        task.lock = self
        try:
            left = None if timeout < 0 else timeout
            return held.wait(self._watch, self._free, left, "a lock")
        finally:
            task.lock = None

    def _free(self) -> bool:
        return not self._held

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

    def _acquire_restore(self, saved: object) -> None:
        self.acquire()

    _release_save, _is_owned = release, locked  # as `threading.Condition` does for a lock without
    _at_fork_reinit = reset
    acquire_lock, release_lock, locked_lock = acquire, release, locked
    __enter__ = acquire

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch or not self._held:
            self.release()
        self._held = False
        self.owner = None


class RLock:
    """`_thread.RLock`."""

    __slots__ = ("__weakref__", "_count", "_lock", "_owner")

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: int | None = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        task = CURRENT.task
        me = get_ident() if task is None else task.ident
        if self._owner == me:
            self._count += 1
            return True
        if not self._lock.acquire(blocking, timeout):
            return False
        self._owner, self._count = me, 1
        return True

    def release(self, *left: object) -> None:
        """left: what `with` says of its end."""
        task = CURRENT.task
        if self._owner != (get_ident() if task is None else task.ident):
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

    __enter__, __exit__ = acquire, release


def get_ident() -> int:
    """The identity of the running thread; the node's main one while it is imported or observed."""
    task = CURRENT.task
    if task is not None:
        return task.ident
    host = CURRENT.host
    return 1 if host is None else host.main_ident

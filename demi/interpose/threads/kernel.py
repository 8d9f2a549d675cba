"""Threads as greenlets, and the one place where a held thread waits.

The one insight: if every blocking call of a program ends in `block`, then between two blocks a thread is
one uninterrupted piece of one node, and who goes next is a decision of ours: quiescence is not guessed,
it is "no thread can run".

A waiting thread with a timeout is an armed timer, named by its thread.  Threads are named by what they
run (`handle`, `handle.2`), never by a counter of the process.  A crash drops greenlets without running
their clean-up code; they are ended when the run is over.
Not here: what a thread and a host are (`hosts.py`), stand-ins (siblings), which thread or timer goes
next (`world.py`, or a holder's own loop).
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import greenlet

from demi.errors import ContractError, DemiError
from demi.interpose.escapes import call_site
from demi.interpose.threads.hosts import CURRENT, Host, Task, here, name_of, set_aside
from demi.interpose.timers import Armed

CLOCK_READS_MAX = 20_000  # clock reads or empty polls of one thread between two blocks
SPIN_SECONDS = 0.05  # what a thread that spins on the clock is made to wait then
_KILLS_MAX = 50  # a thread that catches its own end this often is left where it is


def kernel() -> Kernel:
    """The kernel whose node runs."""
    here()
    assert CURRENT.kernel is not None
    return CURRENT.kernel


class Kernel:
    """All threads of all hosts of one run.  shared: one clock for all hosts, else one each.

    armed: timers, as `demi.interpose.timers` wants them.  on_arm, on_disarm, on_ready: told of changes.
    """

    def __init__(self, names: Sequence[str], *, shared: bool = True) -> None:
        self.hosts = [Host(i, name) for i, name in enumerate(names)]
        self.by_address: dict[str, Host] = {}
        for host in self.hosts:
            self.by_address[host.name] = self.by_address[host.address] = host
        self.shared = shared
        self.on_arm: Callable[[Task, int], None] = lambda task, n: None
        self.on_disarm: Callable[[Task, int], None] = lambda task, n: None
        self.on_ready: Callable[[Task], None] = lambda task: None
        self.network: Any = None
        self.reset(0)

    def reset(self, seed: int) -> None:
        """End all threads of the last run and start over."""
        if hasattr(self, "graves"):
            self._bury()
        self.seed = seed
        self.graves: list[Task] = []
        self.clocks = [0.0] * len(self.hosts)
        self.armed: Armed = {}
        self.armings: dict[tuple[int, int], int] = {}
        self.sleepers: dict[tuple[int, int], Task] = {}
        self.failures: list[tuple[Host, BaseException]] = []
        self.spins = 0
        self.spun: list[str] = []
        for host in self.hosts:
            host.epoch = 0
            host.durable.clear()
            host.reset(seed)

    # ---- clocks

    def now(self, host: Host) -> float:
        """Virtual seconds at a host."""
        return self.clocks[0 if self.shared else host.index]

    def advance(self, host: Host, to: float) -> None:
        """Move a host's clock forward, never back."""
        at = 0 if self.shared else host.index
        self.clocks[at] = max(self.clocks[at], to)

    def spin(self) -> None:
        """A thread read the clock or polled without waiting: too often, and it is made to wait."""
        self.spins += 1
        if self.spins > CLOCK_READS_MAX and CURRENT.task is not None and not CURRENT.dying:
            self.spun.append(call_site(2))
            self.block(SPIN_SECONDS, "the clock it spins on")

    # ---- threads

    def spawn(
        self, host: Host, func: Any, args: Any = (), kwargs: Any = None, name: str = ""
    ) -> Task:
        """A new thread, ready to run."""
        base = name or name_of(func)
        taken = {task.name for task in host.tasks}
        name, k = base, 1
        while name in taken:
            k += 1
            name = f"{base}.{k}"
        task = Task(host, host.idents, name, func, args, kwargs or {})
        host.idents += 1
        task.green = greenlet.greenlet(self._main)
        host.tasks.append(task)
        host.runnable.append(task)
        self.on_ready(task)
        return task

    def _main(self, task: Task) -> None:
        try:
            task.func(*task.args, **task.kwargs)
        except (SystemExit, greenlet.GreenletExit):
            pass
        except BaseException as error:
            self.failed(task.host, error)
        task.done = True
        if not CURRENT.dying:
            if task in task.host.tasks:
                task.host.tasks.remove(task)
            if task.sentinel is not None and task.sentinel.locked():
                task.sentinel.release()

    def failed(self, host: Host, error: BaseException) -> None:
        """A thread's function raised; told once, by whoever sees it first."""
        if not CURRENT.dying and all(known is not error for _, known in self.failures):
            self.failures.append((host, error))

    def run(self, task: Task) -> None:
        """Let a runnable thread go on until it waits or ends."""
        host = task.host
        host.runnable.remove(task)
        task.ready = False
        kept = CURRENT.kernel, CURRENT.host, CURRENT.task
        CURRENT.kernel, CURRENT.host, CURRENT.task = self, host, task
        self.spins = 0
        green = task.green
        try:
            if green.dead or green:
                green.parent = greenlet.getcurrent()
                green.switch()
            else:
                green.parent = greenlet.getcurrent()
                green.switch(task)
        finally:
            CURRENT.kernel, CURRENT.host, CURRENT.task = kept

    def settle(self, host: Host, limit: int = 1_000_000) -> int:
        """Run a host's threads in the order they became ready until all wait; returns how many pieces."""
        done = 0
        while host.runnable and done < limit and not host.ended:
            self.run(host.runnable[0])
            done += 1
        return done

    def block(self, timeout: float | None = None, waits: str = "") -> bool:
        """The running thread waits, at most `timeout` virtual seconds; False when they passed."""
        task = CURRENT.task
        if CURRENT.dying:
            return self._die()
        if task is None:
            raise ContractError(
                f"a call would wait for {waits or 'something'} outside any thread, for ever",
                where=call_site(2),
                remedy="nothing may block while a module is imported or an observer looks",
            )
        task.woken = False
        task.waits = waits
        if timeout is not None:
            self._arm(task, self.now(task.host) + max(0.0, timeout))
        self._away()
        self.spins = 0
        return task.woken

    def _away(self) -> None:
        """Leave the running thread; comes back when it is run again."""
        greenlet.getcurrent().parent.switch()
        if CURRENT.dying:
            self._die()

    def _die(self) -> bool:
        task = CURRENT.task
        if task is not None:
            task.slot += 1  # kills so far; the slot is not needed any more
            if task.slot > _KILLS_MAX:
                set_aside(task)
                greenlet.getcurrent().parent.switch()
        raise greenlet.GreenletExit

    def pause(self) -> None:
        """The running thread steps back behind the others that are ready."""
        task = CURRENT.task
        if task is not None and not CURRENT.dying:
            self._ready(task)
            task.woken, task.waits = True, "its turn"
            self._away()

    def wait(
        self,
        watches: Iterable[list[Task]],
        ready: Callable[[], Any],
        timeout: float | None,
        waits: str,
    ) -> bool:
        """Wait until `ready()`; the lists in `watches` name this thread meanwhile.  False: timed out."""
        if ready():
            return True
        task = CURRENT.task
        end = None if timeout is None else self.now(here()) + timeout
        watched = list(watches)
        while True:
            if task is not None:
                for watch in watched:
                    watch.append(task)
            try:
                woken = self.block(None if end is None else max(0.0, end - self.now(here())), waits)
            finally:
                for watch in watched:
                    if task in watch:
                        watch.remove(task)
            if ready():
                return True
            if not woken:
                return False

    def notify(self, watch: list[Task]) -> None:
        """Wake all threads of a list."""
        for task in watch[:]:
            self.wake(task)

    def wake(self, task: Task) -> None:
        """What a thread waited for may have come."""
        if not task.ready and not task.done and task is not CURRENT.task and not CURRENT.dying:
            task.woken = True
            self._disarm(task)
            self._ready(task)

    def _ready(self, task: Task) -> None:
        task.ready = True
        task.host.runnable.append(task)
        self.on_ready(task)

    # ---- timers

    def _arm(self, task: Task, deadline: float) -> None:
        key = (task.host.index, task.slot)
        n = self.armings.get(key, 0)
        self.armings[key] = n + 1
        task.deadline = deadline
        self.armed[key] = (n, task.name, deadline)
        self.sleepers[key] = task
        self.on_arm(task, n)

    def _disarm(self, task: Task) -> None:
        if task.deadline is not None:
            key = (task.host.index, task.slot)
            task.deadline = None
            del self.sleepers[key]
            self.on_disarm(task, self.armed.pop(key)[0])

    def fire(self, host: int, slot: int) -> Task:
        """A wait is over by time: the clock moves to its deadline; the thread becomes ready."""
        task = self.sleepers.pop((host, slot))
        del self.armed[host, slot]
        assert task.deadline is not None
        self.advance(task.host, task.deadline)
        task.deadline = None
        task.woken = False
        self._ready(task)
        return task

    def due(self) -> tuple[int, int] | None:
        """(host, slot) of the earliest timer; ties by host, then by thread name."""
        if not self.armed:
            return None
        return min(self.armed, key=lambda key: (self.armed[key][2], key[0], self.armed[key][1]))

    # ---- ends

    def crash(self, host: Host) -> None:
        """All threads of a host are gone; no clean-up code runs."""
        for task in host.tasks:
            self._disarm(task)
            self.graves.append(task)
        host.tasks, host.runnable = [], deque()
        host.up = False

    def _bury(self) -> None:
        """End all greenlets of a run that is over."""
        for host in self.hosts:
            self.graves += host.tasks
        CURRENT.dying = True
        kept = CURRENT.kernel, CURRENT.host, CURRENT.task
        formats = traceback.format_exc  # programs print what ends their threads, at length
        vars(traceback)["format_exc"] = lambda *args, **kwargs: ""
        try:
            for task in self.graves:
                green = task.green
                if green and not green.dead:
                    task.slot = 0
                    CURRENT.kernel, CURRENT.host, CURRENT.task = self, task.host, task
                    green.parent = greenlet.getcurrent()
                    green.throw(greenlet.GreenletExit)
        finally:
            vars(traceback)["format_exc"] = formats
            CURRENT.dying = False
            CURRENT.kernel, CURRENT.host, CURRENT.task = kept
        self.graves = []

    def deadlock(self, host: Host) -> list[Task]:
        """Threads of a host that wait for one another's locks in a ring; [] when there are none."""
        for first in host.tasks:
            ring, task = [], first
            while task is not None and task.lock is not None and task not in ring:
                ring.append(task)
                task = task.lock.owner
            if task is not None and task in ring:
                return ring[ring.index(task) :]
        return []

    def raise_own(self) -> None:
        """Errors of ours that a thread ended with are not the program's."""
        for _, error in self.failures:
            if isinstance(error, DemiError):
                raise error

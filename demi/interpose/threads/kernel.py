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

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import greenlet

from demi.errors import ContractError, DemiError
from demi.interpose.sites import call_site
from demi.interpose.threads.ends import bury, die
from demi.interpose.threads.hosts import CURRENT, Host, Task, here, name_of
from demi.interpose.threads.looks import LOOKS_MAX, rewind, unread
from demi.interpose.timers import Armed

SPIN_SECONDS = 0.05  # what a thread that spins on the clock is made to wait then
_now_running = greenlet.getcurrent
_LATER: Any = CURRENT  # the same after a switch, when it may say something else


def kernel() -> Kernel:
    """The kernel whose node runs."""
    found = CURRENT.kernel
    if found is None:
        here()  # raises
        raise AssertionError("a host runs without its kernel")
    return found


class Kernel:
    """All threads of all hosts of one run.  shared: one clock for all hosts, else one each.

    sleepers: the threads whose waits have a timeout, by (host, slot).  on_arm, on_disarm: told of changes.
    looked: some thread may have read the shared clock since this was set to False.
    """

    def __init__(self, names: Sequence[str], *, shared: bool = True) -> None:
        self.hosts = [Host(i, name, 0 if shared else i) for i, name in enumerate(names)]
        self._shared = shared
        self.by_address: dict[str, Host] = {}
        for host in self.hosts:
            self.by_address[host.name] = self.by_address[host.address] = host
        self.on_arm: Callable[[Task, int], None] = lambda task, n: None
        self.on_disarm: Callable[[Task, int], None] = lambda task, n: None
        self.network: Any = None
        self.failures: list[tuple[Host, BaseException]] = []
        self.spun: list[str] = []
        self.reset(0)

    def reset(self, seed: int) -> None:
        """End all threads of the last run and start over."""
        if hasattr(self, "graves"):
            bury(self, [*self.graves, *(task for host in self.hosts for task in host.tasks)])
        self.seed = seed
        self.graves: list[Task] = []  # of hosts that crashed
        self.clocks = [0.0] * len(self.hosts)
        self.armings: dict[tuple[int, int], int] = {}
        self.sleepers: dict[tuple[int, int], Task] = {}
        self.failures.clear()
        self.looked = False
        self.spun.clear()
        for host in self.hosts:
            host.begin(seed)

    # ---- clocks

    def now(self, host: Host) -> float:
        """Virtual seconds at a host."""
        return self.clocks[host.clock]

    def advance(self, host: Host, to: float) -> None:
        """Move a host's clock forward, never back."""
        self.clocks[host.clock] = max(self.clocks[host.clock], to)

    def spins(self) -> None:
        """A thread read the clock or polled too often without waiting, and is made to wait."""
        if CURRENT.task is not None and not CURRENT.dying:
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
        task.nth = self.armings.get(task.key, -1)
        host.idents += 1
        task.green = greenlet.greenlet(self._main)
        host.tasks.append(task)
        host.runnable.append(task)
        return task

    def _main(self, task: Task) -> None:
        try:
            task.func(*task.args, **task.kwargs)
        except (SystemExit, greenlet.GreenletExit):
            pass
        except BaseException as error:
            self.failed(task.host, error)
        task.done = True
        self.armings[task.key] = task.nth
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
        """Let a runnable thread go on until it waits or ends; its node's code is in place."""
        host, green, current = task.host, task.green, CURRENT
        runnable = host.runnable
        if runnable[0] is task:
            runnable.popleft()
        else:
            runnable.remove(task)
        task.ready = False
        outer = _now_running()
        if green.parent is not outer:
            green.parent = outer
        before = current.task
        current.task, current.now = task, self.clocks[host.clock]
        rewind(0)
        try:
            if green or green.dead:
                green.switch()
            else:
                green.switch(task)
        finally:
            current.task = before
            if self._shared and unread() <= LOOKS_MAX:
                self.looked = True

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
            return die()
        if task is None:
            raise ContractError(
                f"a call would wait for {waits or 'something'} outside any thread, for ever",
                where=call_site(2),
                remedy="nothing may block while a module is imported or an observer looks",
            )
        task.woken = False
        task.waits = waits
        if timeout is not None:
            now = self.clocks[task.host.clock]
            task.deadline = now + timeout if timeout > 0 else now
            key = task.key
            task.nth = n = task.nth + 1
            self.sleepers[key] = task
            self.on_arm(task, n)
        task.green.parent.switch()  # comes back when it is run again
        if _LATER.dying:
            die()
        return task.woken

    def pause(self) -> None:
        """The running thread steps back behind the others that are ready."""
        task = CURRENT.task
        if task is not None and not CURRENT.dying:
            task.host.runnable.append(task)
            task.woken, task.ready, task.waits = True, True, "its turn"
            task.green.parent.switch()
            if _LATER.dying:
                die()

    def wait(
        self, watch: list[Task], ready: Callable[[], Any], timeout: float | None, waits: str
    ) -> bool:
        """Wait until `ready()`, which it is not now; `watch` names this thread meanwhile.

        False: timed out.
        """
        end = None if timeout is None else self.now(here()) + timeout
        watches = (watch,)
        while True:
            woken = self.watch(watches, timeout, waits)
            if ready():
                return True
            if not woken:
                return False
            if end is not None:
                timeout = end - self.now(here())

    def watch(self, watches: Sequence[list[Task]], timeout: float | None, waits: str) -> bool:
        """Wait until one of the lists is notified or wait no longer, as `block`."""
        task = CURRENT.task
        if task is None:
            return self.block(timeout, waits)
        for watch in watches:
            watch.append(task)
        try:
            return self.block(timeout, waits)
        finally:
            for watch in watches:
                if watch and watch[-1] is task:
                    del watch[-1]
                elif task in watch:
                    watch.remove(task)

    def notify(self, watch: list[Task]) -> None:
        """Wake all threads of a list."""
        for task in watch:
            self.wake(task)

    def stir(self, thing: Any) -> None:
        """Wake all threads that wait for something with a descriptor."""
        for task in thing.watch:
            self.wake(task)
        for seat in thing.seats:
            if seat.task is not None:
                self.wake(seat.task)

    def wake(self, task: Task) -> None:
        """What a thread waited for may have come."""
        if not task.ready and not task.done and task is not CURRENT.task and not CURRENT.dying:
            task.woken = task.ready = True
            if task.deadline is not None:
                task.deadline = None
                del self.sleepers[task.key]
                self.on_disarm(task, task.nth)
            task.host.runnable.append(task)

    # ---- timers

    def armed(self) -> Armed:
        """As `demi.interpose.timers` wants them."""
        return {key: (t.nth, t.name, t.deadline or 0.0) for key, t in self.sleepers.items()}

    def fire(self, host: int, slot: int) -> Task:
        """A wait is over by time: the clock moves to its deadline; the thread becomes ready."""
        task = self.sleepers.pop((host, slot))
        deadline, clocks, clock = task.deadline, self.clocks, task.host.clock
        assert deadline is not None
        clocks[clock] = max(clocks[clock], deadline)
        task.deadline = None
        task.woken = False
        task.ready = True
        task.host.runnable.append(task)
        return task

    def due(self) -> tuple[int, int] | None:
        """(host, slot) of the earliest timer; ties by host, then by thread name."""
        if not self.sleepers:
            return None
        return min(self.sleepers.values(), key=lambda t: (t.deadline, t.key[0], t.name)).key

    # ---- ends

    def crash(self, host: Host) -> None:
        """All threads of a host are gone; no clean-up code runs."""
        for task in host.tasks:
            if task.deadline is not None:
                task.deadline = None
                del self.sleepers[task.key]
                self.on_disarm(task, task.nth)
            self.armings[task.key] = task.nth
            self.graves.append(task)
        host.tasks, host.runnable = [], deque()
        host.up = False

    def raise_own(self) -> None:
        """Errors of ours that a thread ended with are not the program's."""
        for _, error in self.failures:
            if isinstance(error, DemiError):
                raise error

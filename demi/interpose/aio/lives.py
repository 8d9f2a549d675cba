"""The lives of hosts in one run: starting, running to quiescence, ending.

The one insight: a crash runs no code of the program, so a host is ended by forgetting what would have
run next; the dead objects are kept to the end of the run, for freeing them would run code as well.

A host whose main raises is down (a failure of the run); one whose main returns has ended well.  A restart
makes a new host on the old disk.  Not here: which event happens when (`world.py`), which this is a part of.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from demi.errors import DemiError, TargetError
from demi.events import External
from demi.interpose.actor import Stream, stream_seed
from demi.interpose.actor_view import ActorView
from demi.interpose.aio import morgue
from demi.interpose.aio.disk import Disk
from demi.interpose.aio.faults import Faults
from demi.interpose.aio.guard import HostGuard
from demi.interpose.aio.host import HOST, Clock, Host, Stuck
from demi.interpose.aio.loop import HeldLoop
from demi.interpose.aio.modules import Modules, function
from demi.interpose.aio.service import Input, Service
from demi.interpose.aio.timers import Timers
from demi.interpose.aio.watch import Watch
from demi.interpose.escapes import pop, push
from demi.interpose.failures import failure_of, place_of
from demi.interpose.world import Step
from demi.oracle import Failure

set_running: Callable[[Any], None] = asyncio._set_running_loop
_OF_A_RUN = ("loop", "net", "wires", "timers", "_mains", "_view", "_outside", "_last", "current")


class Lives:
    """The half of `AsyncioWorld` that runs programs, over what that keeps."""

    names: Sequence[str]
    hosts: list[Host | None]
    clocks: list[Clock]
    loop: HeldLoop
    timers: Timers
    current: Step
    seed: int
    _services: Sequence[Service]
    _inputs: Mapping[str, Input]
    _prepare: Callable[[Host], None] | None
    _disks: list[Disk]
    _starts: list[int]
    _mains: list[Any]
    _dead: list[Host]
    _graves: list[object]
    _guard: HostGuard
    _modules: Modules
    _outside: Faults
    _view: ActorView
    _watch: Watch

    def start(self, node: int) -> None:
        """A host starts, or starts again on its disk."""
        name = self.names[node]
        peers = tuple(other for other in self.names if other != name)
        host = Host(self.loop, node, name, peers, self.seed, self._disks[node], self.clocks[node])
        host.incarnation = self._starts[node]
        self._starts[node] += 1
        if host.incarnation:  # another life, another stream
            host.random = Stream(stream_seed(self.seed, f"{name}~{host.incarnation}"))
        self.hosts[node] = host
        try:
            self.run(node, host.context.run, self._boot, host)
        except ImportError as error:
            raise missing(error, name) from error

    def _boot(self, host: Host) -> None:
        if self._prepare is not None:
            self._prepare(host)
        self._modules.fresh(host)
        main = self._services[host.index].main
        made = (function(host, main) if isinstance(main, str) else main)(host)
        self._mains[host.index] = self.loop.create_task(made)

    def stop(self, node: int, disk: str) -> None:
        """The host is gone without running any clean-up; disk: what is left of its files."""
        host = self.hosts[node]
        if host is None:
            return
        self.hosts[node] = self._mains[node] = None
        self._dead.append(host)
        self.current.wide = True
        ready = self.loop.ready
        for handle in tuple(ready):
            if handle.context.get(HOST) is host:
                ready.remove(handle)
                self._graves.append(handle)
        self.timers.drop_host(node)
        for end in host.streams:
            end.vanish()
        self._disks[node].crash(disk, host.random.randrange)
        self._view.forget(node)
        self._outside.refresh()

    def _fail(self, node: int, error: BaseException) -> None:
        """The program of a host came to an end that it should not come to."""
        if isinstance(error, DemiError):
            raise error
        name = self.names[node]
        if isinstance(error, ImportError):
            raise missing(error, name) from error
        if isinstance(error, SystemExit) and not error.code:
            self.stop(node, "process")
            return
        self._graves.append(error)
        if isinstance(error, Stuck):
            place = error.where.rsplit(":", 1)[0].rsplit(".", 1)[-1]
            self.current.failure = Failure(name, error.name, error.where, error.what, place)
        else:
            self.current.failure = failure_of(name, error)
        self.stop(node, "process")

    def alive(self, node: int) -> bool:
        """Is the host up?"""
        return self.hosts[node] is not None

    def _up(self, node: int) -> Host | None:
        return self.hosts[node]

    def run(self, node: int, function: Callable[..., Any], *args: Any) -> Any:
        """Call something for a host and run it to quiescence."""
        host = self.hosts[node]
        if host is None:
            return function(*args)
        if self._modules.roots:
            self._modules.enter(host)
        host.reads = 0
        watch, loop = self._watch, self.loop
        watch.ticks += 1
        watch.running = True
        push(self._guard)
        set_running(loop)
        try:
            result = function(*args)
            loop.drain()
            if loop.refusals:
                raise loop.refusals[0]
            return result
        except (Stuck, SystemExit) as error:
            self._fail(node, error)
        except DemiError:
            raise
        except Exception as error:  # a callback of a timer
            host.context.run(
                loop.call_exception_handler,
                {"message": "exception in a callback", "exception": error},
            )
            loop.drain()
        finally:
            watch.running = False
            set_running(None)
            pop()
        return None

    def input_now(self, node: int, external: External) -> None:
        """An input of the target's own reaches its host."""
        host = self.hosts[node]
        assert host is not None  # a precondition
        call = self._inputs[external.label]
        self.run(node, host.context.run, self._input, host, call, external.args)

    def _input(self, host: Host, call: Input, args: Any) -> None:
        try:
            made = call(host, args)
        except Exception as error:
            _noted(host, error)
            return
        if inspect.iscoroutine(made):
            self.loop.create_task(made).add_done_callback(_told)

    def _bury(self, all_of_it: bool) -> None:
        gone = [*self._dead, *[host for host in self.hosts if host is not None]]
        if gone:
            self.loop.dead = True
        self.hosts[:] = []
        self._dead.clear()
        for name in _OF_A_RUN:
            self._graves.append(self.__dict__.pop(name, None))
        morgue.bury(gone, self._graves, all_of_it)


def missing(error: ImportError, host: str) -> TargetError:
    """A package is not there."""
    name = (error.name or "").split(".")[0]
    return TargetError(
        f"host {host} needs a package that is not installed: {error}",
        where=place_of(error.__traceback__),
        remedy=f"pip install {name}" if name else "install it",
    )


def _told(task: Any) -> None:
    """An input has ended."""
    host = HOST.get()
    if host is not None and not task.cancelled() and task.exception() is not None:
        _noted(host, task.exception())


def _noted(host: Host, error: Exception) -> None:
    """An input that failed says so in the trace: clients fail all the time, but not for want of a package."""
    if isinstance(error, DemiError):
        raise error
    if isinstance(error, ImportError):
        raise missing(error, host.name) from error
    host.note(f"input raised {type(error).__name__}: {error}")

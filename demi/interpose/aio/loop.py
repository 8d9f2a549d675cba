"""An event loop without selector: a ready queue that is run dry, and timers that somebody else fires.

The one insight: a callback is run in its own context, so the queue needs no notion of hosts and a turn
costs what asyncio's own loop costs, however many callbacks are ready.

Order within a host is asyncio's own (first in, first out).  Not here: when a timer may fire (`timers.py`),
what would leave the process and is refused (`refused.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from demi.errors import DemiError
from demi.interpose.aio import sockets
from demi.interpose.aio.host import HOST, Stuck, host_of
from demi.interpose.aio.refused import REFUSED, no_tls, refusing
from demi.interpose.notices import Notices

if TYPE_CHECKING:
    from demi.interpose.aio.timers import Timers
    from demi.interpose.aio.wires import Wires

CALLBACKS_MAX = 2_000_000  # in one step: more is a program that never comes to rest

_copy = contextvars.copy_context


class Ready:
    """A callback to be run; what asyncio calls a Handle."""

    __slots__ = ("args", "callback", "context")

    def __init__(
        self,
        callback: Callable[..., Any] | None,
        args: tuple[Any, ...],
        context: contextvars.Context,
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context

    def cancel(self) -> None:
        """Forget it."""
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        """Was it cancelled?"""
        return self.callback is None


class HeldLoop:
    """One loop for all hosts of one run.  hosts: name -> index."""

    def __init__(
        self, timers: Timers, wires: Wires, hosts: Mapping[str, int], notices: Notices
    ) -> None:
        self._self: Any = self  # with its type: see `make_loop`
        self.hosts = hosts
        self.ready: deque[Ready] = deque()
        self.timers = timers
        self.wires = wires
        self.notices = notices
        self.dead = False
        self.refusals: list[DemiError] = []  # what the program was refused, also what it caught
        self._handler: Any = None
        self._factory: Any = None

    # ---- callbacks

    def time(self) -> float:
        host = HOST.get()
        return 0.0 if host is None else host.monotonic()

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Ready(callback, args, _copy() if context is None else context)
        self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.timers.arm_after(delay, callback, args, context or _copy())

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.timers.arm(when, callback, args, context or _copy())

    def drain(self) -> None:
        """Run to quiescence.  Raises Stuck when there is none."""
        ready = self.ready
        popleft = ready.popleft
        for _ in range(CALLBACKS_MAX):
            if not ready:
                return
            handle = popleft()
            callback = handle.callback
            if callback is not None:
                try:
                    handle.context.run(callback, *handle.args)
                except (SystemExit, KeyboardInterrupt, Stuck, DemiError):
                    raise
                except BaseException as error:
                    self._raised(handle.context, callback, error)
        raise Stuck(
            "NeverRests",
            f"ran {CALLBACKS_MAX} callbacks in one step without waiting for anything",
            getattr(callback, "__qualname__", "?") if callback is not None else "?",
        )

    def call_now(
        self, context: contextvars.Context, callback: Callable[..., Any], *args: Any
    ) -> None:
        """What `call_soon` and `drain` do, at once: for the first callback of a step."""
        try:
            context.run(callback, *args)
        except (SystemExit, KeyboardInterrupt, Stuck, DemiError):
            raise
        except BaseException as error:
            self._raised(context, callback, error)

    def _raised(
        self, context: contextvars.Context, callback: Callable[..., Any], error: BaseException
    ) -> None:
        message = f"exception in callback {getattr(callback, '__qualname__', callback)}"
        context.run(self.call_exception_handler, {"message": message, "exception": error})

    # ---- futures and tasks

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self._self)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        if context is not None:
            host_of(context)
        if self._factory is not None:
            task = (
                self._factory(self, coro)
                if context is None
                else self._factory(self, coro, context=context)
            )
        elif context is None:
            task = asyncio.Task(coro, loop=self._self, name=name or "task")
        else:
            task = asyncio.Task(coro, loop=self._self, name=name or "task", context=context)
        host = HOST.get()
        if host is not None:
            host.keep(task)
        return task

    def set_task_factory(self, factory: Any) -> None:
        self._factory = factory

    def get_task_factory(self) -> Any:
        return self._factory

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        """Runs inline: a host has one thread."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def set_default_executor(self, executor: Any) -> None:
        """Executors run inline."""

    # ---- errors

    def get_exception_handler(self) -> Any:
        return self._handler

    def set_exception_handler(self, handler: Any) -> None:
        self._handler = handler

    def call_exception_handler(self, context: Any) -> None:
        if self.dead:
            return
        if self._handler is not None:
            self._handler(self, context)
        else:
            self.default_exception_handler(context)

    def default_exception_handler(self, context: Any) -> None:
        host, error = HOST.get(), context.get("exception")
        if host is not None:
            said = f": {type(error).__name__}: {error}" if error is not None else ""
            host.note(f"{context.get('message')}{said}")

    # ---- names and connections

    async def getaddrinfo(self, host: Any, port: Any, **options: Any) -> Any:
        return sockets.getaddrinfo(host, port, **options)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> Any:
        return sockaddr[0], str(sockaddr[1])

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        no_tls(options)
        return await self.wires.connect(protocol_factory, host, port, options.get("sock"))

    async def create_server(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any
    ) -> Any:
        no_tls(options)
        return self.wires.listen(protocol_factory, port, options.get("sock"))

    async def create_datagram_endpoint(
        self, protocol_factory: Any, local_addr: Any = None, remote_addr: Any = None, **options: Any
    ) -> Any:
        return self.wires.datagrams(protocol_factory, local_addr, remote_addr)

    async def sock_connect(self, sock: Any, address: Any) -> None:
        await self.wires.sock_connect(sock, address)

    # ---- life

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return self.dead

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """Debug mode reads real clocks: it stays off."""

    async def shutdown_asyncgens(self) -> None:
        """Nothing is kept."""

    async def shutdown_default_executor(self, timeout: Any = None) -> None:
        """Executors run inline."""

    def finalize(self, generator: Any) -> None:
        """An async generator lost its last reference."""
        if not self.dead and HOST.get() is not None:
            self.create_task(generator.aclose())


for _name, _remedy in REFUSED.items():
    setattr(HeldLoop, _name, refusing(_name, _remedy))


_Loop: Any = type("HeldEventLoop", (HeldLoop, asyncio.AbstractEventLoop), {})


def make_loop(timers: Timers, wires: Wires, hosts: Mapping[str, int], notices: Notices) -> HeldLoop:
    """A loop that programs also recognize by its type."""
    made: HeldLoop = _Loop(timers, wires, hosts, notices)
    return made

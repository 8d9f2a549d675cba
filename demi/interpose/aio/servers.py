"""Listening ports in memory: what `create_server` gives a program.

The one insight: a listening port is an entry in its host's table, which whoever connects reads at once;
so a change of the table is a step that others can see, and is marked as such for exploration.

Not here: the ends of a connection (`streams.py`), who connects to whom (`wires.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from demi.interpose.aio.calls import CALL, Call
from demi.interpose.aio.host import Host
from demi.interpose.aio.sockets import HeldSocket
from demi.interpose.aio.streams import End


class Server(asyncio.AbstractServer):
    """A listening port of one host."""

    def __init__(self, host: Host, port: int, factory: Any) -> None:
        self.host = host
        self.port = port
        self.factory = factory
        self.context = contextvars.copy_context()
        self._sock = HeldSocket.connected(((host.address, port), None))
        self._waiters: list[Any] = []

    @property
    def sockets(self) -> tuple[Any, ...]:
        """The listening socket, inert."""
        return (self._sock,) if self.is_serving() else ()

    def accept(self, end: End) -> None:
        """A connection was made; runs the protocol factory in the server's context."""
        end.context = self.context.copy()
        end.served = Call()
        end.context.run(self._accept, end)

    def _accept(self, end: End) -> None:
        CALL.set(end.served)
        end.attach(self.factory())

    def get_loop(self) -> Any:
        return self.host.loop

    def is_serving(self) -> bool:
        return self.host.listeners.get(self.port) is self

    async def start_serving(self) -> None:
        """It serves already."""

    async def serve_forever(self) -> None:
        future = self.host.loop.create_future()
        self._waiters.append(future)
        await future

    def close(self) -> None:
        if self.is_serving():
            del self.host.listeners[self.port]
            self.host.loop.wires.net.step.wide = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.cancel()

    def close_clients(self) -> None:
        """Close what was accepted."""
        for end in [one for one in self.host.streams if one.inn.end is one and not one.lost]:
            if end.get_extra_info("sockname")[1] == self.port:
                end.close()

    abort_clients = close_clients

    async def wait_closed(self) -> None:
        """Nothing to wait for."""

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

"""What has a descriptor: the end of a TCP stream or pipe, a listener, a datagram socket.

The one insight: an end knows nothing but its buffer and where to put what is written, so it is a part of
one node, and nothing that happens at another node changes it before a message arrives.

Not here: connections (`net.py`), the socket interface (`sockets.py`).
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from demi.interpose.framing import Framed
from demi.interpose.threads.hosts import CURRENT, Host, Task

if TYPE_CHECKING:
    from demi.interpose.threads.net import Net

IN, OUT, ERR, HUP = 1, 4, 8, 16  # poll bits
Address = tuple[str, int]


class Watched:
    """Something with a descriptor that threads may wait for."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.watch: list[Task] = []
        self.error = 0  # errno to raise once

    def readable(self) -> bool:
        """Would a read not wait?"""
        raise NotImplementedError

    def bits(self) -> int:
        """The poll bits that are set."""
        raise NotImplementedError


class End(Watched):
    """One end of a stream.  out: takes what is written; None before there is a connection."""

    def __init__(self, net: Net, host: Host) -> None:
        super().__init__(host)
        self.net = net
        self.buffer = bytearray()
        self.eof = self.closed = self.shut = self.connecting = False
        self.timeout: float | None = None  # of `os.read`: 0 when set non-blocking
        self.peer: End | None = None
        self.out: Callable[[bytes], None] | None = None
        self.framed: Framed | None = None
        self.name: Address = (host.address, 0)
        self.peer_name: Address = ("", 0)

    def readable(self) -> bool:
        return bool(self.buffer) or self.eof or bool(self.error)

    def bits(self) -> int:
        found = 0 if self.connecting else OUT
        if self.buffer or self.eof or self.error:
            found |= IN
            if self.error:
                found |= ERR
            if self.eof and self.shut:
                found |= HUP
        return found

    def arrive(self, data: bytes) -> None:
        if not self.closed:
            self.buffer += data
            self.net.kernel.notify(self.watch)

    def finish(self) -> None:
        """The other end will send no more."""
        self.eof = True
        self.net.kernel.notify(self.watch)

    def fail(self, code: int) -> None:
        """The connection is gone."""
        if not self.closed:
            self.error, self.eof, self.connecting, self.out = code, True, False, None
            self.buffer.clear()
            self.net.kernel.notify(self.watch)

    def write(self, data: bytes) -> None:
        if self.out is None or self.shut:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        if not CURRENT.dying:
            self.out(data)

    def shutdown(self) -> None:
        """No more is written."""
        if not self.shut:
            self.shut = True
            if self.peer is not None and self.out is not None and not CURRENT.dying:
                self.net.end_of(self)

    def close(self) -> None:
        self.shutdown()
        self.closed = True
        self.buffer.clear()


class Listener(Watched):
    """A bound, listening socket: connections that arrived and were not accepted."""

    def __init__(self, host: Host, name: Address) -> None:
        super().__init__(host)
        self.name = name
        self.backlog: deque[End] = deque()

    def readable(self) -> bool:
        return bool(self.backlog)

    def bits(self) -> int:
        return IN if self.backlog else 0


class Mailbox(Watched):
    """A datagram socket: whole messages with their senders."""

    def __init__(self, host: Host, name: Address) -> None:
        super().__init__(host)
        self.name = name
        self.inbox: deque[tuple[bytes, Address]] = deque()

    def readable(self) -> bool:
        return bool(self.inbox)

    def bits(self) -> int:
        return IN | OUT if self.inbox else OUT

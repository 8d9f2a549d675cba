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
from demi.interpose.threads.hosts import CURRENT, Host, Seat, Task

if TYPE_CHECKING:
    from demi.interpose.threads.net import Net

IN, OUT, ERR, HUP, NVAL = 1, 4, 8, 16, 32  # poll bits
Address = tuple[str, int]


class Watched:
    """Something with a descriptor that threads may wait for.  bits: the poll bits that are set."""

    __slots__ = ("bits", "error", "host", "seats", "watch")

    def __init__(self, host: Host) -> None:
        self.host = host
        self.watch: list[Task] = []
        self.seats: list[Seat] = []
        self.error = 0  # errno to raise once
        self.bits = OUT

    def readable(self) -> bool:
        """Would a read not wait?"""
        return self.bits & IN != 0

    def blame(self) -> int:
        """Take the error away."""
        code, self.error = self.error, 0
        self.changed()
        return code

    def changed(self) -> None:
        """Something that `bits` tell of is not what it was."""


class Closed(Watched):
    """What a descriptor that is not open stands for."""

    __slots__ = ()

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.bits = NVAL


class End(Watched):
    """One end of a stream.  out: takes what is written; None before there is a connection."""

    __slots__ = ("buffer", "closed", "connecting", "eof", "framed", "name", "net", "out", "peer",
                 "peer_name", "shut", "timeout")  # fmt: skip

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

    def changed(self) -> None:
        found = 0 if self.connecting else OUT
        if self.buffer or self.eof or self.error:
            found |= IN
            if self.error:
                found |= ERR
            if self.eof and self.shut:
                found |= HUP
        self.bits = found

    def connects(self, flag: bool) -> None:
        """It begins to connect, or is connected."""
        self.connecting = flag
        self.changed()

    def arrive(self, data: bytes) -> None:
        if not self.closed:
            self.buffer += data
            self.bits |= IN
            wake = self.net.kernel.wake
            for task in self.watch:
                wake(task)
            for seat in self.seats:
                if seat.task is not None:
                    wake(seat.task)

    def finish(self) -> None:
        """The other end will send no more."""
        self.eof = True
        self.changed()
        self.net.kernel.stir(self)

    def fail(self, code: int) -> None:
        """The connection is gone."""
        if not self.closed:
            self.error, self.eof, self.connecting, self.out = code, True, False, None
            self.buffer.clear()
            self.changed()
            self.net.kernel.stir(self)

    def write(self, data: bytes) -> None:
        if self.out is None or self.shut:
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        if not CURRENT.dying:
            self.out(data)

    def shutdown(self) -> None:
        """No more is written."""
        if not self.shut:
            self.shut = True
            self.changed()
            if self.peer is not None and self.out is not None and not CURRENT.dying:
                self.net.end_of(self)

    def close(self) -> None:
        self.shutdown()
        self.closed = True
        self.buffer.clear()
        self.changed()


class Listener(Watched):
    """A bound, listening socket: connections that arrived and were not accepted."""

    __slots__ = ("backlog", "name")

    def __init__(self, host: Host, name: Address) -> None:
        super().__init__(host)
        self.name = name
        self.backlog: deque[End] = deque()
        self.bits = 0

    def changed(self) -> None:
        self.bits = IN if self.backlog else 0

    def arrive(self, end: End) -> None:
        """A connection, to be accepted."""
        self.backlog.append(end)
        self.bits = IN
        end.net.kernel.stir(self)


class Mailbox(Watched):
    """A datagram socket: whole messages with their senders."""

    __slots__ = ("inbox", "name", "peer_name")

    def __init__(self, host: Host, name: Address) -> None:
        super().__init__(host)
        self.name = self.peer_name = name
        self.inbox: deque[tuple[bytes, Address]] = deque()

    def changed(self) -> None:
        self.bits = IN | OUT if self.inbox else OUT

"""Connections: the two ends of a TCP stream, listeners, datagrams and pipes, in memory.

The one insight: an end knows nothing but its buffer; whatever travels is handed to the network as (label,
bytes, what its arrival does), so a world can hold it, name it and lose it, and each arrival touches one
node.

Connecting, accepting, refusing, the end of a stream and a reset are messages like any other.  Within a
node everything arrives at once.  Not here: the socket interface (`sockets.py`), order (`world.py`).
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from demi.interpose.framing import Framed, MakeDecoder
from demi.interpose.threads.hosts import CURRENT, Host, Task
from demi.interpose.threads.kernel import Kernel

IN, OUT, ERR, HUP = 1, 4, 8, 16  # poll bits
Address = tuple[str, int]
Arrival = Callable[[], None]


class Post(Protocol):
    """Where things that travel between hosts go."""

    def __call__(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None: ...


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

    def established(self) -> None:
        if self.connecting:
            self.connecting = False
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


class Net:
    """All connections between the hosts of a kernel.  post: see `Post`; reachable(src, dst): no cut.

    decoder(server_port) -> how to cut the streams of a connection to that port, or None.
    """

    def __init__(
        self,
        kernel: Kernel,
        post: Post,
        *,
        reachable: Callable[[Host, Host], bool] = lambda src, dst: True,
        decoder: Callable[[int], MakeDecoder | None] = lambda port: None,
        report: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.kernel = kernel
        self._post = post
        self._reachable = reachable
        self._decoder = decoder
        self._report = report
        self.ends: list[tuple[End, End]] = []  # connections between two hosts, oldest first
        self.unfinished: dict[End, None] = {}  # have sent a part of a message: see `flush`

    def reset(self) -> None:
        """No connections."""
        self.ends = []
        self.unfinished.clear()

    def flush(self, host: Host) -> None:
        """The host waits: what it has sent of a message arrives as it is."""
        for end in [end for end in self.unfinished if end.host is host]:
            del self.unfinished[end]
            other = end.peer
            if end.framed is not None and other is not None:
                for label, data in end.framed.part():
                    self._post(end.host, other.host, label, data, partial(other.arrive, data))

    def find(self, host: Host, address: str) -> Host | None:
        """The host behind an address or name, as seen from `host`."""
        if address in ("", "0.0.0.0", "::", "localhost", "::1") or address.startswith("127."):
            return host
        return self.kernel.by_address.get(address)

    def pair(self, host: Host) -> tuple[End, End]:
        """Two ends in one node, for socketpair and pipes."""
        a, b = End(self, host), End(self, host)
        self._join(a, b, None)
        return a, b

    def _join(self, a: End, b: End, make: MakeDecoder | None) -> None:
        a.peer, b.peer = b, a
        for end, other in ((a, b), (b, a)):
            if a.host is b.host:
                end.out = other.arrive
            else:
                end.framed = Framed(make, self._report)
                end.out = self._sender(end, other)

    def _sender(self, end: End, other: End) -> Callable[[bytes], None]:
        framed, post, src, dst = end.framed, self._post, end.host, other.host
        unfinished = self.unfinished
        assert framed is not None

        def send(data: bytes) -> None:
            for label, message in framed.feed(data):
                post(src, dst, label, message, partial(other.arrive, message))
            if framed.pending:
                unfinished[end] = None

        return send

    def end_of(self, end: End) -> None:
        """`end` sends no more: what was incomplete goes as a chunk, then the end of the stream."""
        other = end.peer
        assert other is not None
        if other.host is end.host:
            other.finish()
            return
        assert end.framed is not None
        for label, data in end.framed.rest():
            self._post(end.host, other.host, label, data, partial(other.arrive, data))
        self._post(end.host, other.host, "fin", b"", other.finish)
        if other.shut:
            self.ends = [ends for ends in self.ends if end not in ends]

    def connect(self, end: End, address: Address) -> None:
        """Begin to connect; what comes of it arrives."""
        src, dst = end.host, self.find(end.host, address[0])
        end.peer_name = (dst.address if dst is not None else address[0], address[1])
        if dst is None:
            end.fail(errno.EHOSTUNREACH)
        elif not dst.up or not self._reachable(src, dst):
            end.fail(errno.ECONNREFUSED)
        elif dst is src:
            end.connecting = True
            self._knock(end, dst, address[1])
        else:
            end.connecting = True
            self._post(src, dst, "connect", b"", lambda: self._knock(end, dst, address[1]))

    def _knock(self, end: End, dst: Host, port: int) -> None:
        """A connection request arrives."""
        src, listener = end.host, dst.listening.get(port)
        if not isinstance(listener, Listener):
            self._answer(dst, src, "refused", lambda: end.fail(errno.ECONNREFUSED))
            return
        there = End(self, dst)
        there.name, there.peer_name = (dst.address, port), end.name
        self._join(end, there, self._decoder(port))
        if src is not dst:
            self.ends.append((end, there))
        listener.backlog.append(there)
        self.kernel.notify(listener.watch)
        self._answer(dst, src, "accepted", end.established)

    def _answer(self, src: Host, dst: Host, label: str, arrive: Arrival) -> None:
        if src is dst:
            arrive()
        else:
            self._post(src, dst, label, b"", arrive)

    def datagram(self, box: Mailbox, data: bytes, address: Address) -> None:
        """Send one; to nobody it is lost."""
        dst = self.find(box.host, address[0])
        if dst is None or not dst.up or not self._reachable(box.host, dst):
            return

        def arrive() -> None:
            there = dst.listening.get(-address[1])
            if isinstance(there, Mailbox):
                there.inbox.append((data, box.name))
                self.kernel.notify(there.watch)

        make = self._decoder(-address[1])
        frames = make().feed(data) if make is not None else []
        self._answer_data(
            box.host, dst, frames[0].label if len(frames) == 1 else "datagram", data, arrive
        )

    def _answer_data(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None:
        if src is dst:
            arrive()
        else:
            self._post(src, dst, label, data, arrive)

    def sever(self, a: Host, b: Host) -> None:
        """All connections between two hosts are gone; each end that lives is told by its own notice."""
        kept = []
        for ends in self.ends:
            if {ends[0].host, ends[1].host} == {a, b}:
                for end, other in (ends, ends[::-1]):
                    other.out = None
                    if end.host.up:
                        self._reset(other.host, end)
            else:
                kept.append(ends)
        self.ends = kept

    def _reset(self, src: Host, end: End) -> None:
        end.out = None
        self._post(src, end.host, "reset", b"", lambda: end.fail(errno.ECONNRESET))

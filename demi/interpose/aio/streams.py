"""TCP connections in memory: the two ends, each told of everything by its own message.

The one insight: the kernel of a listening machine completes a connection before its program knows, so a
client is connected at once and the server learns of it with the first message; losing a connection, and
making one to a port where nobody listens yet, are messages of their own (closed, reset, connect,
accepted, refused), so one event still runs one host and no interleaving is lost.

What is written is cut into frames at the send (`framings.py`).  Writes never block.  Not here: who
connects to whom (`wires.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from demi.errors import DemiError
from demi.interpose.aio.calls import CALL, Call, child
from demi.interpose.aio.host import Host, Stuck
from demi.interpose.aio.net import Lane, Packet
from demi.interpose.aio.sockets import HeldSocket

if TYPE_CHECKING:
    from demi.interpose.aio.framings import Stream as Framing
    from demi.interpose.aio.net import Net

CONNECT, ACCEPTED, REFUSED = "connect", "accepted", "refused"
DATA, CLOSED, RESET = "data", "closed", "reset"


class End(asyncio.Transport):
    """One end of a connection, a transport once it has a protocol.

    out, inn: the lanes; framing: cuts what this end sends.  served: the call this end is serving.
    """

    def __init__(
        self, net: Net, host: Host, out: Lane, inn: Lane, framing: Framing, names: tuple[Any, Any]
    ) -> None:
        super().__init__()
        self.net = net
        self.host = host
        self.out = out
        self.inn = inn
        inn.end = self
        out.begin = self
        self.opens: Any = None  # a client that the server has not been told of: what to tell it
        self.framing = framing
        self.served: Call | None = None
        self.context = contextvars.copy_context()
        self.protocol: Any = None
        self.waiter: asyncio.Future[Any] | None = None
        self.lost = False  # this end is over: nothing is sent or received
        self._closing = False
        self._eof = False
        self._buffered = False
        sock = HeldSocket.connected(names)
        self._extra = {"socket": sock, "sockname": names[0], "peername": names[1]}
        host.streams.append(self)

    # ---- the transport, for programs

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._extra.get(name, default)

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol
        self._buffered = isinstance(protocol, asyncio.BufferedProtocol)

    def get_protocol(self) -> Any:
        return self.protocol

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self.net.hold(self.inn, "paused")

    def resume_reading(self) -> None:
        self.net.unhold(self.inn, "paused")

    def is_reading(self) -> bool:
        return "paused" not in self.inn.holds and not self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return 0, 65_536

    def set_write_buffer_limits(self, high: Any = None, low: Any = None) -> None:
        """Writes never block."""

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: Any) -> None:
        if self._closing or self._eof or not data:
            return
        host = self.host
        data = bytes(data)
        host.outgoing.append((self.out.dst, self.out.number, data))
        for frame in self.framing.feed(data):
            self._send(frame)
        if self.framing.incomplete:
            host.loop.wires.unfinished[self] = None

    def writelines(self, data: Any) -> None:
        self.write(b"".join(data))

    def write_eof(self) -> None:
        if not self._closing and not self._eof:
            self._eof = True
            self.flush()
            self.push(Packet(CLOSED, "eof"))

    def flush(self) -> None:
        """Send what is not a whole message: the program has come to rest without finishing it."""
        for frame in self.framing.flush():
            self._send(frame)

    def _send(self, frame: Any) -> None:
        framing = self.framing
        if framing.replies:
            kind, call = "response", self.served.id if self.served is not None else ""
        elif framing.calls:
            kind, call = "request", child(self.host, CALL.get())
        else:
            kind = call = ""
        self.push(Packet(DATA, frame.label, frame.data, call, kind, framing.read))

    def push(self, packet: Packet) -> None:
        """Send; the first message of a client opens the connection."""
        if self.out.deaf:
            self.net.step.wide = True  # earlier, it would have been sent
            return
        if self.opens is not None:
            packet, self.opens = packet._replace(args=self.opens), None
        self.net.push(self.out, packet)

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if not self._eof:
            self.flush()
            self.push(Packet(CLOSED, "closed"))
        self._over(None)

    def abort(self) -> None:
        if not self.lost:
            self._closing = True
            self.net.clear(self.out)
            self.push(Packet(RESET, "reset"))
            self._over(None)

    def _over(self, error: Exception | None) -> None:
        """Nothing arrives any more; the protocol is told in a later callback."""
        if self.lost:
            return
        self.lost = self._closing = self.inn.deaf = True
        self.net.clear(self.inn)
        if self.protocol is not None:
            self.host.loop.call_soon(self._tell_lost, error, context=self.context)

    def _tell_lost(self, error: Exception | None) -> None:
        self.protocol.connection_lost(error)

    # ---- for the world

    def attach(self, protocol: Any) -> None:
        """Give the end its protocol and tell it."""
        self.set_protocol(protocol)
        protocol.connection_made(self)

    def vanish(self) -> None:
        """The host died: the peer will find out by a reset behind what is in flight."""
        if not self.lost:
            self.lost = self._closing = True
            self.net.clear(self.inn)
            if not self._eof:
                self.push(Packet(RESET, "reset"))

    def severed(self) -> None:
        """The link is cut: what is in flight to this end is lost and it will be told."""
        if not self.lost:
            self.net.clear(self.inn)
            self.net.push(self.inn, Packet(RESET, "reset"))

    def receive(self, packet: Packet) -> bool:
        """A message arrived, in our own context.  False: it is not received."""
        if self.lost:
            return False
        op = packet.op
        if op == DATA:
            self.host.mix(packet.data)
            if packet.kind == "request" and self.served is not None:
                self.served.serve(packet.call)
            if self.protocol is None:
                return False
            self.context.run(self._data, packet.data)
        elif op == CLOSED:
            self.context.run(self._peer_closed)
        elif op == RESET:
            if self.waiter is not None and not self.waiter.done():
                self.waiter.set_exception(ConnectionResetError(104, "Connection reset by peer"))
            self._over(ConnectionResetError(104, "Connection reset by peer"))
        elif self.waiter is not None and not self.waiter.done():  # accepted or refused
            if op == ACCEPTED:
                self.waiter.set_result(None)
            else:
                self._over(None)
                self.waiter.set_exception(ConnectionRefusedError(111, "Connect call failed"))
        return True

    def _data(self, data: bytes) -> None:
        protocol = self.protocol
        try:
            if not self._buffered:
                protocol.data_received(data)
                return
            while data and not self.lost:
                buffer = protocol.get_buffer(len(data))
                size = min(len(buffer), len(data))
                buffer[:size] = data[:size]
                data = data[size:]
                protocol.buffer_updated(size)
        except (SystemExit, KeyboardInterrupt, Stuck, DemiError):
            raise
        except BaseException as error:
            self._fatal(error, "data_received")

    def _peer_closed(self) -> None:
        if self.protocol is None:
            self._over(None)
            return
        try:
            keep = self.protocol.eof_received()
        except Exception as error:
            self._fatal(error, "eof_received")
            return
        if not keep:
            self._quiet_close()

    def _quiet_close(self) -> None:
        """The peer has closed: it need not be told of the same."""
        if not self._closing:
            self.flush()
            self._over(None)

    def _fatal(self, error: BaseException, where: str) -> None:
        self.host.loop.call_exception_handler(
            {"message": f"protocol.{where}() raised", "exception": error}
        )
        self.abort()

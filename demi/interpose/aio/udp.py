"""UDP endpoints in memory: each datagram is one message that may arrive in any order or not at all.

The one insight: a datagram is already a message, so it needs a name and nothing else.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from demi.interpose.aio.host import Host
from demi.interpose.aio.net import Lane, Net, Packet
from demi.interpose.aio.sockets import HeldSocket, resolve
from demi.interpose.framing import named

if TYPE_CHECKING:
    from demi.interpose.aio.framings import Codec

DATAGRAM = "datagram"
_packet = tuple.__new__  # what `Packet(...)` does, at half the cost


class Endpoint(asyncio.DatagramTransport):
    """A bound UDP port of one host."""

    codec: Codec | None = None

    def __init__(self, net: Net, host: Host, port: int, remote: tuple[int, int] | None) -> None:
        super().__init__()
        self.net = net
        self.host = host
        self.port = port
        self.protocol: Any = None
        self._remote = remote
        self._known: dict[Any, tuple[int, int, Lane]] = {}  # addresses that were looked up
        self._closing = False
        self.context = contextvars.copy_context()
        self._own = (host.address, port)
        names = (self._own, None)
        self._extra = {
            "socket": HeldSocket.connected(names),
            "sockname": names[0],
            "peername": None,
        }
        self.codec = host.loop.wires.codec

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._extra.get(name, default)

    def sendto(self, data: Any, addr: Any = None) -> None:
        if self._closing:
            return
        known = self._known.get(addr)
        if known is None:
            known = self._known[addr] = self._look_up(addr)
        index, port, lane = known
        data = bytes(data)
        host, codec, net = self.host, self.codec, self.net
        host.outgoing.append((index, 0, data))
        if net.cut and (host.index, index) in net.cut:
            return  # lost on the way, as datagrams are
        label = named(codec.label, data) if codec is not None else DATAGRAM
        read = codec.read if codec is not None else None
        net.push(lane, _packet(Packet, (DATAGRAM, label, data, "", "", read, (port, self._own))))

    def _look_up(self, addr: Any) -> tuple[int, int, Lane]:
        index, port = (
            (resolve(addr[0]), int(addr[1]))
            if addr is not None or not self._remote
            else self._remote
        )
        return index, port, self.net.datagrams(self.host.index, index)

    def receive(self, packet: Packet) -> bool:
        """One arrived."""
        if self._closing or self.protocol is None:
            return False
        host, data = self.host, packet.data
        host.mix(data)
        host.loop.call_now(self.context, self.protocol.datagram_received, data, packet.args[1])
        return True

    def is_closing(self) -> bool:
        return self._closing

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.host.udp.pop(self.port, None)
            self.host.loop.call_soon(self.protocol.connection_lost, None, context=self.context)

    abort = close

"""Who connects to whom in one run: ports, addresses, connections and datagram endpoints.

The one insight: an address is a host index, so a name is resolved, a port looked up and a connection
refused without any message but the ones a program would see.

Not here: the ends of a connection (`streams.py`), what may arrive (`net.py`).
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demi.errors import ContractError
from demi.events import Event
from demi.interpose.aio.framings import Codec, Framing, Stream, pair
from demi.interpose.aio.host import HOST, Host, address_of, refusal
from demi.interpose.aio.net import Lane, Net, Packet
from demi.interpose.aio.servers import Server
from demi.interpose.aio.sockets import HeldSocket, resolve
from demi.interpose.aio.streams import ACCEPTED, CONNECT, REFUSED, RESET, End
from demi.interpose.aio.udp import DATAGRAM, Endpoint
from demi.interpose.sites import call_site

if TYPE_CHECKING:
    from demi.interpose.aio.loop import HeldLoop


@dataclass(frozen=True, slots=True)
class Opening:
    """What a server is told of a new connection.  answer: the client waits to hear."""

    port: int
    peer: tuple[str, int]
    framing: Stream
    back: Lane
    answer: bool


class Wires:
    """The connections of a run.  host(index): the host that is up, or None.

    framing: port -> how its streams are cut; other ports are recognized by what is written.
    unfinished: ends that have written part of a message in this step, in order; opening: those that were
    connected in it.
    """

    def __init__(
        self,
        net: Net,
        host: Callable[[int], Host | None],
        framing: Mapping[int, Framing],
        codec: Codec | None,
    ) -> None:
        self.net = net
        self.loop: HeldLoop
        self._host = host
        self._framing = framing
        self.codec = codec
        self.unfinished: dict[End, None] = {}
        self.opening: dict[End, None] = {}

    # ---- for the loop

    def listen(self, factory: Any, port: Any, sock: Any) -> Server:
        """A server on a port of the current host."""
        host = current()
        wanted = int(sock.getsockname()[1] if sock is not None else port or 0) or host.port()
        if wanted in host.listeners:
            raise OSError(
                98, f"error while attempting to bind on port {wanted}: address already in use"
            )
        server = host.listeners[wanted] = Server(host, wanted, factory)
        self.net.step.wide = True
        return server

    async def connect(self, factory: Any, name: Any, port: Any, sock: Any) -> tuple[End, Any]:
        """A client's connection, made over a message and its answer."""
        if sock is not None:
            end = getattr(sock, "end", None)
            if end is None:
                raise refusal(
                    "create_connection(sock=) needs a socket connected by loop.sock_connect",
                    "connect by name and port",
                )
        else:
            end = await self._dial(resolve(name), int(port))
        end.context = contextvars.copy_context()
        if end.lost:
            raise ConnectionResetError(104, "Connection reset by peer")
        protocol = factory()
        end.attach(protocol)
        self.net.unhold(end.inn, "unattached")
        return end, protocol

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """`connect` of a bare socket, which becomes a transport later."""
        if not isinstance(sock, HeldSocket) or sock.opened:
            raise refusal(
                "sock_connect needs a socket made while the host runs", "make it in the program"
            )
        sock.end = end = await self._dial(resolve(address[0]), int(address[1]))
        sock.names = (end.get_extra_info("sockname"), end.get_extra_info("peername"))
        self.net.hold(end.inn, "unattached")

    async def _dial(self, index: int, port: int) -> End:
        host, net = current(), self.net
        if (host.index, index) in net.cut:
            raise OSError(
                113, f"Connect call failed ('10.0.0.{index + 1}', {port}): no route to host"
            )
        out, inn = net.connection(host.index, index)
        framing = pair(self._framing.get(port), host.note, lambda: self._unframed(port))
        names = ((host.address, host.port()), (address_of(index), port))
        end = End(net, host, out, inn, framing[0], names)
        peer = self._host(index)
        if peer is not None and port in peer.listeners and not out.holds:
            end.opens = Opening(port, names[0], framing[1], inn, False)
            self.opening[end] = None
            return end
        end.waiter = self.loop.create_future()
        net.push(
            out, Packet(CONNECT, "connect", args=Opening(port, names[0], framing[1], inn, True))
        )
        try:
            await end.waiter
        except BaseException as error:
            if not end.lost:  # given up: the server may still accept, and is told
                end.lost = True
                net.clear(inn)
                if not isinstance(error, ConnectionError):
                    net.push(out, Packet(RESET, "reset"))
            raise
        return end

    def _unframed(self, port: int) -> None:
        self.loop.notices.add(
            f"port {port} has no known framing, so an event is a chunk, what one write wrote:"
            f" framing={{{port}: ...}} cuts messages"
        )

    def datagrams(self, factory: Any, local: Any, remote: Any) -> tuple[Endpoint, Any]:
        """A UDP endpoint of the current host."""
        host = current()
        port = int(local[1]) if local and local[1] else host.port()
        if port in host.udp:
            raise OSError(98, f"address already in use: {port}")
        to = (resolve(remote[0]), int(remote[1])) if remote else None
        endpoint = host.udp[port] = Endpoint(self.net, host, port, to)
        protocol = factory()
        endpoint.protocol = protocol
        self.loop.call_soon(protocol.connection_made, endpoint)
        return endpoint, protocol

    # ---- for the world

    def flush(self) -> None:
        """The step is over: what was begun and not finished is sent as it is."""
        for end in tuple(self.unfinished):
            if not end.lost:
                end.flush()
        self.unfinished.clear()
        for end in tuple(
            self.opening
        ):  # connected, and nothing said yet: the server may speak first
            if end.opens is not None and not end.lost:
                end.push(Packet(CONNECT, "connect"))
        self.opening.clear()

    def arrive(self, lane: Lane, packet: Packet) -> bool:
        """A message reached its host.  False: nobody received it."""
        host = self._host(lane.dst)
        if packet.op == DATAGRAM:
            endpoint = host.udp.get(packet.args[0]) if host is not None else None
            return endpoint is not None and endpoint.receive(packet)
        if packet.args is not None and not self._accepted(host, lane, packet.args):
            return host is not None and packet.op == CONNECT
        if packet.op == CONNECT:
            return True
        end = lane.end
        return host is not None and end is not None and end.host is host and end.receive(packet)

    def _accepted(self, host: Host | None, lane: Lane, opening: Opening) -> bool:
        """Does the host take the connection?  If not, its machine tells the client."""
        server = host.listeners.get(opening.port) if host is not None else None
        if host is None or server is None:
            if not opening.back.deaf:
                answer = Packet(REFUSED, "refused") if opening.answer else Packet(RESET, "reset")
                self.net.push(opening.back, answer)
            return False
        names = ((host.address, opening.port), opening.peer)
        server.accept(End(self.net, host, opening.back, lane, opening.framing, names))
        if opening.answer:
            self.net.push(opening.back, Packet(ACCEPTED, "accepted"))
        return True

    def duplicate(self, event: Event) -> None:
        """A request arrives once more, as a retry by somebody in between whose answer nobody reads."""
        packet, lane = self.net.peek(event), self.net.lane_of(event)
        again, back = self.net.connection(lane.src, lane.dst)
        back.deaf = True
        port = lane.begin.get_extra_info("peername")[1]
        ask, reply = pair(self._framing.get(port), lambda text: None, lambda: None)
        ask.feed(packet.data)  # so that the reply is recognized
        opening = Opening(port, (address_of(lane.src), 1), reply, back, False)
        self.net.push(again, packet._replace(args=opening))


def current() -> Host:
    """The host that runs."""
    host = HOST.get()
    if host is None:
        raise ContractError("a network call outside any host", where=call_site())
    return host

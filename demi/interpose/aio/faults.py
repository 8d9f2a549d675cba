"""What the outside does to asyncio hosts: inputs, crashes and their disks, cuts, and service faults.

The one insight: a fault of a service happens to one message in flight (it is refused, held, answered in
its place, or arrives twice), so it is enabled exactly while there is such a message, and the strategy
chooses which by choosing when.

Inputs with reserved names, all `ext:name(...)`: `refuse(a,b)`, `delay(a,b)` (args: seconds),
`fail_before(a,b)` (503, not executed), `fail_after(a,b)` (executed, then 504: the ambiguous one);
`power_loss(a)`, `torn_write(a)` (crashes that lose unsynced writes), `skew(a)` (args: seconds).
`duplicate(a>b)` repeats a request or datagram, `drop(a>b)` loses a datagram.
A cut of both ways resets connections and loses what is in flight; of one way it stalls connections and
loses datagrams.  Not here: generating externals (`demi/fuzz`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose import http1
from demi.interpose.aio.net import Lane, Packet
from demi.interpose.aio.streams import CONNECT, DATA, REFUSED
from demi.interpose.aio.udp import DATAGRAM
from demi.interpose.offers import Offers

if TYPE_CHECKING:
    from demi.interpose.aio.world import AsyncioWorld

SERVICE = ("refuse", "delay", "fail_before", "fail_after")
DISK = {"power_loss": "power", "torn_write": "torn"}
RESERVED = (*SERVICE, *DISK, "skew")
_IN_FLIGHT = (Kind.DROP, Kind.DUPLICATE)


class Faults(Offers):
    """`Offers` for asyncio hosts."""

    __slots__ = ("_aio",)

    def __init__(self, world: AsyncioWorld) -> None:
        super().__init__(world)
        self._aio = world

    def _resolve(self, external: External) -> list[int]:
        if external.label not in SERVICE:
            if len(set(external.nodes)) < len(external.nodes):
                raise TargetError("a link has two different ends", where=external.id)
            return super()._resolve(external)
        index = self._aio.index
        if len(external.nodes) != 2 or not set(external.nodes) <= set(index):
            raise TargetError(
                f"{external.label} needs the two hosts of a request, caller first",
                where=external.id,
                remedy="hosts: " + ", ".join(index),
            )
        return [index[name] for name in external.nodes]

    def refresh(self) -> None:
        super().refresh()
        self.watching = self.watching or any(
            self._all[event[2]].label in SERVICE for event in self._open
        )

    def _holds(self, event: Event) -> bool:
        kind, world = event[0], self._aio
        external, nodes = self._all[event[2]], self._nodes[event[2]]
        if external.label in SERVICE:
            return self._victim(external.label, nodes) is not None
        if kind in _IN_FLIGHT:
            return self._victim(Kind(kind).name.lower(), nodes) is not None
        if kind in (Kind.CUT, Kind.HEAL):
            links = self._links(event)
            broken = world.net.held if external.one_way else world.net.cut
            if kind == Kind.CUT:
                return not links <= broken
            return bool(links & (world.net.cut | world.net.held))
        return world.alive(nodes[0]) == (kind not in (Kind.START, Kind.RESTART))

    def _victim(self, what: str, nodes: Sequence[int]) -> Event | None:
        """The oldest message in flight that a fault can happen to."""
        net, (a, b) = self._aio.net, nodes
        pair = (a, b) if what == "fail_after" else (b, a)  # (receiver, sender)
        for event in net.channel(*pair):
            packet = net.peek(event)
            if what == "fail_after":
                fits = packet.kind == "response"
            elif what == "drop":
                fits = packet.op == DATAGRAM
            elif what == "duplicate":
                fits = packet.op == DATAGRAM or packet.kind == "request"
            elif what == "refuse":
                fits = packet.op == CONNECT or packet.kind == "request"
            else:
                fits = packet.kind == "request"
            if fits:
                return event
        return None

    def take(self, event: Event) -> None:
        world, kind = self._aio, event[0]
        external, nodes = self._all[event[2]], self._nodes[event[2]]
        self.withdraw(event)
        if kind == Kind.INJECT:
            self._inject(external, nodes)
        elif kind == Kind.CRASH:
            world.stop(nodes[0], "process")
        elif kind in (Kind.START, Kind.RESTART):
            world.start(nodes[0])
        elif kind == Kind.CUT:
            self._cut(nodes[0], nodes[1], external.one_way)
        elif kind == Kind.HEAL:
            for link in self._links(event):
                self._heal(*link)
        else:
            self._repeat_or_drop(kind, nodes)
        self.refresh()

    def _inject(self, external: External, nodes: Sequence[int]) -> None:
        world, label = self._aio, external.label
        world.current.wide = label in SERVICE
        if label in DISK:
            world.stop(nodes[0], DISK[label])
        elif label == "skew":
            host = world.hosts[nodes[0]]
            assert host is not None
            host.skew += seconds_of(external, 3600.0)
        elif label in SERVICE:
            self._service_fault(external, nodes)
        else:
            world.input_now(nodes[0], external)

    def _service_fault(self, external: External, nodes: Sequence[int]) -> None:
        net = self._aio.net
        victim = self._victim(external.label, nodes)
        assert victim is not None  # a precondition
        lane, packet = net.lane_of(victim), net.peek(victim)
        if external.label == "delay":
            self._delay(lane, seconds_of(external, 1.0))
        elif external.label == "fail_after":
            data = http1.answer(504, "Gateway Timeout")
            net.replace(victim, _answer(packet, "504", data))
        elif packet.op == CONNECT and packet.args.answer:
            net.drop(victim)
            net.push(packet.args.back, Packet(REFUSED, "refused"))
        elif external.label == "refuse":
            net.drop(victim)
            lane.begin.severed()
            if lane.end is not None:
                lane.end.severed()
        else:
            net.drop(victim)
            client = lane.begin
            client.framing.unask()
            client.opens = packet.args  # the server has still to be told of the connection
            data = http1.answer(503, "Service Unavailable")
            net.push(client.inn, _answer(packet, f"503 {packet.label}", data))

    def _delay(self, lane: Lane, seconds: float) -> None:
        world = self._aio
        host = world.hosts[lane.dst]
        assert host is not None
        world.net.hold(lane, "delay")
        world.timers.arm_named(
            host, "delay", host.clock.now + seconds, world.net.unhold, (lane, "delay"), host.context
        )

    def _repeat_or_drop(self, kind: int, nodes: Sequence[int]) -> None:
        net = self._aio.net
        victim = self._victim(Kind(kind).name.lower(), nodes)
        assert victim is not None  # a precondition
        packet, lane = net.peek(victim), net.lane_of(victim)
        if kind == Kind.DROP:
            net.drop(victim)
        elif packet.op == DATAGRAM:
            net.push(lane, packet)
        else:
            self._aio.wires.duplicate(victim)

    def _cut(self, a: int, b: int, one_way: bool) -> None:
        net, world = self._aio.net, self._aio
        ways = [(a, b)] if one_way else [(a, b), (b, a)]
        for src, dst in ways:
            for event in net.channel(dst, src):
                if net.peek(event).op == DATAGRAM:
                    net.drop(event)
        if one_way:
            net.held.add((a, b))
            for lane in net.lanes(a, b):
                if lane.number:
                    net.hold(lane, "cut")
            return
        net.cut.update(ways)
        ends = [
            end
            for host, peer in ((world.hosts[a], b), (world.hosts[b], a))
            for end in (host.streams if host is not None else ())
            if end.out.dst == peer and not end.lost
        ]
        for end in ends:
            net.clear(end.out)
        for end in ends:
            end.severed()

    def _heal(self, a: int, b: int) -> None:
        net = self._aio.net
        net.cut.discard((a, b))
        net.held.discard((a, b))
        for lane in net.lanes(a, b):
            net.unhold(lane, "cut")


def _answer(packet: Packet, label: str, data: bytes) -> Packet:
    label = label if " " in label else f"{label} {packet.label.partition(' ')[2]}"
    return Packet(DATA, label, data, packet.call, "response", packet.read)


def seconds_of(external: External, default: float) -> float:
    """The `seconds` of a fault's args."""
    args = external.args
    given = args.get("seconds", default) if isinstance(args, dict) else default
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TargetError(f"{external.label} needs {{'seconds': number}}", where=external.id)
    return float(given)

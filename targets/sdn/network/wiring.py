"""The physical network: which switches are up, what is plugged into what, where hosts are.

The one insight: a port has a link exactly when a cable is whole and its other end is up, so every change
(cut, crash, migration, port taken out) ends in one pass that tells switches which of their ports changed.

Not here: messages and packets in flight (`world.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from targets.sdn.network.switch import TABLE_SIZE, Effect, Switch
from targets.sdn.network.topology import Topology

Port = tuple[str, int]
IP_BASE = 10 << 24


class Host:
    """One host.  at: where it is plugged in.  heard: how many frames reached it."""

    __slots__ = ("at", "heard", "ip", "mac", "name")

    def __init__(self, name: str, number: int, at: Port) -> None:
        self.name = name
        self.mac = number
        self.ip = IP_BASE + number
        self.at = at
        self.heard = 0

    @property
    def ends(self) -> tuple[int, int]:
        """(mac, ipv4)."""
        return self.mac, self.ip


class Wiring:
    """The state of the physical network.

    switches: name -> Switch, None while down.  cables: port -> port, both ways.  cut: pairs of
    switches, in order.  out: ports that were taken out.
    """

    def __init__(self, topology: Topology, table_size: int = TABLE_SIZE) -> None:
        self.topology = topology
        self.table_size = table_size
        self.cables: dict[Port, Port] = {}
        for a, p, b, q in topology.links:
            self.cables[a, p], self.cables[b, q] = (b, q), (a, p)
        self.hosts = {
            name: Host(name, topology.macs[name], topology.at[name]) for name in topology.hosts
        }
        self.plugged: dict[Port, Host] = {host.at: host for host in self.hosts.values()}
        self.cut: set[tuple[str, str]] = set()
        self.out: set[Port] = set()
        self.version = 0
        self.switches: dict[str, Switch | None] = {
            name: Switch(
                topology.dpids[name], dict.fromkeys(topology.ports(name), True), table_size
            )
            for name in topology.switches
        }

    def linked(self, port: Port) -> bool:
        """Has this port a link?"""
        if port in self.plugged:
            return True
        other = self.cables.get(port)
        if other is None or other in self.out or self.switches[other[0]] is None:
            return False
        return pair(port[0], other[0]) not in self.cut

    def far_end(self, port: Port) -> Port | Host | None:
        """What a packet that leaves by this port reaches; None when nothing."""
        host = self.plugged.get(port)
        if host is not None:
            return host
        return self.cables[port] if port in self.cables and self.linked(port) else None

    def update(self) -> Iterator[tuple[str, Effect]]:
        """Tell every switch that is up which of its ports got or lost a link."""
        self.version += 1
        for name, switch in self.switches.items():
            if switch is None:
                continue
            for port, up in sorted(switch.forwarding.ports.items()):
                now = self.linked((name, port))
                if now != up:
                    for effect in switch.port(port, now):
                        yield name, effect

    def migrate(self, host: Host, to: Port) -> Iterator[tuple[str, Effect]]:
        """A host is unplugged and plugged in elsewhere; a new port is made where there is none."""
        del self.plugged[host.at]
        yield from self.update()
        host.at = to
        self.plugged[to] = host
        switch = self.switches[to[0]]
        if switch is not None and to[1] not in switch.forwarding.ports:
            self.out.discard(to)
            for effect in switch.port(to[1], True):
                yield to[0], effect
        yield from self.update()

    def take_out(self, port: Port) -> Iterator[tuple[str, Effect]]:
        """A port disappears from its switch."""
        switch = self.switches[port[0]]
        assert switch is not None
        self.out.add(port)
        for effect in switch.port(port[1], None):
            yield port[0], effect
        yield from self.update()

    def put_in(self, port: Port) -> Iterator[tuple[str, Effect]]:
        """A port is there again."""
        switch = self.switches[port[0]]
        assert switch is not None
        self.out.discard(port)
        for effect in switch.port(port[1], self.linked(port)):
            yield port[0], effect
        yield from self.update()

    def crash(self, name: str) -> Iterator[tuple[str, Effect]]:
        """A switch loses power, and its tables."""
        self.switches[name] = None
        yield from self.update()

    def restart(self, name: str) -> Iterator[tuple[str, Effect]]:
        """A switch comes up with empty tables."""
        here = {port for where, port in (*self.cables, *self.plugged) if where == name}
        ports = {p: self.linked((name, p)) for p in sorted(here) if (name, p) not in self.out}
        self.switches[name] = Switch(self.topology.dpids[name], ports, self.table_size)
        yield from self.update()

    def free_port(self, switch: str) -> int:
        """A port number that nothing ever was plugged into."""
        known: tuple[Port, ...] = (*self.cables, *self.plugged, *self.out)
        used: list[int] = [p for where, p in known if where == switch]
        it = self.switches[switch]
        here = list(it.forwarding.ports) if it is not None else []
        return max([*used, *here, 0]) + 1


def pair(a: str, b: str) -> tuple[str, str]:
    """A link by its two switches, in order."""
    return (a, b) if (len(a), a) <= (len(b), b) else (b, a)

"""The controller's map against the network: what it believes in, and what is there.

The one insight: a map is wrong long before a packet is lost by it, so it is compared as such: what the
applications keep (`links`, `hosts`) and what os-ken's own topology component keeps (`dps` too), unmodified.
(The correspondence invariant of STS, SIGCOMM'14, section 4.)

A link, host or switch that is not there is wrong at rest; a link that is there and not believed in is wrong
when nothing was changed for `seconds`, since discovery takes time.  Not here: counts of entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from demi.oracle import Memory, View
from demi.verdict import Detail
from targets.sdn.network.topology import Topology
from targets.sdn.network.wiring import Port, Wiring
from targets.sdn.view import NetworkView

Links = set[tuple[Port, Port]]


def believed_links(app: Any, topology: Topology) -> Links | None:
    """(from, to) of each link that an application believes in; None for one that keeps none."""
    links = getattr(app, "links", None)
    if not isinstance(links, dict):
        return None
    found: Links = set()
    for key, value in links.items():
        if hasattr(key, "src"):  # os-ken's Link, with the time when it was last seen
            ends = (key.src.dpid, key.src.port_no), (key.dst.dpid, key.dst.port_no)
        else:
            ends = key, value
        (a, p), (b, q) = ends
        found.add(((topology.switch(a), p), (topology.switch(b), q)))
    return found


def believed_hosts(app: Any, topology: Topology) -> Mapping[str, Port]:
    """Host -> where an application believes it is plugged in; only hosts of the network."""
    hosts = getattr(app, "hosts", None)
    found: dict[str, Port] = {}
    for mac, value in hosts.items() if isinstance(hosts, dict) else ():
        at = (value.port.dpid, value.port.port_no) if hasattr(value, "port") else value
        name = topology.host(int(str(mac).replace(":", ""), 16))
        if name:
            found[name] = (topology.switch(at[0]), at[1])
    return found


def believed_switches(app: Any, topology: Topology) -> set[str]:
    """Switches that os-ken's topology component believes to be connected."""
    known = getattr(app, "dps", None)
    return {topology.switch(dpid) for dpid in known} if isinstance(known, dict) else set()


def real_links(wiring: Wiring) -> Links:
    """Links between switches that are up, over cables that are whole."""
    return {
        (near, far)
        for near, far in wiring.cables.items()
        if near not in wiring.out and wiring.linked(near) and wiring.switches[near[0]] is not None
    }


@dataclass(slots=True)
class ControllerMap:
    """The links and hosts that a controller believes in are there, and no link is missing for long."""

    seconds: float
    name: str = "ControllerMap"
    doc: str = "what the controller believes of links and hosts is so"

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if not view.settled:
            return memory, None
        world = view.world
        version, now = world.wiring.version, world.clock.now
        if not memory or memory[0] != version:
            memory = (version, now)
        late = now - memory[1] >= self.seconds
        for node, controller in enumerate(world.controllers):
            connected = {world.names[switch] for who, switch in world.open if who == node}
            for name, app in sorted(controller.apps().items()):
                ghosts = believed_switches(app, world.topology) - connected
                for role, nodes, text in (*_ghosts(ghosts), *_wrong(app, world.wiring, late)):
                    who = f"{controller.name} ({name})"
                    return memory, Detail((controller.name, *nodes), f"{who} {text}", role)
        return memory, None


Wrong = tuple[str, tuple[str, ...], str]


def _ghosts(names: set[str]) -> Iterator[Wrong]:
    for name in sorted(names):
        yield "ghost switch", (name,), f"believes in {name}, which is not connected"


def _wrong(app: Any, wiring: Wiring, late: bool) -> Iterator[Wrong]:
    believed, real = believed_links(app, wiring.topology), real_links(wiring)
    if believed is not None:
        for a, b in sorted(believed - real):
            yield (
                "ghost link",
                (a[0],),
                f"believes in the link {_at(a)} > {_at(b)}, which is not there",
            )
        for a, b in sorted(real - believed) if late else ():
            yield "unknown link", (a[0],), f"does not know of the link {_at(a)} > {_at(b)}"
    for name, at in sorted(believed_hosts(app, wiring.topology).items()):
        host = wiring.hosts[name]
        if host.at != at:
            yield (
                "misplaced host",
                (name,),
                f"believes {name} at {_at(at)}; it is at {_at(host.at)}",
            )


def _at(port: Port) -> str:
    return f"{port[0]}:{port[1]}"

"""What each input does to a network.

The one insight: an input changes the wiring or a channel and nothing else; what follows from it (a port
goes down, a switch says so, a controller reacts) are events like all others.

Not here: when an input is possible (`outside.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from demi.interpose.channels import remove_sorted
from targets.sdn.network.wiring import pair
from targets.sdn.packets import ARP_REQUEST, arp_frame, udp_frame

if TYPE_CHECKING:
    from targets.sdn.world import NetworkWorld

UDP_PORT = 7
Nodes = tuple[str, ...]
Args = Mapping[str, Any]


def _send(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    src, dst = world.wiring.hosts[nodes[0]], world.wiring.hosts.get(args["to"])
    ends = dst.ends if dst is not None else _service(args["to"])
    world.host_sends(src, udp_frame(src.ends, ends, args.get("port", UDP_PORT), b"demi"))


def _service(address: str) -> tuple[int, int]:
    """(mac, ipv4) of what is no host: the locally administered MAC address with that IP address in it."""
    ip = int(IPv4Address(address))
    return 0x0200 << 32 | ip, ip


def _arp(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    src, dst = world.wiring.hosts[nodes[0]], world.wiring.hosts[args["to"]]
    world.host_sends(src, arp_frame(ARP_REQUEST, src.ends, (0, dst.ip)))


def _migrate(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    host = world.wiring.hosts[nodes[0]]
    where = world.index[host.name]
    world.lose(where, world.index[host.at[0]])
    world.lose(world.index[host.at[0]], where)
    world.spread(world.wiring.migrate(host, (args["to"], world.wiring.free_port(args["to"]))))


def _wait(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    world.clock.grant(float(args["seconds"]))


def _port(world: NetworkWorld, nodes: Nodes, args: Args, there: bool) -> None:
    at = (nodes[0], int(args["port"]))
    far = world.wiring.far_end(at)
    if not there and far is not None:
        other = world.index[far[0] if isinstance(far, tuple) else far.name]
        world.lose(world.index[nodes[0]], other)
        world.lose(other, world.index[nodes[0]])
    world.spread(world.wiring.put_in(at) if there else world.wiring.take_out(at))


def _crash(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    name, node = nodes[0], world.index[nodes[0]]
    if node < len(world.controllers):
        world.controllers[node].crash()
        _all_channels(world, node, world.disconnect)
        world.paused.discard(node)
        world.clock.restart(node, world.current)
        return
    for other in range(len(world.names)):
        if other >= len(world.controllers):
            world.lose(node, other)
            world.lose(other, node)
    world.spread(world.wiring.crash(name))
    world.clock.restart(node, world.current)
    for who in range(len(world.controllers)):
        world.disconnect(who, node)


def _restart(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    name, node = nodes[0], world.index[nodes[0]]
    if node < len(world.controllers):
        world.controllers[node].restart()
        world.run(node)
        for switch in world.topology.switches:
            if world.wiring.switches[switch] is not None:
                world.connect(node, world.index[switch])
        return
    world.spread(world.wiring.restart(name))
    _reconnect(world, nodes, args)


def _cut(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    a, b = world.index[nodes[0]], world.index[nodes[1]]
    world.lose(a, b)
    world.lose(b, a)
    world.wiring.cut.add(pair(*nodes))
    world.spread(world.wiring.update())


def _heal(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    world.wiring.cut.discard(pair(*nodes))
    world.spread(world.wiring.update())


def _drop(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    oldest = world.in_flight(world.index[nodes[1]], world.index[nodes[0]])[0]
    world.network.drop(oldest)
    world.current.lost = [oldest]


def _all_channels(world: NetworkWorld, node: int, do: Callable[[int, int], None]) -> None:
    for switch in world.topology.switches:
        do(node, world.index[switch])


def _block(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    for who in range(len(world.controllers)):
        if (who, world.index[nodes[0]]) in world.open:
            world.hold(who, world.index[nodes[0]])


def _unblock(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    for who in range(len(world.controllers)):
        world.release(who, world.index[nodes[0]])


def _disconnect(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    for who in range(len(world.controllers)):
        world.disconnect(who, world.index[nodes[0]])


def _reconnect(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    for who, controller in enumerate(world.controllers):
        if controller.alive:
            world.connect(who, world.index[nodes[0]])


def _pause(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    node = world.index[nodes[0]]
    world.paused.add(node)
    for dst, src in world.channels():
        if dst == node:
            for event in world.in_flight(dst, src)[:1]:
                remove_sorted(world.events, event)


def _resume(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    node = world.index[nodes[0]]
    world.paused.discard(node)
    for dst, src in world.channels():
        if dst == node:
            world.show(src, dst)
    world.run(node)


def _reload(world: NetworkWorld, nodes: Nodes, args: Args) -> None:
    node = world.index[nodes[0]]
    world.controllers[node].reload()
    world.run(node)


DO: dict[str, Callable[[NetworkWorld, Nodes, Args], None]] = {
    "send": _send, "arp": _arp, "migrate": _migrate, "wait": _wait, "crash": _crash,
    "restart": _restart, "cut": _cut, "heal": _heal, "drop": _drop, "block": _block,
    "unblock": _unblock, "disconnect": _disconnect, "reconnect": _reconnect, "pause": _pause,
    "resume": _resume, "reload": _reload,
    "portdel": lambda w, n, a: _port(w, n, a, False),
    "portadd": lambda w, n, a: _port(w, n, a, True),
}  # fmt: skip

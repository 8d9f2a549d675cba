"""What invariants and traces see of a network.

The one insight: what must hold of a network holds when it has come to rest and been given time, so the
view says whether it is *settled* now; what is wrong only before that is transient.

A switch shows its ports and flow entries, one field each, so a trace shows which entry changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from demi.events import Event, Kind
from targets.sdn.network.switch import Switch
from targets.sdn.openflow import oxm
from targets.sdn.openflow.oxm import Match
from targets.sdn.openflow.readable import instructions_text, match_text, port_name
from targets.sdn.packets import Hosts, mac_name

if TYPE_CHECKING:
    from targets.sdn.world import NetworkWorld

GONE = "gone"
_START = int(Kind.START)


class NetworkView:
    """world: to be read only.  settled: nothing is in flight and granted time is used up.

    settlements: how many times that was so, one count per rest.
    """

    def __init__(self, world: NetworkWorld) -> None:
        self.world = world
        self.names: Sequence[str] = world.names
        self.touched: Sequence[int] = range(len(world.names))
        self.settled = False
        self._seen: dict[int, dict[str, Any]] = {}

    def update(self, events: Sequence[Event]) -> None:
        """After a step: is the network at rest?"""
        rest = not events or events[0][0] >= _START
        self.settled = rest and self._whole()

    def touch(self, node: int) -> None:
        """A step runs this node."""
        self.touched = (node,)

    def also(self, node: int) -> None:
        """The step changes this one too."""
        if node not in self.touched:
            self.touched = (*self.touched, node)

    def _whole(self) -> bool:
        """Every controller is alive and every switch that is up talks to one, unhindered."""
        world = self.world
        if world.held or world.paused or not any(c.alive for c in world.controllers):
            return False
        reached = {switch for _, switch in world.open}
        return all(
            switch is None or world.index[name] in reached
            for name, switch in world.wiring.switches.items()
        )

    def state(self, node: int) -> Any:
        """A dict of fields; None while the node is down.  What a switch lost since is `gone`."""
        fields = self.fields(node)
        if fields is None or self.names[node] not in self.world.topology.dpids:
            return fields
        state = dict.fromkeys(self._seen.get(node, {}), GONE) | fields
        self._seen[node] = state
        return state

    def fields(self, node: int) -> dict[str, Any] | None:
        """What the node is now."""
        world, name = self.world, self.names[node]
        if node < len(world.controllers):
            return {"up": True} if world.controllers[node].alive else None
        host = world.wiring.hosts.get(name)
        if host is not None:
            return {"at": f"{host.at[0]}:{host.at[1]}", "heard": host.heard}
        switch = world.wiring.switches[name]
        return None if switch is None else _switch(switch, world.hosts)


def _switch(switch: Switch, hosts: Hosts) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for number, up in sorted(switch.forwarding.ports.items()):
        fields[f"port {number}"] = "up" if up else "down"
    for at, table in enumerate(switch.forwarding.tables):
        for entry in table:
            fields[flow_name(at, entry.priority, entry.match, hosts)] = instructions_text(
                entry.instructions
            )
    for group in sorted(switch.forwarding.groups):
        fields[f"group {group}"] = len(switch.forwarding.groups[group].buckets)
    return fields


def flow_name(table: int, priority: int, match: Match, hosts: Hosts) -> str:
    """`1: h1>h3`, `t2 p100 eth_type=0x800`: short where it is a plain learned entry."""
    exact = {index: value for index, value, mask in match if mask == oxm.full_mask(index)}
    head = f"t{table} " if table else ""
    if len(exact) == len(match) and set(exact) <= {oxm.IN_PORT, oxm.ETH_SRC, oxm.ETH_DST} and exact:
        port = f"{port_name(exact[oxm.IN_PORT])}: " if oxm.IN_PORT in exact else ""
        src = mac_name(exact[oxm.ETH_SRC], hosts) if oxm.ETH_SRC in exact else "*"
        dst = mac_name(exact[oxm.ETH_DST], hosts) if oxm.ETH_DST in exact else "*"
        tail = "" if priority == 1 else f" p{priority}"
        return f"{head}{port}{src}>{dst}{tail}"
    return f"{head}p{priority} {match_text(match)}"

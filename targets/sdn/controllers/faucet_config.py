"""A faucet configuration for a network: one VLAN, every host's port in it, links between switches stacked.

The one insight: all that faucet wants to know of a network the topology says already, so `app=faucet` runs on
any; a configuration of one's own says more (ACLs, routing, several VLANs).

What the minimizer leaves out of a network stays in its configuration, as in an office where a switch is
switched off.  Not here: running it (`faucet.py`).
"""

from __future__ import annotations

from targets.sdn.network.topology import Topology, find_topology, whole_of

VLAN = 100
SPARE_PORTS = 4  # of each switch, for hosts that move


def written_for(topology: Topology) -> str:
    """The YAML text."""
    network = find_topology(whole_of(topology.name))
    lines = [f"vlans: {{office: {{vid: {VLAN}}}}}", "dps:"]
    for number, name in enumerate(network.switches):
        used = network.ports(name)
        hosts = [port for where, port in network.at.values() if where == name]
        last = max(used, default=0)
        hosts += range(last + 1, last + 1 + SPARE_PORTS)
        stacked = any(name in (a, b) for a, _, b, _ in network.links)
        lines += [
            f"  {name}:",
            f"    dp_id: {network.dpids[name]}",
            "    hardware: Open vSwitch",
            *(["    stack: {priority: 1}"] if stacked and not number else []),
            "    interfaces:",
            *(f"      {port}: {{native_vlan: office}}" for port in hosts),
        ]
        for a, p, b, q in network.links:
            if a == name:
                lines.append(f"      {p}: {{stack: {{dp: {b}, port: {q}}}}}")
            if b == name:
                lines.append(f"      {q}: {{stack: {{dp: {a}, port: {p}}}}}")
    return "\n".join(lines) + "\n"

"""Topologies: which switches, hosts and links there are, from a short name or from a file.

The one insight: networkx generates the graphs, so a name such as `fattree:4` is a few lines here.

    line:N  ring:N  mesh:N   N switches, one host each
    single:N                 one switch, N hosts
    fattree:K                5K²/4 switches, K³/4 hosts (Al-Fares, Loukissas, Vahdat, SIGCOMM'08)
    PATH.json                {"hosts": {"h1": "s1"}, "links": [["s1", "s2"]]}, any names;
                             {"switches": {"core": 17, "edge": 18}} gives datapath ids
    NAME without h2,s3,s1-s2 any of these less hosts, switches and links; ports keep their numbers
    NAME only h1,s1,s2,s1-s2 the same, saying what is left

Ports are numbered from 1: on each switch its hosts first, then its links in the order of their other ends.
A switch `s7` has datapath id 7 and a host `h7` address 7 where nothing else is said; others have the least
that is free.  Not here: what is plugged in now (`wiring.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from demi.errors import TargetError
from demi.target import nearest
from targets.sdn.network.topology_file import HOSTS_MAX, SWITCHES_MAX, read_topology

WITHOUT, ONLY = " without ", " only "
_NAME = re.compile(r"(line|ring|mesh|fattree|single):(\d{1,3})")
_NUMBERED = re.compile(r"[sh]([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class Topology:
    """switches, hosts: names in order.  at: host -> (switch, port).

    links: (switch, port, switch, port), each link once.  dpids: of switches.  macs: of hosts.
    """

    name: str
    switches: tuple[str, ...]
    hosts: tuple[str, ...]
    at: dict[str, tuple[str, int]]
    links: tuple[tuple[str, int, str, int], ...]
    dpids: dict[str, int]
    macs: dict[str, int]

    def parts(self) -> list[str]:
        """Hosts, switches and links (`s1-s2`), by name."""
        return [*self.hosts, *self.switches, *(f"{a}-{b}" for a, _, b, _ in self.links)]

    def switch(self, dpid: int) -> str:
        """The switch with this datapath id; `dpid 9` when there is none."""
        return next((name for name, it in self.dpids.items() if it == dpid), f"dpid {dpid}")

    def host(self, mac: int) -> str:
        """The host with this address; "" when there is none."""
        return next((name for name, it in self.macs.items() if it == mac), "")

    def ports(self, switch: str) -> list[int]:
        """The ports of a switch that something is plugged into."""
        used = [port for where, port in self.at.values() if where == switch]
        used += [p for a, p, b, q in self.links if a == switch]
        used += [q for a, p, b, q in self.links if b == switch]
        return sorted(used)


def find_topology(text: str) -> Topology:
    """A topology by name or file.  Raises TargetError."""
    base, _, less = text.partition(WITHOUT)
    if less:
        return without(find_topology(base), less.split(","))
    base, _, left = text.partition(ONLY)
    if left:
        whole, kept = find_topology(base), left.split(",")
        return without(whole, [part for part in whole.parts() if part not in _named(whole, kept)])
    named = _NAME.fullmatch(text)
    if named is not None:
        return _generated(text, named[1], int(named[2]))
    if text.endswith(".json"):
        return _from_file(text)
    known = ["line:3", "ring:4", "mesh:3", "fattree:4", "single:4"]
    raise TargetError(
        f"no topology {text!r}", remedy=nearest(text, known) + "; or a file that ends in .json"
    )


def whole_of(name: str) -> str:
    """The name of the network that a name leaves something out of."""
    return name.partition(WITHOUT)[0].partition(ONLY)[0]


def without(topology: Topology, gone: Sequence[str]) -> Topology:
    """The topology less hosts, switches (with what is plugged into them) and links `s1-s2`.

    Raises TargetError for what it does not have, or when no switch is left.
    """
    left_out = _named(topology, gone)
    switches = tuple(name for name in topology.switches if name not in left_out)
    if not switches:
        raise TargetError(f"{topology.name} without all its switches is no network")
    at = {
        host: (where, port)
        for host, (where, port) in topology.at.items()
        if host not in left_out and where not in left_out
    }
    wired = tuple(
        (a, p, b, q) for a, p, b, q in topology.links if not left_out & {a, b, f"{a}-{b}"}
    )
    hosts = tuple(host for host in topology.hosts if host in at)
    dpids = {name: topology.dpids[name] for name in switches}
    macs = {name: topology.macs[name] for name in hosts}
    left = Topology("", switches, hosts, at, wired, dpids, macs)
    root = whole_of(topology.name)
    kept = frozenset(left.parts())
    less = [part for part in find_topology(root).parts() if part not in kept]
    names = (root + WITHOUT + ",".join(less), root + ONLY + ",".join(left.parts()))
    return replace(left, name=min(names, key=len) if less else root)


def _named(topology: Topology, names: Sequence[str]) -> frozenset[str]:
    parts = topology.parts()
    for name in names:
        if name not in parts:
            raise TargetError(f"{topology.name} has no {name!r}", remedy=nearest(name, parts))
    return frozenset(names)


def _generated(text: str, kind: str, n: int) -> Topology:
    import networkx as nx

    if kind == "fattree":
        return _fat_tree(text, n)
    if kind == "single":
        if not 1 <= n <= HOSTS_MAX:
            raise TargetError(f"topology {text!r}: single needs 1 to {HOSTS_MAX} hosts")
        return _build(text, {"s1": 1}, [(f"h{i}", "s1") for i in range(1, n + 1)], [])
    least = {"line": 1, "ring": 3, "mesh": 2}[kind]
    if not least <= n <= SWITCHES_MAX:
        raise TargetError(f"topology {text!r}: {kind} needs {least} to {SWITCHES_MAX} switches")
    make = {"line": nx.path_graph, "ring": nx.cycle_graph, "mesh": nx.complete_graph}[kind]
    graph = make(range(1, n + 1))
    hosts = [(f"h{i}", f"s{i}") for i in range(1, n + 1)]
    return _build(text, _numbered(n), hosts, [(f"s{a}", f"s{b}") for a, b in graph.edges])


def _numbered(count: int) -> dict[str, int]:
    return {f"s{i}": i for i in range(1, count + 1)}


def _fat_tree(text: str, k: int) -> Topology:
    if k % 2 or not 2 <= k <= 12:
        raise TargetError(f"topology {text!r}: a fat tree needs an even number from 2 to 12")
    half = k // 2
    core = half * half
    links: list[tuple[int, int]] = []
    hosts: list[tuple[str, str]] = []
    for pod in range(k):
        for edge in range(half):
            low = core + pod * k + half + edge + 1
            for up in range(half):
                links.append((core + pod * k + up + 1, low))
                hosts.append((f"h{len(hosts) + 1}", f"s{low}"))
        for up in range(half):
            links += [(up * half + c + 1, core + pod * k + up + 1) for c in range(half)]
    return _build(text, _numbered(core + k * k), hosts, [(f"s{a}", f"s{b}") for a, b in links])


def _build(
    text: str, dpids: dict[str, int], hosts: list[tuple[str, str]], links: list[tuple[str, str]]
) -> Topology:
    """Switches in order of their ids."""
    switches = tuple(sorted(dpids, key=lambda name: dpids[name]))
    place = {name: at for at, name in enumerate(switches)}
    used = dict.fromkeys(switches, 0)

    def plug(switch: str) -> int:
        used[switch] += 1
        return used[switch]

    at = {host: (switch, plug(switch)) for host, switch in hosts}
    ends = sorted(sorted((place[a], place[b])) for a, b in links)
    wired = tuple([
        (switches[a], plug(switches[a]), switches[b], plug(switches[b])) for a, b in ends
    ])  # fmt: skip
    names = tuple(host for host, _ in hosts)
    return Topology(text, switches, names, at, wired, dpids, numbers(names))


def numbers(names: Sequence[str], given: Mapping[str, int] | None = None) -> dict[str, int]:
    """A number for each name: as given, the one in it (`s7`), or the least that is free."""
    found: dict[str, int] = dict(given or {})
    taken = set(found.values())
    for name in names:
        own = _NUMBERED.fullmatch(name)
        if own is not None and name not in found and int(own[1]) not in taken:
            found[name] = int(own[1])
            taken.add(found[name])
    free = (n for n in count(1) if n not in taken)
    return {name: found[name] if name in found else next(free) for name in names}


def _from_file(text: str) -> Topology:
    switches, hosts, links = read_topology(Path(text))
    dpids = numbers(list(switches), {name: dpid for name, dpid in switches.items() if dpid})
    order = numbers([host for host, _ in hosts])
    return _build(text, dpids, sorted(hosts, key=lambda pair: order[pair[0]]), links)

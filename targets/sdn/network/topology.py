"""Topologies: which switches, hosts and links there are, from a short name or from a file.

The one insight: networkx generates the graphs, so a name such as `fattree:4` is a few lines here.

    line:N  ring:N  mesh:N   N switches, one host each
    single:N                 one switch, N hosts
    fattree:K                5K²/4 switches, K³/4 hosts (Al-Fares, Loukissas, Vahdat, SIGCOMM'08)
    PATH.json                {"hosts": {"h1": "s1"}, "links": [["s1", "s2"]]}
    NAME without h2,s3,s1-s2 any of these less hosts, switches and links; ports keep their numbers
    NAME only h1,s1,s2,s1-s2 the same, saying what is left

Nodes are s1, s2... and h1, h2...; ports are numbered from 1: on each switch its hosts first, then its
links in the order of their other ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from demi.errors import TargetError
from demi.target import nearest

SWITCHES_MAX, HOSTS_MAX = 200, 500
WITHOUT, ONLY = " without ", " only "
_NAME = re.compile(r"(line|ring|mesh|fattree|single):(\d{1,3})")
_NODE = re.compile(r"[sh][1-9]\d{0,2}")


@dataclass(frozen=True, slots=True)
class Topology:
    """switches, hosts: names in order.  at: host -> (switch, port).

    links: (switch, port, switch, port), each link once.
    """

    name: str
    switches: tuple[str, ...]
    hosts: tuple[str, ...]
    at: dict[str, tuple[str, int]]
    links: tuple[tuple[str, int, str, int], ...]

    def parts(self) -> list[str]:
        """Hosts, switches and links (`s1-s2`), by name."""
        return [*self.hosts, *self.switches, *(f"{a}-{b}" for a, _, b, _ in self.links)]

    def ports(self, switch: str) -> list[int]:
        """The ports of a switch that something is plugged into."""
        used = [port for where, port in self.at.values() if where == switch]
        used += [p for a, p, b, q in self.links if a == switch]
        used += [q for a, p, b, q in self.links if b == switch]
        return sorted(used)


def number(name: str) -> int:
    """3 for `s3` and `h3`."""
    return int(name[1:])


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
        return _read(Path(text))
    known = ["line:3", "ring:4", "mesh:3", "fattree:4", "single:4"]
    raise TargetError(
        f"no topology {text!r}", remedy=nearest(text, known) + "; or a file that ends in .json"
    )


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
    left = Topology("", switches, hosts, at, wired)
    root = topology.name.partition(WITHOUT)[0].partition(ONLY)[0]
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
        return _build(text, 1, [(f"h{i}", "s1") for i in range(1, n + 1)], [])
    least = {"line": 1, "ring": 3, "mesh": 2}[kind]
    if not least <= n <= SWITCHES_MAX:
        raise TargetError(f"topology {text!r}: {kind} needs {least} to {SWITCHES_MAX} switches")
    make = {"line": nx.path_graph, "ring": nx.cycle_graph, "mesh": nx.complete_graph}[kind]
    graph = make(range(1, n + 1))
    hosts = [(f"h{i}", f"s{i}") for i in range(1, n + 1)]
    return _build(text, n, hosts, [(a, b) for a, b in graph.edges])


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
    return _build(text, core + k * k, hosts, links)


def _build(
    text: str, count: int, hosts: list[tuple[str, str]], links: list[tuple[int, int]]
) -> Topology:
    switches = tuple(f"s{i}" for i in range(1, count + 1))
    used = dict.fromkeys(switches, 0)

    def plug(switch: str) -> int:
        used[switch] += 1
        return used[switch]

    at = {host: (switch, plug(switch)) for host, switch in hosts}
    ends = sorted((min(pair), max(pair)) for pair in links)
    wired = tuple([(f"s{a}", plug(f"s{a}"), f"s{b}", plug(f"s{b}")) for a, b in ends])
    return Topology(text, switches, tuple(host for host, _ in hosts), at, wired)


def _read(path: Path) -> Topology:
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TargetError(f"cannot read the topology: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise TargetError(f"the topology is not JSON: {error}", where=str(path)) from error
    hosts, links = _checked(path, found)
    names = {switch for _, switch in hosts} | {end for link in links for end in link}
    count = max((number(name) for name in names), default=0)
    if not 1 <= count <= SWITCHES_MAX or len(hosts) > HOSTS_MAX:
        raise TargetError(
            f"a topology has 1 to {SWITCHES_MAX} switches and at most {HOSTS_MAX} hosts",
            where=str(path),
        )
    missing = [f"s{i}" for i in range(1, count + 1) if f"s{i}" not in names]
    if missing:
        raise TargetError(
            f"nothing is plugged into {', '.join(missing)}", where=str(path),
            remedy="number the switches s1, s2, ... without gaps",
        )  # fmt: skip
    return _build(str(path), count, hosts, [(number(a), number(b)) for a, b in links])


def _checked(path: Path, found: object) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Hosts and links of a topology file, each name looked at."""
    shape = 'write {"hosts": {"h1": "s1"}, "links": [["s1", "s2"]]}'
    hosts = found.get("hosts", {}) if isinstance(found, dict) else None
    links = found.get("links", []) if isinstance(found, dict) else None
    if not isinstance(hosts, dict) or not isinstance(links, list):
        raise TargetError("not a topology", where=str(path), remedy=shape)
    for host, switch in hosts.items():
        _known(path, f"host {host}", host, "h")
        _known(path, f"host {host}", switch, "s")
    for at, link in enumerate(links):
        if not isinstance(link, list) or len(link) != 2 or link[0] == link[1]:
            raise TargetError(
                f"link {at + 1} is not two different switches: {link!r}",
                where=str(path),
                remedy=shape,
            )
        for end in link:
            _known(path, f"link {at + 1}", end, "s")
    ordered = sorted(hosts.items(), key=lambda pair: number(pair[0]))
    return ordered, [(link[0], link[1]) for link in links]


def _known(path: Path, what: str, name: object, letter: str) -> None:
    if isinstance(name, str) and _NODE.fullmatch(name) and name[0] == letter:
        return
    kind = "switch" if letter == "s" else "host"
    raise TargetError(
        f"{what} names an unknown {kind} {name!r}", where=str(path),
        remedy=f"a {kind} is called {letter}1, {letter}2, ...",
    )  # fmt: skip

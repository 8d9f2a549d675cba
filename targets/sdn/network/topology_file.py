"""Reading a network from a file: names, links, ids; each looked at before anything is built of it.

The one insight: what a file means is simple and what may be wrong with it is not, so everything that can be
a slip is named with its place, and what is left needs no further look.

    {"hosts": {"h1": "s1"}, "links": [["s1", "s2"]]}
    {"switches": {"core": 17, "edge": 0}, "hosts": {"anna": "edge"}, "links": [["core", "edge"]]}

Not here: what ports and numbers the parts get (`topology.py`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from demi.errors import TargetError
from demi.target import nearest

SWITCHES_MAX, HOSTS_MAX = 200, 500
DPID_MAX = (1 << 64) - 1
_NODE = re.compile(r"(?!c\d+$)[A-Za-z_][\w.]{0,30}")  # c1, c2... are controllers
Hosts = list[tuple[str, str]]
Links = list[tuple[str, str]]
_SHAPE = 'write {"hosts": {"h1": "s1"}, "links": [["s1", "s2"]]}'


def read_topology(path: Path) -> tuple[dict[str, int], Hosts, Links]:
    """(switch -> datapath id, 0 for any; hosts with their switches; links).  Raises TargetError."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TargetError(f"cannot read the topology: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        raise TargetError(f"the topology is not JSON: {error}", where=str(path)) from error
    given, hosts, links = _checked(path, found)
    named = [*given, *(switch for _, switch in hosts), *(end for link in links for end in link)]
    names = list(dict.fromkeys(named))
    if not 1 <= len(names) <= SWITCHES_MAX or len(hosts) > HOSTS_MAX:
        raise TargetError(
            f"a topology has 1 to {SWITCHES_MAX} switches and at most {HOSTS_MAX} hosts",
            where=str(path),
        )
    both = [host for host, _ in hosts if host in names]
    if both:
        raise TargetError(
            f"{both[0]!r} is a host and a switch", where=str(path), remedy="give each its own name"
        )
    if not given:
        _check_whole(path, names, links)
    return {name: given.get(name, 0) for name in names}, hosts, links


def _checked(path: Path, found: object) -> tuple[dict[str, int], Hosts, Links]:
    known: dict[str, Any] = found if isinstance(found, dict) else {"hosts": None}
    kept: dict[str, Any] = {key: known.get(key, kind) for key, kind in _KINDS.items()}
    switches, hosts, links = kept["switches"], kept["hosts"], kept["links"]
    if any(type(kept[key]) is not type(kind) for key, kind in _KINDS.items()):
        raise TargetError("not a topology", where=str(path), remedy=_SHAPE)
    for key in known:
        if key not in _KINDS:
            raise TargetError(
                f"a topology has no {key!r}", where=str(path), remedy=nearest(key, list(_KINDS))
            )
    _check_ids(path, switches)
    for host, switch in hosts.items():
        _check_name(path, f"host {host}", host)
        _check_name(path, f"host {host}", switch)
    for at, link in enumerate(links):
        if not isinstance(link, list) or len(link) != 2 or link[0] == link[1]:
            raise TargetError(
                f"link {at + 1} is not two different switches: {link!r}",
                where=str(path),
                remedy=_SHAPE,
            )
        for end in link:
            _check_name(path, f"link {at + 1}", end)
            if end in hosts or (switches and end not in switches):
                raise TargetError(
                    f"link {at + 1} names an unknown switch {end!r}", where=str(path),
                    remedy="hosts are plugged in by 'hosts'; 'switches' names all, or is left out",
                )  # fmt: skip
    for host, switch in hosts.items():
        if switches and switch not in switches:
            raise TargetError(
                f"host {host} names an unknown switch {switch!r}", where=str(path),
                remedy=nearest(str(switch), list(switches)),
            )  # fmt: skip
    _check_pairs(path, links)
    return switches, list(hosts.items()), [(link[0], link[1]) for link in links]


_KINDS: dict[str, Any] = {"switches": {}, "hosts": {}, "links": []}


def _check_ids(path: Path, switches: dict[str, Any]) -> None:
    seen: dict[int, str] = {}
    for name, dpid in switches.items():
        _check_name(path, "'switches'", name)
        if type(dpid) is not int or not 0 <= dpid <= DPID_MAX:
            raise TargetError(
                f"switch {name} has no datapath id {dpid!r}", where=str(path),
                remedy="a number from 1, or 0 for any",
            )  # fmt: skip
        if dpid and dpid in seen:
            raise TargetError(
                f"{seen[dpid]} and {name} have the same datapath id {dpid}", where=str(path)
            )
        seen[dpid] = name


def _check_whole(path: Path, names: list[str], links: Links) -> None:
    """A name that nobody listed and that nothing leads to is most likely a slip."""
    reached, todo = {names[0]}, [names[0]]
    while todo:
        here = todo.pop()
        for a, b in links:
            for near, far in ((a, b), (b, a)):
                if near == here and far not in reached:
                    reached.add(far)
                    todo.append(far)
    apart = [name for name in names if name not in reached]
    if apart:
        raise TargetError(
            f"no links lead from {names[0]} to {', '.join(apart)}", where=str(path),
            remedy='is a name misspelt? {"switches": {"s1": 0, ...}} names all that are meant',
        )  # fmt: skip


def _check_pairs(path: Path, links: list[list[str]]) -> None:
    seen: set[frozenset[str]] = set()
    for at, link in enumerate(links):
        if frozenset(link) in seen:
            raise TargetError(
                f"link {at + 1} joins {link[0]} and {link[1]} once more", where=str(path),
                remedy="one link between two switches",
            )  # fmt: skip
        seen.add(frozenset(link))


def _check_name(path: Path, what: str, name: object) -> None:
    if isinstance(name, str) and _NODE.fullmatch(name):
        return
    raise TargetError(
        f"{what} names {name!r}, which is no name of a host or switch", where=str(path),
        remedy="a letter, then letters, digits, _ and .; c1, c2... are controllers",
    )  # fmt: skip

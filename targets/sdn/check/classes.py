"""Header classes: packets that no switch of the network can tell apart.

The one insight: where a packet goes depends only on the fields that some entry, action or group looks at,
so headers projected on those fields stand for all packets that share them, and a few classes stand for
all traffic between hosts.  (Header classes as in Yang, Lam, ICNP'13, made from concrete packets.)

Not here: walking them (`walk.py`), classes of all headers (`all_headers.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from targets.sdn.network.pipeline import SELECT_FIELDS, Forwarding
from targets.sdn.network.wiring import Host
from targets.sdn.openflow import oxm
from targets.sdn.openflow.actions import Action
from targets.sdn.openflow.oxm import ABSENT, Headers
from targets.sdn.packets import parse, udp_frame

_VLAN = (oxm.VLAN_VID, oxm.VLAN_PCP)


def deciding(forwarding: Forwarding) -> frozenset[int]:
    """Fields that this switch looks at, in matches, rewrites and the choice of a bucket."""
    found: set[int] = set()
    for table in forwarding.tables:
        if not table.entries:
            continue
        for shape in table.shapes():
            found.update(index for index, _ in shape)
        for todo in {entry.instructions for entry in table}:
            _read(found, todo.apply)
            _read(found, todo.write)
    for group in forwarding.groups.values():
        if group.kind == 1:
            found.update(SELECT_FIELDS)
        for bucket in group.buckets:
            _read(found, bucket.actions)
    return frozenset(found)


def _read(found: set[int], actions: Iterable[Action]) -> None:
    for action in actions:
        if action[0] == "set":
            found.add(int(action[1]))
        elif action[0] in ("push_vlan", "pop_vlan"):
            found.update(_VLAN)
            if action[0] == "pop_vlan":  # only then it matters what is below
                found.add(oxm.INNER)


def project(headers: Headers, fields: frozenset[int]) -> Headers:
    """The class of these headers; the port of entry and metadata are kept."""
    return tuple([value if at < 2 or at in fields else ABSENT for at, value in enumerate(headers)])


class Traffic:
    """The classes of datagrams between hosts, without parsing a frame for each pair."""

    def __init__(self, fields: frozenset[int]) -> None:
        self._model = [*project((ABSENT, 0, *traffic_between((1, 1), (2, 2))[2:]), fields)]
        ends = (
            (oxm.ETH_SRC, 0, 0),
            (oxm.IPV4_SRC, 0, 1),
            (oxm.ETH_DST, 1, 0),
            (oxm.IPV4_DST, 1, 1),
        )
        self._ends = [end for end in ends if end[0] in fields]

    def between(self, src: Host, dst: Host) -> Headers:
        """The class of a datagram from one host to another, where it enters the network."""
        headers, hosts = self._model.copy(), ((src.mac, src.ip), (dst.mac, dst.ip))
        headers[oxm.IN_PORT] = src.at[1]
        for index, who, which in self._ends:
            headers[index] = hosts[who][which]
        return tuple(headers)


def traffic_between(src: tuple[int, int], dst: tuple[int, int], port: int = 7) -> Headers:
    """The headers of a datagram between two (mac, ipv4) ends."""
    return parse(udp_frame(src, dst, port, b"demi")).headers

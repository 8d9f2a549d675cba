"""Sets of headers as BDDs: one Boolean variable per bit of every field that some switch looks at.

The one insight: a flow table partitions headers into a few sets that a BDD names exactly, masks and
prefixes included, so a question about *all* packets costs about as much as one about some.
(After Yang, Lam, ICNP'13; `dd` with CUDD where it is built, its pure Python otherwise.)

A field that a packet of some kind does not have is a condition on the fields that make the kind: ipv4_dst
is there when eth_type is 0x0800.  Not here: what switches do with sets (`all_headers.py`).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import cache
from typing import Any

from demi.errors import TargetError
from targets.sdn.openflow import oxm
from targets.sdn.openflow.oxm import ABSENT, DEEP, FIELDS, VLAN_PRESENT, Headers, Match
from targets.sdn.packets import ARP, ICMP, ICMPV6, IPV4, IPV6, TCP, UDP

Set = Any
"""A set of headers."""
_NEEDS: dict[int, tuple[tuple[int, tuple[int, ...]], ...]] = {
    oxm.IP_DSCP: ((oxm.ETH_TYPE, (IPV4,)),),
    oxm.IP_PROTO: ((oxm.ETH_TYPE, (IPV4, IPV6)),),
    **dict.fromkeys((oxm.IPV4_SRC, oxm.IPV4_DST), ((oxm.ETH_TYPE, (IPV4,)),)),
    **dict.fromkeys((oxm.IPV6_SRC, oxm.IPV6_DST), ((oxm.ETH_TYPE, (IPV6,)),)),
    **dict.fromkeys(
        (oxm.ARP_OP, oxm.ARP_SPA, oxm.ARP_TPA, oxm.ARP_SHA, oxm.ARP_THA), ((oxm.ETH_TYPE, (ARP,)),)
    ),
    **dict.fromkeys((oxm.TCP_SRC, oxm.TCP_DST), ((oxm.IP_PROTO, (TCP,)),)),
    **dict.fromkeys((oxm.UDP_SRC, oxm.UDP_DST), ((oxm.IP_PROTO, (UDP,)),)),
    **dict.fromkeys((oxm.ICMPV4_TYPE, oxm.ICMPV4_CODE), ((oxm.IP_PROTO, (ICMP,)),)),
    **dict.fromkeys(
        (oxm.ICMPV6_TYPE, oxm.ICMPV6_CODE, oxm.ND_TARGET), ((oxm.IP_PROTO, (ICMPV6,)),)
    ),
}
"""Field -> conditions under which a packet has it: another field has one of these values."""


def needed(fields: Iterable[int]) -> frozenset[int]:
    """These fields and those that say whether a packet has them."""
    todo, found = list(fields), set[int]()
    while todo:
        field = todo.pop()
        if field not in found:
            found.add(field)
            todo += [other for other, _ in _NEEDS.get(field, ())]
            todo += [oxm.VLAN_VID] if field == oxm.VLAN_PCP else []
            todo += [oxm.VLAN_VID, oxm.VLAN_PCP] if field == oxm.INNER else []
    return frozenset(found - {oxm.IN_PORT})


class Symbols:
    """The variables of some fields, and sets over them.  Raises TargetError without `dd`."""

    def __init__(self, fields: Iterable[int]) -> None:
        self.fields = sorted(needed(fields))
        self.bdd: Any = _manager()
        names = [_bit(field, bit) for field in self.fields for bit in range(_bits(field))]
        self.bdd.declare(*sorted(names, key=_place))
        self.none, self.all = self.bdd.false, self.bdd.true
        self.has = cache(self._has)

    def value(self, field: int, value: int, mask: int) -> Set:
        """Headers whose field has this value under a mask; without looking whether they have it."""
        bits = [bit for bit in range(_bits(field)) if mask >> bit & 1]
        return self.bdd.cube({_bit(field, bit): bool(value >> bit & 1) for bit in bits})

    def exactly(self, field: int, value: int) -> Set:
        """Headers whose field is this."""
        return self.value(field, value, (1 << _bits(field)) - 1)

    def _has(self, field: int) -> Set:
        """Headers that have a field."""
        if field == oxm.VLAN_PCP:
            return self.value(oxm.VLAN_VID, VLAN_PRESENT, VLAN_PRESENT)
        found = self.all
        for other, values in _NEEDS.get(field, ()):
            some = self.none
            for value in values:
                some |= self.exactly(other, value)
            found &= some & self.has(other)
        return found

    def match(self, match: Match) -> Set:
        """Headers that a match takes, whatever port they come in by."""
        found = self.all
        for field, value, mask in match:
            if field != oxm.IN_PORT:
                found &= self.value(field, value, mask) & self.has(field)
        return found

    def put(self, some: Set, field: int, value: int, mask: int = -1) -> Set:
        """The same headers with bits of a field set to a value."""
        bits = [bit for bit in range(_bits(field)) if mask >> bit & 1]
        names = [_bit(field, bit) for bit in bits]
        return self.bdd.exist(names, some) & self.value(field, value, sum(1 << bit for bit in bits))

    def tags(self) -> Set:
        """Headers whose VLAN tags can be: none, or an outer one, and none below one that is missing."""
        if oxm.VLAN_VID not in self.fields:
            return self.all
        tagged, none = self.has(oxm.VLAN_PCP), self.exactly(oxm.VLAN_VID, 0)
        if oxm.INNER not in self.fields:
            return tagged | none
        below, empty = self.all, self.all
        for depth in reversed(range(DEEP)):
            there = self.bdd.var(_tag(depth)[-1])
            empty &= self.bdd.cube(dict.fromkeys(_tag(depth), False))
            below = there & below | empty
        return tagged & below | none & empty

    def push_tag(self, some: Set) -> Set:
        """The same headers with a tag in front: a copy of the outer one, or number 0."""
        tagged = self.has(oxm.VLAN_PCP)
        fresh = self.put(some & ~tagged, oxm.VLAN_VID, VLAN_PRESENT)
        if oxm.VLAN_PCP in self.fields:
            fresh = self.put(fresh, oxm.VLAN_PCP, 0)
        copied = some & tagged
        if oxm.INNER in self.fields:
            copied = self.bdd.exist(_tag(DEEP - 1), copied)
            down = {
                old: self.bdd.var(new)
                for d in range(1, DEEP)
                for old, new in zip(_tag(d - 1), _tag(d), strict=True)
            }
            copied = self.bdd.let(down, copied)
            for outer, first in zip(_OUTER, _tag(0), strict=True):
                copied &= self.bdd.apply("equiv", self.bdd.var(outer), self.bdd.var(first))
        return fresh | copied

    def pop_tag(self, some: Set) -> Set:
        """The same headers without the outer tag."""
        if oxm.INNER not in self.fields:
            return self.put(some, oxm.VLAN_VID, 0)
        left = self.bdd.exist(_OUTER, some)
        above = [_OUTER, *(_tag(depth) for depth in range(DEEP))]
        up = {
            old: self.bdd.var(new)
            for d in range(DEEP)
            for old, new in zip(_tag(d), above[d], strict=True)
        }
        none = self.bdd.cube(dict.fromkeys(_tag(DEEP - 1), False))
        return self.bdd.let(up, left) & none

    def one(self, headers: Headers) -> Set:
        """Just these headers."""
        found = self.all
        for field in self.fields:
            if headers[field] != ABSENT:
                found &= self.exactly(field, headers[field])
        return found

    def example(self, some: Set) -> dict[str, int]:
        """One member: field name -> value, of fields that matter; {} for every packet."""
        picked = self.bdd.pick(some, care_vars=self.bdd.support(some)) or {}
        values: dict[str, int] = {}
        for name, bit in sorted(picked.items()):
            field, _, at = name.rpartition("_")
            values[field] = values.get(field, 0) | bool(bit) << int(at)
        return values


def _bits(field: int) -> int:
    return oxm.TAG_BITS * DEEP if field == oxm.INNER else FIELDS[field].bits


def _bit(field: int, bit: int) -> str:
    return f"{'vlan_inner' if field == oxm.INNER else FIELDS[field].name}_{bit}"


def _tag(depth: int) -> list[str]:
    """The variables of an inner tag: number, priority, is it there."""
    return [_bit(oxm.INNER, depth * oxm.TAG_BITS + bit) for bit in range(oxm.TAG_BITS)]


_OUTER = [
    *(_bit(oxm.VLAN_VID, bit) for bit in range(12)),
    *(_bit(oxm.VLAN_PCP, bit) for bit in range(3)),
    _bit(oxm.VLAN_VID, 12),
]
"""Those of the outer tag, in the same order."""
_PLACES = {name: at for tag in (_OUTER, *map(_tag, range(DEEP))) for at, name in enumerate(tag, 1)}


def _place(name: str) -> int:
    """Bits of tags that are copied onto one another stand together: a copy is then a small BDD."""
    return _PLACES.get(name, 0)


def _manager() -> Any:
    for name in ("dd.cudd", "dd.autoref"):
        try:
            return importlib.import_module(name).BDD()
        except ImportError:
            continue
    raise TargetError(
        "checks of all headers need the package dd",
        remedy="pip install 'demi[sdn]', or leave out --set headers",
    )

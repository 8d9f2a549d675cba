"""Where packets would go: header classes walked through the real pipelines, with memory.

The one insight: what a switch does to a packet depends only on the fields that its entries look at, so a
class of headers projected on those fields is walked once for all who share it; a table that changed
forgets its own hops, and what leads through them is walked again from remembered hops.

A walk gives a *set* of ends, because a packet may be copied: delivered at a host, handed to the
controller (undecided: the controller may still do the right thing), dropped by an entry, lost, or caught
in a loop.  Header classes are concrete: values that hosts use; all headers: `all_headers.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from targets.sdn.network.pipeline import Forwarding, Output
from targets.sdn.network.wiring import Host, Port, Wiring
from targets.sdn.openflow import oxm
from targets.sdn.openflow.oxm import ABSENT, Headers
from targets.sdn.packets import IPV4, UDP, parse, udp_frame

HOPS_MAX = 400  # a path this long in a network of at most 200 switches is no path


class End(NamedTuple):
    """How a copy ends.  kind: delivered, controller, drop, lost, loop.  at: a host or switch.

    why: for lost ones, the pipeline's word (`no port 3`, `down 2`, `in_port`, `miss`).
    """

    kind: str
    at: str
    why: str = ""


class Fate(NamedTuple):
    """All ends of one header class, sorted, and the switches on its way, in order of first visit."""

    ends: tuple[End, ...]
    path: tuple[str, ...]

    def reaches(self, host: str) -> bool:
        """Does a copy arrive there?"""
        return any(end.kind == "delivered" and end.at == host for end in self.ends)

    def undecided(self) -> bool:
        """Is the controller asked?"""
        return any(end.kind == "controller" for end in self.ends)

    def of(self, kind: str) -> list[End]:
        """The ends of one kind."""
        return [end for end in self.ends if end.kind == kind]


class _Hop(NamedTuple):
    """What one switch does to one class: where its copies go next, and what ends here."""

    outputs: tuple[tuple[Port | Host | None, Headers, int], ...]
    ends: frozenset[End]


Key = tuple[str, Headers]


class Walker:
    """Walks over one wiring.  hops: how many pipeline runs were needed so far."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._fields: dict[str, tuple[int, tuple[int, ...]]] = {}  # version, fields looked at
        self._hops: dict[str, tuple[tuple[int, int], dict[Headers, _Hop]]] = {}
        self._fates: dict[Key, Fate] = {}
        self._stamp: tuple[int, ...] = ()
        self.hops = 0

    def fate(self, start: Port, headers: Headers) -> Fate:
        """What becomes of packets with these headers that come in by a port of a switch."""
        return self._follow(start[0], (start[1], 0, *headers[2:]))

    def refresh(self) -> None:
        """Forget the walks when any table, port or cable changed since."""
        stamp = [self._wiring.version]
        for switch in self._wiring.switches.values():
            stamp.append(-1 if switch is None else switch.forwarding.version)
        if tuple(stamp) != self._stamp:
            self._stamp = tuple(stamp)
            self._fates.clear()

    # ---- one class

    def _follow(self, name: str, headers: Headers) -> Fate:
        key = self._key(name, headers)
        known = self._fates.get(key)
        if known is None:
            known = self._fates[key] = self._search(name, headers)
        return known

    def _search(self, name: str, headers: Headers) -> Fate:
        """Depth first over (switch, class); a class met again on its own path is a loop."""
        ends: set[End] = set()
        path: dict[str, None] = {}
        done: set[Key] = set()
        self._visit(name, headers, set(), done, ends, path)
        return Fate(tuple(sorted(ends)), tuple(path))

    def _visit(
        self, name: str, headers: Headers, above: set[Key], done: set[Key], ends: set[End],
        path: dict[str, None],
    ) -> None:  # fmt: skip
        key = self._key(name, headers)
        if key in above or len(above) >= HOPS_MAX:
            ends.add(End("loop", name))
            return
        if key in done:
            return
        path[name] = None
        above.add(key)
        hop = self._hop(name, headers)
        ends.update(hop.ends)
        for where, leaving, port in hop.outputs:
            if isinstance(where, Host):
                ends.add(End("delivered", where.name))
            elif where is None:
                ends.add(End("lost", name, f"down {port}"))
            else:
                self._visit(where[0], (where[1], 0, *leaving[2:]), above, done, ends, path)
        above.discard(key)
        done.add(key)

    # ---- one switch

    def _key(self, name: str, headers: Headers) -> Key:
        """The class of these headers at a switch: the fields that nothing downstream looks at differ
        between members, so the key keeps all that any switch looks at, and the port of entry."""
        return name, headers

    def _hop(self, name: str, headers: Headers) -> _Hop:
        switch = self._wiring.switches[name]
        if switch is None:
            return _Hop((), frozenset((End("lost", name, "down"),)))
        forwarding = switch.forwarding
        version = (forwarding.version, self._wiring.version)
        kept = self._hops.get(name)
        if kept is None or kept[0] != version:
            kept = self._hops[name] = (version, {})
        hop = kept[1].get(headers)
        if hop is None:
            self.hops += 1
            hop = kept[1][headers] = self._run(name, forwarding, headers)
        return hop

    def _run(self, name: str, forwarding: Forwarding, headers: Headers) -> _Hop:
        result = forwarding.process(headers)
        ends = {End("controller", name) for _ in result.controller}
        for why in result.lost:
            ends.add(End("drop", name) if why == "drop" else End("lost", name, why))
        return _Hop(tuple([self._next(name, output) for output in result.outputs]), frozenset(ends))

    def _next(self, name: str, output: Output) -> tuple[Port | Host | None, Headers, int]:
        return self._wiring.far_end((name, output.port)), output.headers, output.port


def traffic(src: Host, dst: Host, port: int = 7) -> Headers:
    """The headers of a datagram between two hosts."""
    return parse(udp_frame(src.ends, dst.ends, port, b"demi")).headers


def pairs(wiring: Wiring) -> Iterable[tuple[Host, Host]]:
    """Every ordered pair of hosts, in order."""
    hosts = list(wiring.hosts.values())
    return ((src, dst) for src in hosts for dst in hosts if src is not dst)


__all__ = ["ABSENT", "IPV4", "UDP", "End", "Fate", "Walker", "oxm", "pairs", "traffic"]

"""Where packets would go: header classes walked through the real pipelines, with memory.

The one insight: what becomes of a class at a switch is what becomes of its copies at the next ones, so
fates are computed once for each (switch, class) and shared by all walks that pass; when a table changes,
the hops of that switch are run again and only the walks through a hop that came out differently are
forgotten.

A walk gives a *set* of ends, because a packet may be copied: delivered at a host, handed to the
controller (undecided: the controller may still do the right thing), dropped by an entry, lost, or caught
in a loop.  Header classes are concrete: values that hosts use; all headers: `all_headers.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from targets.sdn.check.classes import deciding, project
from targets.sdn.network.wiring import Host, Port, Wiring
from targets.sdn.openflow.oxm import Headers

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
        return ("delivered", host, "") in self.ends

    def undecided(self) -> bool:
        """Is the controller asked?"""
        return bool(self.of("controller"))

    def of(self, kind: str) -> list[End]:
        """The ends of one kind."""
        return [end for end in self.ends if end.kind == kind]


Node = tuple[str, Headers]
"""A switch and a class that comes in there, its port of entry among the headers."""


class Hop(NamedTuple):
    """What one switch does to one class: where its copies go next, and what ends here."""

    onward: tuple[Node, ...]
    ends: frozenset[End]


_DOWN = "down"


class Walker:
    """Walks over one wiring.  hops: how many pipeline runs were needed so far.

    fields: what some switch looks at; classes are projected on them.  epoch: changes when classes do.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._wired = -1
        self._versions: dict[str, int] = {}
        self._reads: dict[str, frozenset[int]] = {}
        self._hops: dict[str, dict[Headers, Hop]] = {}
        self._before: dict[Node, set[Node]] = {}  # node -> those whose copies come here
        self._fates: dict[Node, Fate] = {}
        self.fields: frozenset[int] = frozenset()
        self.epoch = 0
        self.hops = 0

    # ---- keeping up

    def refresh(self) -> None:
        """Forget what the changes of tables, ports and cables since the last call made wrong."""
        wiring = self._wiring
        changed = []
        for name, switch in wiring.switches.items():
            version = -1 if switch is None else switch.forwarding.version
            if self._versions.get(name) != version:
                self._versions[name] = version
                self._reads[name] = frozenset() if switch is None else deciding(switch.forwarding)
                changed.append(name)
        fields = frozenset().union(*self._reads.values()) if changed else self.fields
        if wiring.version != self._wired or fields != self.fields:
            self._wired, self.fields = wiring.version, fields
            self.epoch += 1
            self._hops = {name: {} for name in wiring.switches}
            self._before.clear()
            self._fates.clear()
            return
        for name in changed:
            self._again(name)

    def _again(self, name: str) -> None:
        """Run the known hops of a switch again."""
        hops, stale = self._hops[name], []
        for headers, old in hops.items():
            new = self._run(name, headers)
            if new != old:
                hops[headers] = new
                stale.append((name, headers))
                self._link((name, headers), new)
        seen = set(stale)
        while stale:
            node = stale.pop()
            self._fates.pop(node, None)
            for before in self._before.get(node, ()):
                if before not in seen:
                    seen.add(before)
                    stale.append(before)

    # ---- fates

    def fate(self, start: Port, headers: Headers) -> Fate:
        """What becomes of packets with these headers that come in by a port of a switch."""
        return self.at((start[0], project((start[1], 0, *headers[2:]), self.fields)))

    def at(self, node: Node) -> Fate:
        """What becomes of a class at a switch."""
        known = self._fates.get(node)
        if known is None:
            known, _ = self._search(node, {}, {})
            self._fates[node] = known
        return known

    def known(self, node: Node) -> Fate | None:
        """The fate of a node if it is remembered."""
        return self._fates.get(node)

    def _search(
        self, node: Node, above: dict[Node, None], partial: dict[Node, Fate]
    ) -> tuple[Fate, bool]:
        """Depth first; a class met again on its own path is a loop.

        True: a loop was met, and this fate lacks what the nodes above add; such are kept in `partial`,
        for this search only, so that each node is visited once.
        """
        name = node[0]
        hop = self.hop(node)
        if not hop.onward:
            fate = self._fates[node] = Fate(tuple(sorted(hop.ends)), (name,))
            return fate, False
        above[node] = None
        ends, path, looped = set(hop.ends), {name: None}, False
        for onward in hop.onward:
            if onward in above or len(above) >= HOPS_MAX:
                ends.add(End("loop", onward[0]))
                looped = True
                continue
            known = self._fates.get(onward)
            if known is None:
                known, deeper = partial.get(onward), True
                if known is None:
                    known, deeper = self._search(onward, above, partial)
                looped = looped or deeper
            ends.update(known.ends)
            path.update(dict.fromkeys(known.path))
        del above[node]
        fate = Fate(tuple(sorted(ends)) if len(ends) > 1 else tuple(ends), tuple(path))
        (partial if looped else self._fates)[node] = fate
        return fate, looped

    # ---- one switch

    def hop(self, node: Node) -> Hop:
        """What a switch does to a class."""
        hops = self._hops[node[0]]
        hop = hops.get(node[1])
        if hop is None:
            hop = hops[node[1]] = self._run(*node)
            self._link(node, hop)
        return hop

    def _link(self, node: Node, hop: Hop) -> None:
        for onward in hop.onward:
            self._before.setdefault(onward, set()).add(node)

    def _run(self, name: str, headers: Headers) -> Hop:
        switch = self._wiring.switches[name]
        if switch is None:
            return Hop((), frozenset((End("lost", name, _DOWN),)))
        self.hops += 1
        result = switch.forwarding.process(headers)
        ends = [End("controller", name) for _ in result.controller]
        for why in result.lost:
            ends.append(End("drop", name) if why == "drop" else End("lost", name, why))
        onward: dict[Node, None] = {}
        for output in result.outputs:
            where = self._wiring.far_end((name, output.port))
            if isinstance(where, Host):
                ends.append(End("delivered", where.name))
            elif where is None:
                ends.append(End("lost", name, f"{_DOWN} {output.port}"))
            else:
                onward[where[0], (where[1], 0, *output.headers[2:])] = None
        return Hop(tuple(onward), frozenset(ends))

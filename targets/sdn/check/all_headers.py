"""What becomes of *every* packet: sets of headers pushed through tables, groups and links as BDDs.

The one insight: the metadata of a packet is constant on each way through the tables, so only header bits
are symbolic, and reachability over (switch, port) is a small fixpoint of sets.

`Ends` of a set are those that the walk finds for one class, with the packets they hold for.  A loop is
what an infinite way needs: the limit of images of the reachable states is not empty.  Of a group that
selects, each bucket may be the one.  Not here: sets (`symbols.py`), concrete classes (`walk.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from demi.oracle import Invariant, Memory, View
from demi.verdict import Detail
from targets.sdn.check.classes import deciding
from targets.sdn.check.policy import Policy
from targets.sdn.check.symbols import Set, Symbols
from targets.sdn.check.walk import End
from targets.sdn.network.pipeline import DEPTH_MAX, Forwarding, by_kind, ordered
from targets.sdn.network.table import Entry
from targets.sdn.network.wiring import Host, Port, Wiring
from targets.sdn.openflow import oxm
from targets.sdn.openflow.actions import Action
from targets.sdn.openflow.oxm import Match
from targets.sdn.openflow.wire import Port as Ports
from targets.sdn.view import NetworkView


@dataclass
class Ends:
    """ends: how packets end -> which.  loops: (switch, port) -> packets that come by for ever."""

    ends: dict[End, Set] = field(default_factory=dict)
    loops: dict[Port, Set] = field(default_factory=dict)


class AllHeaders:
    """The tables of a network as they are now."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        up = [switch for switch in wiring.switches.values() if switch is not None]
        fields = frozenset().union(*(deciding(switch.forwarding) for switch in up))
        self.symbols = Symbols(fields - {oxm.METADATA})

    def everything(self, src: Host | None = None) -> Set:
        """Every packet that can be, or every one with a host's address as its source."""
        symbols, found = self.symbols, self.symbols.tags()
        if src is not None and oxm.ETH_SRC in symbols.fields:
            found &= symbols.exactly(oxm.ETH_SRC, src.mac)
        return found

    def follow(self, start: Port, some: Set) -> Ends:
        """What becomes of a set of packets that come in by a port."""
        none, found = self.symbols.none, Ends()
        reached: dict[Port, Set] = {}
        todo: dict[Port, Set] = {start: some}
        while todo:
            at, new = todo.popitem()
            new &= ~reached.get(at, none)
            if new == none:
                continue
            reached[at] = reached.get(at, none) | new
            for end, those in self._hop(at, new):
                if isinstance(end, End):
                    found.ends[end] = found.ends.get(end, none) | those
                else:
                    todo[end] = todo.get(end, none) | those
        found.loops = self._loops(reached)
        return found

    def _loops(self, reached: dict[Port, Set]) -> dict[Port, Set]:
        none, now = self.symbols.none, reached
        while now:
            image: dict[Port, Set] = {}
            for at, some in now.items():
                for end, those in self._hop(at, some):
                    if not isinstance(end, End):
                        image[end] = image.get(end, none) | those
            if image == now:
                return now
            now = image
        return now

    def _hop(self, at: Port, some: Set) -> list[tuple[End | Port, Set]]:
        name, port = at
        switch = self._wiring.switches[name]
        if switch is None:
            return [(End("lost", name, "down"), some)]
        found: list[tuple[End | Port, Set]] = []
        for kind, what, those in _Run(self.symbols, switch.forwarding, port).outcomes(some):
            if kind == "controller":
                found.append((End("controller", name), those))
            elif kind == "lost":
                end = End("drop", name) if what == "drop" else End("lost", name, str(what))
                found.append((end, those))
            else:
                far = self._wiring.far_end((name, int(what)))
                if isinstance(far, Host):
                    found.append((End("delivered", far.name), those))
                else:
                    found.append((far or End("lost", name, f"down {what}"), those))
        return found


Outcome = tuple[str, int | str, Set]


class _Run:
    """One set on its way through one switch."""

    def __init__(self, symbols: Symbols, forwarding: Forwarding, port: int) -> None:
        self._symbols, self._forwarding, self._port = symbols, forwarding, port
        self._found: list[Outcome] = []

    def outcomes(self, some: Set) -> list[Outcome]:
        self._tables(0, some, {}, 0, False)
        return self._found

    def _tables(
        self, table: int, some: Set, written: dict[Action, Action], metadata: int, told: bool
    ) -> None:
        """told: something came of these packets already."""
        symbols, left = self._symbols, some
        entries = sorted(self._forwarding.tables[table], key=lambda entry: -entry.priority)
        for entry in entries:
            if not self._concrete(entry.match, metadata):
                continue
            match = symbols.match(_without_metadata(entry.match))
            hit = left & match
            if hit != symbols.none:
                left &= ~match
                self._entry(entry, table, hit, written, metadata, told)
        if left != symbols.none:
            self._found.append(("lost", "miss", left))

    def _concrete(self, match: Match, metadata: int) -> bool:
        known = {oxm.IN_PORT: self._port, oxm.METADATA: metadata}
        return all(known[at] & mask == value for at, value, mask in match if at in known)

    def _entry(
        self, entry: Entry, table: int, some: Set, written: dict[Action, Action], metadata: int,
        told: bool,
    ) -> None:  # fmt: skip
        todo, count = entry.instructions, len(self._found)
        some = self._apply(todo.apply, some, 0)
        told = told or len(self._found) > count
        written = {**({} if todo.clear else written), **by_kind(todo.write)}
        value, mask = todo.metadata
        metadata = metadata & ~mask | value & mask
        if table < todo.goto < len(self._forwarding.tables):
            self._tables(todo.goto, some, written, metadata, told)
            return
        count = len(self._found)
        if written:
            self._apply(ordered(list(written.values())), some, 0)
        if not told and len(self._found) == count:
            self._found.append(("lost", "drop", some))

    def _apply(self, actions: Sequence[Action], some: Set, depth: int) -> Set:
        symbols = self._symbols
        for action in actions:
            match action:
                case ("output", int(port), _):
                    self._output(port, some)
                case ("group", int(group)):
                    self._group(group, some, depth)
                case ("set", int(index), int(value)):
                    has = symbols.has(index)
                    some = symbols.put(some & has, index, value) | some & ~has
                case ("push_vlan", _):
                    some = symbols.push_tag(some)
                case ("pop_vlan",):
                    some = symbols.pop_tag(some)
        return some

    def _output(self, port: int, some: Set) -> None:
        ports, came, found = self._forwarding.ports, self._port, self._found
        if port <= Ports.MAX:
            if port == came:
                found.append(("lost", "in_port", some))
            elif ports.get(port):
                found.append(("output", port, some))
            else:
                found.append(("lost", f"down {port}" if port in ports else f"no port {port}", some))
        elif port in (Ports.FLOOD, Ports.ALL):
            everywhere = [n for n, up in sorted(ports.items()) if up and n != came]
            found += [("output", number, some) for number in everywhere]
            if not everywhere:
                found.append(("lost", "drop", some))
        elif port == Ports.CONTROLLER:
            found.append(("controller", 0, some))
        elif port == Ports.IN_PORT and ports.get(came):
            found.append(("output", came, some))
        else:
            found.append(("lost", f"no port {port:#x}", some))

    def _group(self, group: int, some: Set, depth: int) -> None:
        mod, ports = self._forwarding.groups.get(group), self._forwarding.ports
        if mod is None or depth >= DEPTH_MAX:
            why = f"no group {group}" if mod is None else "group loop"
            self._found.append(("lost", why, some))
            return
        chosen = mod.buckets
        if mod.kind == 3:
            live = [b for b in chosen if b.watch_port == Ports.ANY or ports.get(b.watch_port)]
            chosen = tuple(live[:1])
        if not chosen:
            self._found.append(("lost", "drop", some))
        for bucket in chosen:
            self._apply(ordered(list(by_kind(bucket.actions).values())), some, depth + 1)


def _without_metadata(match: Match) -> Match:
    return tuple([term for term in match if term[0] != oxm.METADATA])


@dataclass(slots=True)
class EveryPacket:
    """No packet at all loops, leaves by a dead port, or passes between hosts that the policy parts."""

    policy: Policy
    name: str = "EveryPacket"
    doc: str = "no packet at all loops, leaves by a dead port or crosses what the policy parts"

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        wiring = view.world.wiring
        stamp = (wiring.version, view.world.tables_version())
        if not view.settled or stamp == memory:
            return memory, None
        network = AllHeaders(wiring)
        for src in wiring.hosts.values():
            if src.at in wiring.out or wiring.switches[src.at[0]] is None:
                continue
            found = network.follow(src.at, network.everything(src))
            for role, at, those in self._wrong(src, found):
                text = f"packets of {src.name} {_WORDS[role]} {at}, such as {_such(network, those)}"
                return stamp, Detail((at.split(":")[0],), text, role)
        return stamp, None

    def _wrong(self, src: Host, found: Ends) -> list[tuple[str, str, Set]]:
        wrong = [("loop", name, those) for (name, _), those in sorted(found.loops.items(), key=_at)]
        for end, those in sorted(found.ends.items(), key=_at):
            if end.kind == "lost" and end.why.startswith(("down ", "no port")):
                wrong.append(("dead port", end.at, those))
            elif end.kind == "delivered" and (src.name, end.at) in self.policy.isolate:
                wrong.append(("isolation", end.at, those))
        return wrong


_WORDS = {"loop": "loop at", "dead port": "leave by a dead port of", "isolation": "reach"}


def _at(item: tuple[tuple[object, ...], Set]) -> list[str]:
    return [str(part) for part in item[0]]


def _such(network: AllHeaders, those: Set) -> str:
    example = network.symbols.example(those)
    return ", ".join(f"{name}={value:#x}" for name, value in example.items()) or "any"


def every_packet(policy: Policy) -> Invariant:
    """The invariant about all headers."""
    return EveryPacket(policy)

"""The pipeline of a switch: from a packet's headers to where its copies go.

The one insight: it works on header tuples only and notes rewrites as *edits*, so real packets (edits
then change their bytes) and the header classes of the checker are the same computation.

Outcomes that are no output are named: `drop` (an entry says so), `miss` (no entry), `in_port` (back where
it came from, which a switch does not do), `no port N`, `down N`.
(Specification 1.3.5, section 5.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from targets.sdn.network.table import Entry, Table
from targets.sdn.openflow import oxm
from targets.sdn.openflow.actions import Action
from targets.sdn.openflow.messages import BY_ACTION, NO_MATCH, Bucket, GroupMod
from targets.sdn.openflow.oxm import ABSENT, VLAN_PRESENT, Headers
from targets.sdn.openflow.wire import Port
from targets.sdn.packets import Packet, parse, pop_vlan, push_vlan, set_field

Edits = tuple[Action, ...]
DEPTH_MAX = 8  # groups inside groups: more is a loop
SELECT_FIELDS = (oxm.ETH_SRC, oxm.ETH_DST, oxm.IPV4_SRC, oxm.IPV4_DST, oxm.UDP_DST, oxm.TCP_DST)
"""What the choice of a bucket looks at."""
_EMPTY = Table()


class Output(NamedTuple):
    """A copy of the packet leaves by a port, after these edits."""

    port: int
    headers: Headers
    edits: Edits


class ToController(NamedTuple):
    """A copy goes to the controller.  entry: which sent it, None for a packet_out."""

    reason: int
    table: int
    entry: Entry | None
    edits: Edits


class Result(NamedTuple):
    """All that becomes of one packet.  entries: those it matched, in order."""

    outputs: tuple[Output, ...]
    controller: tuple[ToController, ...]
    lost: tuple[str, ...]
    entries: tuple[Entry, ...]


class Forwarding:
    """Tables, groups and ports of one switch: the state that decides where packets go.

    ports: number -> is its link up?  `changed` must be called after every change.
    """

    __slots__ = ("_cache", "groups", "ports", "tables", "version")

    def __init__(self, tables: int, ports: Mapping[int, bool]) -> None:
        self.tables: list[Table] = [_EMPTY] * tables
        self.groups: dict[int, GroupMod] = {}
        self.ports: dict[int, bool] = dict(ports)
        self.version = 0
        self._cache: dict[Headers, Result] = {}

    def table(self, number: int) -> Table:
        """A table to add to; those that nobody ever added to are one."""
        if self.tables[number] is _EMPTY:
            self.tables[number] = Table()
        return self.tables[number]

    def changed(self) -> None:
        """Something that decides was changed."""
        self.version += 1
        self._cache.clear()

    def process(self, headers: Headers) -> Result:
        """A packet that came in by the port `headers[IN_PORT]` goes through the tables."""
        result = self._cache.get(headers)
        if result is None:
            run = _Run(self, headers)
            run.tables()
            result = self._cache[headers] = run.result()
        return result

    def execute(self, headers: Headers, actions: Sequence[Action]) -> Result:
        """The actions of a packet_out."""
        run = _Run(self, headers)
        if not actions:
            run.lost.append("drop")
        run.apply(actions, BY_ACTION, 0)
        return run.result()


class _Run:
    """One packet on its way."""

    __slots__ = (
        "controller",
        "edits",
        "entries",
        "entry",
        "forwarding",
        "headers",
        "lost",
        "outputs",
    )

    def __init__(self, forwarding: Forwarding, headers: Headers) -> None:
        self.forwarding = forwarding
        self.headers = headers
        self.edits: list[Action] = []
        self.outputs: list[Output] = []
        self.controller: list[ToController] = []
        self.lost: list[str] = []
        self.entries: list[Entry] = []
        self.entry: Entry | None = None

    def result(self) -> Result:
        return Result(
            tuple(self.outputs), tuple(self.controller), tuple(self.lost), tuple(self.entries)
        )

    def tables(self) -> None:
        """Table after table; then what was written on the way."""
        table = 0
        written: dict[Action, Action] = {}
        tables = self.forwarding.tables
        while True:
            entry = self.entry = tables[table].lookup(self.headers)
            if entry is None:
                self.lost.append("miss")
                return
            self.entries.append(entry)
            todo = entry.instructions
            miss = entry.priority == 0 and not entry.match
            self.apply(todo.apply, NO_MATCH if miss else BY_ACTION, table)
            if todo.clear:
                written = {}
            written.update(by_kind(todo.write))
            value, mask = todo.metadata
            if mask:
                old = max(self.headers[oxm.METADATA], 0)
                self._put(oxm.METADATA, old & ~mask | value & mask)
            if not table < todo.goto < len(tables):
                break
            table = todo.goto
        if written:
            self._write(list(written.values()), table)
        elif not self.outputs and not self.controller and not self.lost:
            self.lost.append("drop")

    def _write(self, actions: list[Action], table: int) -> None:
        """The action set."""
        self.apply(ordered(actions), BY_ACTION, table)
        if not self.outputs and not self.controller and not self.lost:
            self.lost.append("drop")

    def apply(self, actions: Sequence[Action], reason: int, table: int, depth: int = 0) -> None:
        """A list of actions, in order."""
        for action in actions:
            match action:
                case ("output", int(port), _):
                    self._output(port, reason, table)
                case ("group", int(group)):
                    self._group(group, table, depth)
                case ("set", int(index), int(value)):
                    self._set(index, value)
                case ("push_vlan", _):
                    vid = self.headers[oxm.VLAN_VID]
                    if self.headers[oxm.INNER] != ABSENT:
                        self._put(oxm.INNER, oxm.pushed(self.headers))
                    self._put(oxm.VLAN_VID, vid if vid > 0 else VLAN_PRESENT)
                    self._put(oxm.VLAN_PCP, max(self.headers[oxm.VLAN_PCP], 0))
                    self.edits.append(action)
                case ("pop_vlan",):
                    vid, pcp, inner = oxm.popped(self.headers[oxm.INNER])
                    self._put(oxm.VLAN_VID, vid)
                    self._put(oxm.VLAN_PCP, pcp)
                    self._put(oxm.INNER, inner)
                    self.edits.append(action)

    def _set(self, index: int, value: int) -> None:
        if self.headers[index] != ABSENT:
            self._put(index, value)
            self.edits.append(("set", index, value))

    def _put(self, index: int, value: int) -> None:
        headers = self.headers
        if headers[index] != value:
            self.headers = (*headers[:index], value, *headers[index + 1 :])

    def _output(self, port: int, reason: int, table: int) -> None:
        ports, came = self.forwarding.ports, self.headers[oxm.IN_PORT]
        if port <= Port.MAX:
            if port == came:
                self.lost.append("in_port")
            elif ports.get(port):
                self.outputs.append(Output(port, self.headers, tuple(self.edits)))
            else:
                self.lost.append(f"down {port}" if port in ports else f"no port {port}")
        elif port in (Port.FLOOD, Port.ALL):
            everywhere = [n for n, up in sorted(ports.items()) if up and n != came]
            for number in everywhere:
                self.outputs.append(Output(number, self.headers, tuple(self.edits)))
            if not everywhere:
                self.lost.append("drop")
        elif port == Port.CONTROLLER:
            self.controller.append(ToController(reason, table, self.entry, tuple(self.edits)))
        elif port == Port.IN_PORT and ports.get(came):
            self.outputs.append(Output(came, self.headers, tuple(self.edits)))
        elif port == Port.TABLE and not self.entries:
            self.tables()
        else:
            self.lost.append(f"no port {port:#x}")

    def _group(self, group: int, table: int, depth: int) -> None:
        mod = self.forwarding.groups.get(group)
        if mod is None or depth >= DEPTH_MAX:
            self.lost.append(f"no group {group}" if mod is None else "group loop")
            return
        chosen = mod.buckets
        if mod.kind == 1:
            chosen = self._select(mod)
        elif mod.kind == 3:
            ports = self.forwarding.ports
            live = [b for b in mod.buckets if b.watch_port == Port.ANY or ports.get(b.watch_port)]
            chosen = tuple(live[:1])
        if not chosen:
            self.lost.append("drop")
        for bucket in chosen:
            headers, edits = self.headers, list(self.edits)
            todo = ordered(list(by_kind(bucket.actions).values()))  # a bucket is an action set too
            self.apply(todo, BY_ACTION, table, depth + 1)
            self.headers, self.edits = headers, edits

    def _select(self, mod: GroupMod) -> tuple[Bucket, ...]:
        """One bucket by weight; which one depends on the addresses, as in a real switch."""
        total = sum(max(1, bucket.weight) for bucket in mod.buckets)
        at = sum(max(0, self.headers[index]) for index in SELECT_FIELDS) % max(1, total)
        for bucket in mod.buckets:
            at -= max(1, bucket.weight)
            if at < 0:
                return (bucket,)
        return ()


def by_kind(actions: Sequence[Action]) -> dict[Action, Action]:
    """An action set holds one action of each kind, and of each field; the last one counts."""
    return {action[:2] if action[0] == "set" else action[:1]: action for action in actions}


_ORDER = ("pop_vlan", "push_vlan", "set", "queue", "group", "output")


def ordered(actions: list[Action]) -> list[Action]:
    """An action set in the order of section 5.10; a group takes the place of an output."""
    grouped = any(action[0] == "group" for action in actions)
    kept = [a for a in actions if a[0] in _ORDER and not (grouped and a[0] == "output")]
    return sorted(kept, key=lambda a: _ORDER.index(str(a[0])))


def entering(packet: Packet, port: int) -> Headers:
    """The headers of a packet that comes in by a port."""
    return (port, 0, *packet.headers[2:])


def edited(packet: Packet, edits: Edits) -> Packet:
    """The packet after rewrites, bytes and headers."""
    for edit in edits:
        if edit[0] == "set":
            packet = set_field(packet, int(edit[1]), int(edit[2]))
        elif edit[0] == "push_vlan":
            packet = parse(push_vlan(packet.data, int(edit[1])))
        else:
            packet = parse(pop_vlan(packet.data))
    return packet

"""An OpenFlow 1.3 switch without I/O: a message or a packet in, effects out.

The one insight: a switch never acts by itself; what it must do later (an entry that expires) is a
deadline that its owner asks for, so virtual time costs nothing.

It has no packet buffers and no meters and says so by error messages.  Several controllers may be
connected; a secondary one is told less and may change nothing.  (Specification 1.3.5, section 6.)
Not here: tables and packets (`pipeline.py`), statistics (`multiparts.py`), links and hosts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from targets.sdn.network.multiparts import answer
from targets.sdn.network.pipeline import Forwarding, Result, edited, entering
from targets.sdn.network.table import Entry, Table, meant, overlap
from targets.sdn.openflow import messages
from targets.sdn.openflow.messages import FlowMod, PortInfo
from targets.sdn.openflow.oxm import IN_PORT, METADATA, Match
from targets.sdn.openflow.wire import NO_BUFFER, Malformed, Message, Port, Type, pack, unpack
from targets.sdn.packets import Packet, parse

TABLES = 12
TABLE_SIZE = 4096
EVERYBODY = -1
_SECONDARY = 3


class ToWire(NamedTuple):
    """A packet leaves by a port."""

    port: int
    packet: Packet


class ToChannel(NamedTuple):
    """A message for one controller; EVERYBODY for all that want to be told."""

    who: int
    data: bytes


Effect = ToWire | ToChannel


class Switch:
    """dpid: its number.  ports: number -> is there a link?  table_size: entries per table.

    lost: why packets did not leave in the last call, for those who explain.
    """

    def __init__(self, dpid: int, ports: Mapping[int, bool], table_size: int = TABLE_SIZE) -> None:
        self.dpid = dpid
        self.forwarding = Forwarding(TABLES, ports)
        self.table_size = table_size
        self.roles: dict[int, int] = {}
        self.generation = -1
        self.lost: tuple[str, ...] = ()
        self.expiring = 0  # entries with a timeout: most switches have none

    # ---- packets

    def packet(self, port: int, packet: Packet, now: float) -> list[Effect]:
        """A packet comes in by a port."""
        if not self.forwarding.ports.get(port):
            self.lost = (f"down {port}",)
            return []
        headers = entering(packet, port)
        return self._emit(self.forwarding.process(headers), packet, port, now)

    def _emit(self, result: Result, packet: Packet, port: int, now: float) -> list[Effect]:
        self.lost = result.lost
        for entry in result.entries:
            entry.used = now
            entry.packets += 1
        effects: list[Effect] = [
            ToWire(out.port, edited(packet, out.edits) if out.edits else packet)
            for out in result.outputs
        ]
        for reason, table, sender, edits in result.controller:
            data = edited(packet, edits).data if edits else packet.data
            match: Match = ((IN_PORT, port, 0xFFFFFFFF),)
            value = result.entries and entering(packet, port)[METADATA]
            if value:
                match = (*match, (METADATA, value, (1 << 64) - 1))
            cookie = sender.mod.cookie if sender else (1 << 64) - 1
            told = messages.packet_in(data, match, reason=reason, table=table, cookie=cookie)
            effects.append(ToChannel(EVERYBODY, told))
        return effects

    # ---- messages

    def message(self, data: bytes, who: int, now: float) -> list[Effect]:
        """A message from controller `who`.  Never raises: what is wrong is answered with an error."""
        self.lost = ()
        try:
            message = unpack(data)
        except Malformed as problem:
            return [ToChannel(who, messages.error(problem.code, data, _xid(data)))]
        try:
            return list(self._handle(message, who, now))
        except Malformed as problem:
            return [ToChannel(who, messages.error(problem.code, data, message.xid))]
        except struct.error:
            return [ToChannel(who, messages.error((1, 6), data, message.xid))]

    def _handle(self, message: Message, who: int, now: float) -> Iterator[Effect]:
        kind, xid = message.type, message.xid
        if kind in _CHANGES and self.roles.get(who) == _SECONDARY:
            raise Malformed("a secondary controller may not change anything", (1, 10))
        if kind == Type.FLOW_MOD:
            yield from self._flow_mod(messages.decode_flow_mod(message), now)
        elif kind == Type.PACKET_OUT:
            yield from self._packet_out(message, now)
        elif kind == Type.GROUP_MOD:
            self._group_mod(messages.decode_group_mod(message))
        elif kind == Type.ECHO_REQUEST:
            yield ToChannel(who, pack(Type.ECHO_REPLY, message.body, xid))
        elif kind == Type.BARRIER_REQUEST:
            yield ToChannel(who, pack(Type.BARRIER_REPLY, b"", xid))
        elif kind == Type.FEATURES_REQUEST:
            yield ToChannel(who, messages.features_reply(self.dpid, TABLES, xid))
        elif kind == Type.MULTIPART_REQUEST:
            yield ToChannel(who, answer(self, message, now))
        elif kind == Type.ROLE_REQUEST:
            yield ToChannel(who, self._role(message, who))
        elif kind == Type.GET_CONFIG_REQUEST:
            yield ToChannel(who, pack(Type.GET_CONFIG_REPLY, struct.pack("!HH", 0, 0xFFFF), xid))
        elif kind == Type.GET_ASYNC_REQUEST:
            yield ToChannel(
                who, pack(Type.GET_ASYNC_REPLY, struct.pack("!6I", 7, 7, 7, 7, 15, 15), xid)
            )
        elif kind not in _SILENT:
            raise Malformed(f"a switch does not take {kind}", (1, 1))  # BAD_TYPE

    def _packet_out(self, message: Message, now: float) -> list[Effect]:
        out = messages.decode_packet_out(message)
        if out.buffer != NO_BUFFER:
            raise Malformed("there are no packet buffers", (1, 8))  # BUFFER_UNKNOWN
        packet = parse(out.data)
        result = self.forwarding.execute(entering(packet, out.in_port), out.actions)
        return self._emit(result, packet, out.in_port, now)

    def _role(self, message: Message, who: int) -> bytes:
        role, generation = struct.unpack_from("!I4xQ", message.data, 8)
        if role > _SECONDARY:
            raise Malformed(f"role {role}", (11, 2))  # ROLE_REQUEST_FAILED, BAD_ROLE
        if role in (2, 3):
            if generation < self.generation:
                raise Malformed("a stale role request", (11, 0))
            self.generation = generation
        if role == 2:
            for other, its in self.roles.items():
                self.roles[other] = _SECONDARY if its == 2 else its
        if role:
            self.roles[who] = role
        now = self.roles.get(who, 1)
        return pack(Type.ROLE_REPLY, struct.pack("!I4xQ", now, generation), message.xid)

    def _group_mod(self, mod: messages.GroupMod) -> None:
        groups = self.forwarding.groups
        if mod.command == 0 and mod.group in groups:
            raise Malformed(f"group {mod.group} exists", (6, 0))
        if mod.command == 1 and mod.group not in groups:
            raise Malformed(f"no group {mod.group}", (6, 8))
        if mod.command != 2:
            groups[mod.group] = mod
        elif mod.group == Port.ALL:
            groups.clear()
        else:
            groups.pop(mod.group, None)
        self.forwarding.changed()

    # ---- flow entries

    def _flow_mod(self, mod: FlowMod, now: float) -> list[Effect]:
        if mod.table >= TABLES and not (mod.table == messages.TABLE_ALL and mod.command >= 3):
            raise Malformed(f"no table {mod.table}", (5, 2))  # BAD_TABLE_ID
        if mod.buffer != NO_BUFFER and mod.command < 3:
            raise Malformed("there are no packet buffers", (1, 8))
        if mod.command == messages.ADD:
            self._add(mod, now)
            return []
        tables: Sequence[Table] = self.forwarding.tables
        chosen = tables if mod.table == messages.TABLE_ALL else [tables[mod.table]]
        found = [(at, e) for at, table in enumerate(chosen) for e in table if meant(mod, e)]
        if mod.command in (messages.MODIFY, messages.MODIFY_STRICT):
            for _, entry in found:
                entry.instructions = mod.instructions
                entry.mod = entry.mod._replace(instructions=mod.instructions)
            if found:
                self.forwarding.changed()
            return []
        return self.remove([(chosen[at], e) for at, e in found], messages.DELETED, now)

    def _add(self, mod: FlowMod, now: float) -> None:
        table = self.forwarding.table(mod.table)
        same = table.entries.get((mod.priority, mod.match))
        if mod.flags & messages.CHECK_OVERLAP:
            rivals = [e for e in table if e.priority == mod.priority and e is not same]
            if any(overlap(e.match, mod.match) for e in rivals):
                raise Malformed("an entry overlaps", (5, 3))  # OVERLAP
        if same is None and len(table) >= self.table_size:
            raise Malformed("the table is full", (5, 1))  # TABLE_FULL
        if same is not None:
            self.expiring -= bool(same.mod.idle or same.mod.hard)
        table.add(Entry(mod, now))
        self.expiring += bool(mod.idle or mod.hard)
        self.forwarding.changed()

    def remove(self, gone: list[tuple[Table, Entry]], reason: int, now: float) -> list[Effect]:
        """Take entries out; those who asked are told."""
        effects: list[Effect] = []
        for table, entry in gone:
            table.remove(entry)
            self.expiring -= bool(entry.mod.idle or entry.mod.hard)
            if entry.mod.flags & messages.SEND_FLOW_REMOVED:
                told = messages.flow_removed(entry.mod, reason, now - entry.created, entry.packets)
                effects.append(ToChannel(EVERYBODY, told))
        if gone:
            self.forwarding.changed()
        return effects

    # ---- time

    def deadline(self) -> float | None:
        """When the next entry expires, if nothing uses it until then."""
        if not self.expiring:
            return None
        times = [entry.deadline() for table in self.forwarding.tables for entry in table]
        return min([time for time in times if time is not None], default=None)

    def expire(self, now: float) -> list[Effect]:
        """Entries whose time has come leave."""
        effects: list[Effect] = []
        for table in self.forwarding.tables:
            for entry in [e for e in table if (e.deadline() or now + 1) <= now]:
                hard = entry.mod.hard and entry.created + entry.mod.hard <= now
                reason = messages.HARD if hard else messages.IDLE
                effects += self.remove([(table, entry)], reason, now)
        return effects

    # ---- ports

    def port(self, number: int, state: bool | None) -> list[Effect]:
        """A port gets (True) or loses (False) its link, or is taken out (None); controllers are told."""
        ports = self.forwarding.ports
        known = number in ports
        if state is None:
            reason = messages.PORT_DELETED
            ports.pop(number, None)
        else:
            reason = messages.PORT_MODIFIED if known else messages.PORT_ADDED
            ports[number] = state
        self.forwarding.changed()
        told = messages.port_status(self.info(number, bool(state)), reason)
        return [ToChannel(EVERYBODY, told)]

    def info(self, number: int, up: bool) -> PortInfo:
        """A port as controllers are told of it."""
        return PortInfo(
            number,
            ((self.dpid & 0xFFFFFF) << 16) + (1 << 41) + number,
            f"s{self.dpid}-{number}",
            up,
        )

    def infos(self) -> tuple[PortInfo, ...]:
        """All ports."""
        return tuple([self.info(n, up) for n, up in sorted(self.forwarding.ports.items())])


def _xid(data: bytes) -> int:
    return int.from_bytes(data[4:8], "big") if len(data) >= 8 else 0


_CHANGES = frozenset(
    (Type.FLOW_MOD, Type.GROUP_MOD, Type.PACKET_OUT, Type.PORT_MOD, Type.TABLE_MOD)
)
_SILENT = frozenset((
    Type.HELLO, Type.ECHO_REPLY, Type.ERROR, Type.SET_CONFIG, Type.SET_ASYNC, Type.PORT_MOD,
    Type.TABLE_MOD,
))  # fmt: skip

"""The messages a switch receives, decoded, and those it sends, encoded.

The one insight: a switch needs one half of the protocol in each direction, and every decoder ends in a
frozen value or in `Malformed`, which carries the error that the switch answers with.

The other direction of flow_mod, packet_out and group_mod is here too, for controllers written in tests.
(Specification 1.3.5, section 7.3 and 7.4.)
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from targets.sdn.openflow.actions import (
    Action,
    Instructions,
    decode_actions,
    decode_instructions,
    encode_actions,
    encode_instructions,
)
from targets.sdn.openflow.oxm import Match, decode_match, encode_match
from targets.sdn.openflow.wire import NO_BUFFER, Malformed, Message, Port, Type, pack

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)
SEND_FLOW_REMOVED, CHECK_OVERLAP = 1, 2
TABLE_ALL = 255
_FLOW_MOD = struct.Struct("!QQBBHHHIIIHxx")
_PORT = struct.Struct("!I4x6s2x16sIIIIIIII")
LINK_DOWN, PORT_DOWN = 1, 1
TEN_GIGABIT = 0x0840  # 10GB_FD | COPPER
NO_MATCH, BY_ACTION = 0, 1  # reasons of a PacketIn
IDLE, HARD, DELETED, GROUP_DELETED = range(4)  # reasons of a flow_removed
PORT_ADDED, PORT_DELETED, PORT_MODIFIED = range(3)


class FlowMod(NamedTuple):
    """A change of a flow table."""

    command: int
    table: int
    priority: int
    match: Match
    instructions: Instructions
    cookie: int = 0
    cookie_mask: int = 0
    idle: int = 0
    hard: int = 0
    buffer: int = NO_BUFFER
    out_port: int = Port.ANY
    out_group: int = Port.ANY
    flags: int = 0


class PacketOut(NamedTuple):
    """A packet handed to a switch; data empty when it names a buffer."""

    in_port: int
    actions: tuple[Action, ...]
    data: bytes
    buffer: int = NO_BUFFER


class Bucket(NamedTuple):
    """One bucket of a group; watch_port ANY for none."""

    actions: tuple[Action, ...]
    weight: int = 0
    watch_port: int = Port.ANY


class GroupMod(NamedTuple):
    """command: 0 add, 1 modify, 2 delete.  kind: 0 all, 1 select, 2 indirect, 3 fast fail-over."""

    command: int
    kind: int
    group: int
    buckets: tuple[Bucket, ...]


class PortInfo(NamedTuple):
    """A port as the controller is told of it.  up: there is a link."""

    number: int
    mac: int
    name: str
    up: bool


def decode_flow_mod(message: Message) -> FlowMod:
    """Raises Malformed."""
    data = message.data
    if len(data) < 8 + _FLOW_MOD.size + 8:
        raise Malformed("a flow_mod is cut short")
    head = _FLOW_MOD.unpack_from(data, 8)
    cookie, mask, table, command, idle, hard, priority, buffer, out_port, out_group, flags = head
    if command > DELETE_STRICT:
        raise Malformed(f"flow_mod command {command}", (5, 6))  # FLOW_MOD_FAILED, BAD_COMMAND
    match, at = decode_match(data, 8 + _FLOW_MOD.size)
    instructions = decode_instructions(data, at)
    return FlowMod(
        command, table, priority, match, instructions, cookie, mask, idle, hard, buffer, out_port,
        out_group, flags,
    )  # fmt: skip


def encode_flow_mod(mod: FlowMod, xid: int = 0) -> bytes:
    """What a controller sends."""
    head = _FLOW_MOD.pack(
        mod.cookie, mod.cookie_mask, mod.table, mod.command, mod.idle, mod.hard, mod.priority,
        mod.buffer, mod.out_port, mod.out_group, mod.flags,
    )  # fmt: skip
    body = head + encode_match(mod.match) + encode_instructions(mod.instructions)
    return pack(Type.FLOW_MOD, body, xid)


def decode_packet_out(message: Message) -> PacketOut:
    """Raises Malformed."""
    data = message.data
    if len(data) < 24:
        raise Malformed("a packet_out is cut short")
    buffer, in_port, length = struct.unpack_from("!IIH", data, 8)
    if 24 + length > len(data):
        raise Malformed("the actions of a packet_out are cut short", (2, 1))
    actions = decode_actions(data, 24, 24 + length)
    return PacketOut(in_port, actions, data[24 + length :], buffer)


def encode_packet_out(out: PacketOut, xid: int = 0) -> bytes:
    """What a controller sends."""
    actions = encode_actions(out.actions)
    head = struct.pack("!IIH6x", out.buffer, out.in_port, len(actions))
    return pack(Type.PACKET_OUT, head + actions + out.data, xid)


def decode_group_mod(message: Message) -> GroupMod:
    """Raises Malformed."""
    data = message.data
    if len(data) < 16:
        raise Malformed("a group_mod is cut short")
    command, kind, group = struct.unpack_from("!HBxI", data, 8)
    if command > 2 or kind > 3:
        raise Malformed(
            f"group_mod command {command} of type {kind}", (6, 11 if command > 2 else 10)
        )
    buckets, at = [], 16
    while at < len(data):
        if len(data) - at < 16:
            raise Malformed("a bucket is cut short", (6, 12))
        length, weight, watch = struct.unpack_from("!HHI", data, at)
        if length < 16 or at + length > len(data):
            raise Malformed(f"a bucket of {length} bytes", (6, 12))
        buckets.append(Bucket(decode_actions(data, at + 16, at + length), weight, watch))
        at += length
    return GroupMod(command, kind, group, tuple(buckets))


def encode_group_mod(mod: GroupMod, xid: int = 0) -> bytes:
    """What a controller sends."""
    body = struct.pack("!HBxI", mod.command, mod.kind, mod.group)
    for bucket in mod.buckets:
        actions = encode_actions(bucket.actions)
        body += struct.pack(
            "!HHII4x", 16 + len(actions), bucket.weight, bucket.watch_port, Port.ANY
        )
        body += actions
    return pack(Type.GROUP_MOD, body, xid)


def packet_in(
    data: bytes, match: Match, *, reason: int, table: int, cookie: int, buffer: int = NO_BUFFER
) -> bytes:
    """A packet for the controller, with the table and cookie of the entry that sent it there."""
    head = struct.pack("!IHBBQ", buffer, len(data), reason, table, cookie)
    return pack(Type.PACKET_IN, head + encode_match(match) + b"\0\0" + data)


def flow_removed(mod: FlowMod, reason: int, seconds: float, packets: int) -> bytes:
    """An entry left its table after so many seconds."""
    head = struct.pack(
        "!QHBBIIHHQQ", mod.cookie, mod.priority, reason, mod.table, int(seconds),
        int(seconds % 1 * 1e9), mod.idle, mod.hard, packets, 0,
    )  # fmt: skip
    return pack(Type.FLOW_REMOVED, head + encode_match(mod.match))


def _port(port: PortInfo) -> bytes:
    state = 0 if port.up else LINK_DOWN
    speed = 10_000_000
    return _PORT.pack(
        port.number, port.mac.to_bytes(6, "big"), port.name.encode()[:15], 0, state, TEN_GIGABIT,
        TEN_GIGABIT, TEN_GIGABIT, 0, speed, speed,
    )  # fmt: skip


def port_status(port: PortInfo, reason: int) -> bytes:
    """A port came, went or changed its link."""
    return pack(Type.PORT_STATUS, struct.pack("!B7x", reason) + _port(port))


def port_descriptions(ports: tuple[PortInfo, ...]) -> bytes:
    """The body of the multipart reply."""
    return b"".join([_port(port) for port in ports])


def features_reply(dpid: int, tables: int, xid: int) -> bytes:
    """What the switch is.  It has no packet buffers, so PacketIns carry whole packets."""
    return pack(Type.FEATURES_REPLY, struct.pack("!QIBB2xII", dpid, 0, tables, 0, 0x4F, 0), xid)


def error(code: tuple[int, int], about: bytes, xid: int) -> bytes:
    """An error message about a request, of which at most 64 bytes are quoted."""
    return pack(Type.ERROR, struct.pack("!HH", *code) + about[:64], xid)

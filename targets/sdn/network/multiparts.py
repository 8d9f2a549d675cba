"""Multipart requests: what a switch says about itself, its entries, ports and groups.

The one insight: one small function per kind, each from the switch to the body of the reply.
(Specification 1.3.5, section 7.3.5.)  Not here: what only a device has (queues, meters): refused.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from targets.sdn.openflow.actions import encode_actions, encode_instructions
from targets.sdn.openflow.messages import port_descriptions
from targets.sdn.openflow.oxm import encode_match
from targets.sdn.openflow.wire import Malformed, Message, Port, Type, pack

if TYPE_CHECKING:
    from targets.sdn.network.switch import Switch


def answer(switch: Switch, message: Message, now: float) -> bytes:
    """The reply to a multipart request.  Raises Malformed for one that is not answered here."""
    kind = struct.unpack_from("!H", message.data, 8)[0]
    if kind not in _BODIES:
        raise Malformed(f"multipart request {kind}", (1, 2))  # BAD_MULTIPART
    body = _BODIES[kind](switch, message, now)
    return pack(Type.MULTIPART_REPLY, struct.pack("!HH4x", kind, 0) + body, message.xid)


def _description(switch: Switch, message: Message, now: float) -> bytes:
    name = f"s{switch.dpid}".encode()
    return struct.pack("!256s256s256s32s256s", b"demi", b"simulated", b"1", b"1", name)


def _flows(switch: Switch, message: Message, now: float) -> bytes:
    wanted = message.data[16] if len(message.data) > 16 else 255
    parts = []
    for number, table in enumerate(switch.forwarding.tables):
        if wanted not in (255, number):
            continue
        for entry in table:
            mod, age = entry.mod, now - entry.created
            tail = encode_match(entry.match) + encode_instructions(entry.instructions)
            parts.append(
                struct.pack(
                    "!HBxIIHHHH4xQQQ", 48 + len(tail), number, int(age), int(age % 1 * 1e9),
                    entry.priority, mod.idle, mod.hard, mod.flags, mod.cookie, entry.packets, 0,
                )
                + tail
            )  # fmt: skip
    return b"".join(parts)


def _aggregate(switch: Switch, message: Message, now: float) -> bytes:
    entries = [entry for table in switch.forwarding.tables for entry in table]
    packets = sum(entry.packets for entry in entries)
    return struct.pack("!QQI4x", packets, 0, len(entries))


def _tables(switch: Switch, message: Message, now: float) -> bytes:
    tables = enumerate(switch.forwarding.tables)
    return b"".join([struct.pack("!B3xIQQ", at, len(table), 0, 0) for at, table in tables])


def _port_stats(switch: Switch, message: Message, now: float) -> bytes:
    wanted = struct.unpack_from("!I", message.data, 16)[0] if len(message.data) >= 20 else Port.ANY
    ports = [n for n in sorted(switch.forwarding.ports) if wanted in (n, Port.ANY)]
    return b"".join(
        [struct.pack("!I4x12QII", n, *([0] * 12), int(now), int(now % 1 * 1e9)) for n in ports]
    )


def _group_descriptions(switch: Switch, message: Message, now: float) -> bytes:
    parts = []
    for number, mod in sorted(switch.forwarding.groups.items()):
        body = b""
        for bucket in mod.buckets:
            actions = encode_actions(bucket.actions)
            head = (16 + len(actions), bucket.weight, bucket.watch_port, Port.ANY)
            body += struct.pack("!HHII4x", *head) + actions
        parts.append(struct.pack("!HBxI", 8 + len(body), mod.kind, number) + body)
    return b"".join(parts)


def _nothing(switch: Switch, message: Message, now: float) -> bytes:
    return b""


def _ports(switch: Switch, message: Message, now: float) -> bytes:
    return port_descriptions(switch.infos())


_BODIES = {
    0: _description, 1: _flows, 2: _aggregate, 3: _tables, 4: _port_stats, 7: _group_descriptions,
    12: _nothing, 13: _ports,
}  # fmt: skip

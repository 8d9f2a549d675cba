"""OpenFlow messages for people: a label, a JSON form, and what is equal in equivalent runs.

The one insight: transaction numbers, cookies and buffer numbers differ between runs that do the same, so
a message is compared by its readable form, which leaves them out (STS's functional equivalence).

Never raises: what cannot be decoded reads as `malformed` with its bytes.
"""

from __future__ import annotations

import struct
from typing import Any

from targets.sdn.openflow.actions import Action, Instructions
from targets.sdn.openflow.messages import decode_flow_mod, decode_group_mod, decode_packet_out
from targets.sdn.openflow.oxm import (
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    FIELDS,
    Match,
    decode_match,
    full_mask,
)
from targets.sdn.openflow.wire import Malformed, Message, Port, Type, unpack
from targets.sdn.packets import NO_NAMES, Hosts, brief_frame

_COMMANDS = ("add", "modify", "modify strict", "delete", "delete strict")
_REASONS = ("no match", "action", "invalid ttl")
_LABELS = {int(kind): kind.name.lower() for kind in Type}
_PORTS = {int(port): port.name.lower() for port in Port}
_MACS = (ETH_DST, ETH_SRC)


def label(data: bytes) -> str:
    """`flow_mod`, `packet_in`...; `malformed` for what is no message type."""
    return _LABELS.get(data[1], "malformed") if len(data) >= 8 else "malformed"


def readable(data: bytes, hosts: Hosts = NO_NAMES) -> dict[str, Any]:
    """The JSON form of one message.  hosts: names of addresses."""
    try:
        return _READ.get(data[1], _nothing)(unpack(data), hosts)
    except (Malformed, struct.error, IndexError) as problem:
        return {"malformed": str(problem), "bytes": data[:64].hex()}


def port_name(port: int) -> str:
    """`3`, `flood`, `controller`."""
    return _PORTS.get(port, str(port))


def match_text(match: Match) -> str:
    """`in_port=1 eth_dst=00:..:01`; `*` for everything."""
    return " ".join(_term(*term) for term in match) or "*"


def _term(index: int, value: int, mask: int) -> str:
    text = value_text(index, value)
    return f"{FIELDS[index].name}={text}" + (f"/{mask:#x}" if mask != full_mask(index) else "")


def value_text(index: int, value: int) -> str:
    """A field's value as people write it."""
    name, size = FIELDS[index].name, FIELDS[index].size
    if size == 6:
        return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))
    if name in ("ipv4_src", "ipv4_dst", "arp_spa", "arp_tpa"):
        return ".".join(str(byte) for byte in value.to_bytes(4, "big"))
    if index == ETH_TYPE or size == 16:
        return f"{value:#x}"
    return port_name(value) if name == "in_port" else str(value)


def action_text(action: Action) -> str:
    """`output 3`, `set vlan_vid=4196`, `pop_vlan`."""
    match action:
        case ("output", int(port), _):
            return f"output {port_name(port)}"
        case ("set", int(index), int(value)):
            return f"set {FIELDS[index].name}={value_text(index, value)}"
    return " ".join(str(part) for part in action)


def instructions_text(instructions: Instructions) -> str:
    """`output 1, goto 2`; `drop` for nothing."""
    parts = [action_text(action) for action in instructions.apply]
    parts += ["clear"] if instructions.clear else []
    parts += [f"write {action_text(action)}" for action in instructions.write]
    parts += [f"goto {instructions.goto}"] if instructions.goto >= 0 else []
    return ", ".join(parts) or "drop"


def _flow_mod(message: Message, hosts: Hosts) -> dict[str, Any]:
    mod = decode_flow_mod(message)
    seen: dict[str, Any] = {
        "do": _COMMANDS[mod.command], "match": match_text(mod.match),
        "then": instructions_text(mod.instructions), "priority": mod.priority,
    }  # fmt: skip
    extra = {"table": mod.table, "idle": mod.idle, "hard": mod.hard, "flags": mod.flags}
    return seen | {key: value for key, value in extra.items() if value}


def _packet_out(message: Message, hosts: Hosts) -> dict[str, Any]:
    out = decode_packet_out(message)
    actions = ", ".join(action_text(action) for action in out.actions) or "drop"
    return {"packet": brief_frame(out.data, hosts), "in": port_name(out.in_port), "then": actions}


def _packet_in(message: Message, hosts: Hosts) -> dict[str, Any]:
    _, length, reason, table = struct.unpack_from("!IHBB", message.data, 8)
    match, at = decode_match(message.data, 24)
    seen = {
        "packet": brief_frame(message.data[at + 2 : at + 2 + length], hosts),
        "at": match_text(match),
    }
    return seen | {"why": _REASONS[reason] if reason < 3 else str(reason), "table": table}


def _flow_removed(message: Message, hosts: Hosts) -> dict[str, Any]:
    priority, reason, table = struct.unpack_from("!HBB", message.data, 16)
    match, _ = decode_match(message.data, 48)
    why = ("idle", "hard", "deleted", "group deleted")[reason & 3]
    return {"match": match_text(match), "why": why, "priority": priority, "table": table}


def _port_status(message: Message, hosts: Hosts) -> dict[str, Any]:
    reason = ("added", "deleted", "modified")[message.data[8] % 3]
    number, state = struct.unpack_from("!I32xI", message.data, 16)
    return {"port": number, "why": reason, "link": "down" if state & 1 else "up"}


def _group_mod(message: Message, hosts: Hosts) -> dict[str, Any]:
    mod = decode_group_mod(message)
    buckets = [", ".join(action_text(a) for a in bucket.actions) for bucket in mod.buckets]
    kind = ("all", "select", "indirect", "fast fail-over")[mod.kind]
    return {
        "do": _COMMANDS[(0, 1, 3)[mod.command]],
        "group": mod.group,
        "type": kind,
        "buckets": buckets,
    }


def _error(message: Message, hosts: Hosts) -> dict[str, Any]:
    kind, code = struct.unpack_from("!HH", message.data, 8)
    about = label(message.data[12:20]) if len(message.data) >= 20 else "nothing"
    return {"type": kind, "code": code, "about": about}


def _multipart(message: Message, hosts: Hosts) -> dict[str, Any]:
    return {"part": struct.unpack_from("!H", message.data, 8)[0]}


def _features(message: Message, hosts: Hosts) -> dict[str, Any]:
    return {"dpid": struct.unpack_from("!Q", message.data, 8)[0]} if len(message.data) > 8 else {}


def _role(message: Message, hosts: Hosts) -> dict[str, Any]:
    role = struct.unpack_from("!I", message.data, 8)[0]
    return {"role": ("same", "equal", "primary", "secondary")[role & 3]}


def _nothing(message: Message, hosts: Hosts) -> dict[str, Any]:
    return {}


_READ = {
    int(Type.FLOW_MOD): _flow_mod, int(Type.PACKET_OUT): _packet_out,
    int(Type.PACKET_IN): _packet_in, int(Type.FLOW_REMOVED): _flow_removed,
    int(Type.PORT_STATUS): _port_status, int(Type.GROUP_MOD): _group_mod,
    int(Type.ERROR): _error, int(Type.MULTIPART_REQUEST): _multipart,
    int(Type.MULTIPART_REPLY): _multipart, int(Type.FEATURES_REPLY): _features,
    int(Type.ROLE_REQUEST): _role, int(Type.ROLE_REPLY): _role,
}  # fmt: skip

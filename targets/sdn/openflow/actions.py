"""Actions and instructions: what a flow entry does with a packet.

The one insight: a decoded action is a plain tuple `(word, ...)`, hashable and comparable, so flow
entries, groups, fingerprints and the checker share one value.

    ("output", port, max_len)  ("group", id)  ("set", field index, value)  ("push_vlan", ethertype)
    ("pop_vlan",)  ("queue", id)  ("nop", type)

Instructions: see `Instructions`.  (Specification 1.3.5, sections 7.2.4 and 7.2.5.)
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from targets.sdn.openflow.oxm import decode_field, encode_field
from targets.sdn.openflow.wire import Malformed

Action = tuple[str | int, ...]
_OUTPUT, _PUSH_VLAN, _POP_VLAN, _QUEUE, _GROUP, _SET = 0, 17, 18, 21, 22, 25
_IGNORED = {11: 8, 12: 8, 15: 8, 16: 8, 23: 8, 24: 8}  # copies and changes of a TTL: not modelled
_GOTO, _METADATA, _WRITE, _APPLY, _CLEAR, _METER = 1, 2, 3, 4, 5, 6
NO_GOTO = -1


class Instructions(NamedTuple):
    """What a flow entry says: goto -1 for none; metadata (value, mask), mask 0 for none."""

    apply: tuple[Action, ...] = ()
    write: tuple[Action, ...] = ()
    clear: bool = False
    goto: int = NO_GOTO
    metadata: tuple[int, int] = (0, 0)


def encode_actions(actions: tuple[Action, ...]) -> bytes:
    """A list of actions."""
    return b"".join(_encode(action) for action in actions)


def _encode(action: Action) -> bytes:
    match action:
        case ("output", int(port), int(max_len)):
            return struct.pack("!HHIH6x", _OUTPUT, 16, port, max_len)
        case ("group", int(group)):
            return struct.pack("!HHI", _GROUP, 8, group)
        case ("set", int(index), int(value)):
            body = encode_field(index, value)
            length = 4 + len(body)
            padded = length + (-length % 8)
            return struct.pack("!HH", _SET, padded) + body + bytes(padded - length)
        case ("push_vlan", int(ethertype)):
            return struct.pack("!HHH2x", _PUSH_VLAN, 8, ethertype)
        case ("pop_vlan",):
            return struct.pack("!HH4x", _POP_VLAN, 8)
        case ("queue", int(queue)):
            return struct.pack("!HHI", _QUEUE, 8, queue)
        case ("nop", int(kind)):
            return struct.pack("!HH4x", kind, 8)
    raise ValueError(f"not an action: {action!r}")


def decode_actions(data: bytes, at: int, end: int) -> tuple[Action, ...]:
    """The actions between two offsets.  Raises Malformed."""
    actions: list[Action] = []
    while at < end:
        if end - at < 8:
            raise Malformed("an action is cut short", (2, 1))  # BAD_ACTION, BAD_LEN
        kind, length = struct.unpack_from("!HH", data, at)
        if length < 8 or length % 8 or at + length > end:
            raise Malformed(f"an action of {length} bytes", (2, 1))
        actions.append(_decode(data, at, kind, length))
        at += length
    return tuple(actions)


def _decode(data: bytes, at: int, kind: int, length: int) -> Action:
    if kind == _OUTPUT:
        if length != 16:
            raise Malformed(f"an output action of {length} bytes", (2, 1))
        port, max_len = struct.unpack_from("!IH", data, at + 4)
        return ("output", port, max_len)
    if kind == _SET:
        index, value, _, _ = decode_field(data, at + 4, at + length)
        return ("set", index, value)
    if length != 8:
        raise Malformed(f"an action of type {kind} with {length} bytes", (2, 1))
    number = int(struct.unpack_from("!I", data, at + 4)[0])
    if kind == _GROUP:
        return ("group", number)
    if kind == _PUSH_VLAN:
        return ("push_vlan", number >> 16)
    if kind == _POP_VLAN:
        return ("pop_vlan",)
    if kind == _QUEUE:
        return ("queue", number)
    if kind in _IGNORED:
        return ("nop", kind)
    raise Malformed(f"action type {kind} is not known here", (2, 0))  # BAD_TYPE


def encode_instructions(instructions: Instructions) -> bytes:
    """The instructions of a flow_mod, in order of execution."""
    parts = []
    for kind, actions in ((_APPLY, instructions.apply), (_WRITE, instructions.write)):
        if kind == _WRITE and instructions.clear:
            parts.append(struct.pack("!HH4x", _CLEAR, 8))
        if actions:
            body = encode_actions(actions)
            parts.append(struct.pack("!HH4x", kind, 8 + len(body)) + body)
    value, mask = instructions.metadata
    if mask:
        parts.append(struct.pack("!HH4xQQ", _METADATA, 24, value, mask))
    if instructions.goto != NO_GOTO:
        parts.append(struct.pack("!HHB3x", _GOTO, 8, instructions.goto))
    return b"".join(parts)


def decode_instructions(data: bytes, at: int) -> Instructions:
    """The instructions from an offset to the end.  Raises Malformed."""
    found: dict[str, Any] = {}
    end = len(data)
    while at < end:
        if end - at < 8:
            raise Malformed("an instruction is cut short", (3, 7))  # BAD_INSTRUCTION, BAD_LEN
        kind, length = struct.unpack_from("!HH", data, at)
        if length < 8 or length % 8 or at + length > end:
            raise Malformed(f"an instruction of {length} bytes", (3, 7))
        if kind == _APPLY:
            found["apply"] = decode_actions(data, at + 8, at + length)
        elif kind == _WRITE:
            found["write"] = decode_actions(data, at + 8, at + length)
        elif kind == _CLEAR:
            found["clear"] = True
        elif kind == _GOTO:
            found["goto"] = data[at + 4]
        elif kind == _METADATA and length == 24:
            found["metadata"] = struct.unpack_from("!QQ", data, at + 8)
        else:
            text = "meters are not supported" if kind == _METER else f"instruction type {kind}"
            raise Malformed(text, (3, 1))  # UNSUP_INST
        at += length
    return Instructions(**found)

"""OpenFlow 1.3 on the wire: the eight-byte header, and cutting a byte stream into messages.

The one insight: the header says how long a message is, so a stream is cut without understanding it, and
one message, whatever it says, is one event.  (OpenFlow Switch Specification 1.3.5, section A.1.)

Not here: what the messages mean (`messages.py`).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

VERSION = 4
HEADER = struct.Struct("!BBHI")
NO_BUFFER = 0xFFFFFFFF


class Type(IntEnum):
    """The message types of OpenFlow 1.3."""

    HELLO = 0
    ERROR = 1
    ECHO_REQUEST = 2
    ECHO_REPLY = 3
    EXPERIMENTER = 4
    FEATURES_REQUEST = 5
    FEATURES_REPLY = 6
    GET_CONFIG_REQUEST = 7
    GET_CONFIG_REPLY = 8
    SET_CONFIG = 9
    PACKET_IN = 10
    FLOW_REMOVED = 11
    PORT_STATUS = 12
    PACKET_OUT = 13
    FLOW_MOD = 14
    GROUP_MOD = 15
    PORT_MOD = 16
    TABLE_MOD = 17
    MULTIPART_REQUEST = 18
    MULTIPART_REPLY = 19
    BARRIER_REQUEST = 20
    BARRIER_REPLY = 21
    QUEUE_GET_CONFIG_REQUEST = 22
    QUEUE_GET_CONFIG_REPLY = 23
    ROLE_REQUEST = 24
    ROLE_REPLY = 25
    GET_ASYNC_REQUEST = 26
    GET_ASYNC_REPLY = 27
    SET_ASYNC = 28
    METER_MOD = 29


class Port(IntEnum):
    """Reserved port numbers."""

    MAX = 0xFFFFFF00
    IN_PORT = 0xFFFFFFF8
    TABLE = 0xFFFFFFF9
    NORMAL = 0xFFFFFFFA
    FLOOD = 0xFFFFFFFB
    ALL = 0xFFFFFFFC
    CONTROLLER = 0xFFFFFFFD
    LOCAL = 0xFFFFFFFE
    ANY = 0xFFFFFFFF


class Malformed(ValueError):
    """Bytes that are not OpenFlow 1.3.

    code: (error type, error code) of the error message that a switch answers with.
    """

    def __init__(self, text: str, code: tuple[int, int] = (1, 6)) -> None:  # BAD_REQUEST, BAD_LEN
        super().__init__(text)
        self.code = code


class Message(NamedTuple):
    """One message: its type, its transaction and all its bytes, header included."""

    type: int
    xid: int
    data: bytes

    @property
    def body(self) -> bytes:
        """What follows the header."""
        return self.data[8:]


def pack(kind: int, body: bytes = b"", xid: int = 0) -> bytes:
    """A message with its header."""
    return HEADER.pack(VERSION, kind, 8 + len(body), xid) + body


def unpack(data: bytes) -> Message:
    """Exactly one message.  Raises Malformed."""
    if len(data) < 8:
        raise Malformed(f"{len(data)} bytes are no OpenFlow header")
    version, kind, length, xid = HEADER.unpack_from(data)
    if version != VERSION and kind != Type.HELLO:
        raise Malformed(f"OpenFlow version {version} is not 1.3", (1, 0))
    if length != len(data):
        raise Malformed(f"the header says {length} bytes, there are {len(data)}")
    return Message(kind, xid, data)


def split(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole messages at the start of a stream, and the bytes left over.

    Raises Malformed when no next message can be found: the length is below that of a header.
    """
    messages: list[bytes] = []
    at, size = 0, len(buffer)
    while size - at >= 8:
        length = (buffer[at + 2] << 8) | buffer[at + 3]
        if length < 8:
            raise Malformed(f"a message of {length} bytes cannot be cut from the stream")
        if size - at < length:
            break
        messages.append(buffer[at : at + length])
        at += length
    return messages, buffer[at:]

"""WebSocket frames (RFC 6455, section 5): each frame is one message.

The one insight: the client's masks are random and mean nothing, so a frame is shown and matched by its
content without its mask.

Compressed frames (permessage-deflate) are shown as their bytes: turn compression off to read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from demi.interpose.framing import FRAME_MAX, Frame, FramingError

_OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}


class Frames:
    """One direction of a connection after its upgrade."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Frames completed by `data`."""
        self._buffer += data
        return list(self._cut())

    def rest(self) -> bytes:
        """Bytes of a frame that is not complete."""
        left = bytes(self._buffer)
        self._buffer.clear()
        return left

    def _cut(self) -> Iterator[Frame]:
        buffer = self._buffer
        while (layout := layout_of(buffer)) is not None:
            at, size, _ = layout
            if len(buffer) < at + size:
                return
            data = bytes(buffer[: at + size])
            del buffer[: at + size]
            yield Frame(label(data), data)


def layout_of(buffer: bytes | bytearray) -> tuple[int, int, bytes] | None:
    """(where the content starts, its size, the mask or b"") of a first frame; None if not all there."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1] & 0x7F, 2
    wide = {126: 2, 127: 8}.get(size, 0)
    if len(buffer) < at + wide:
        return None
    if wide:
        size = int.from_bytes(buffer[at : at + wide], "big")
        at += wide
    if size > FRAME_MAX:
        raise FramingError(f"a WebSocket frame announces {size} bytes")
    if not buffer[1] & 0x80:
        return at, size, b""
    return (at + 4, size, bytes(buffer[at : at + 4])) if len(buffer) >= at + 4 else None


def label(data: bytes) -> str:
    """`text`, `ping`, `close`...; the `type` of a JSON object where it has one."""
    kind = _OPCODES.get(data[0] & 0x0F, f"opcode{data[0] & 0x0F}")
    if kind == "text" and not data[0] & 0x40:
        content = read(data)
        if isinstance(content, dict) and isinstance(content.get("type"), str):
            return str(content["type"])
    return kind


def read(data: bytes) -> Any:
    """A frame's content for people: JSON, else text, else hexadecimal."""
    layout = layout_of(data)
    if layout is None:
        return data.hex()
    at, size, mask = layout
    body = data[at : at + size]
    if mask:
        body = bytes(byte ^ mask[i & 3] for i, byte in enumerate(body))
    if data[0] & 0x40:
        return {"deflated": body.hex()}
    if data[0] & 0x0F == 8:
        return {
            "code": int.from_bytes(body[:2], "big"),
            "reason": body[2:].decode("utf-8", "replace"),
        }
    try:
        return json.loads(body)
    except ValueError:
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body.hex()

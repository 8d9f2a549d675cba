"""HTTP/1.1 on the wire: whole requests and responses as single messages.

The one insight: where a message ends follows from its head and, for a response, from the request it
answers, so the two directions of a connection share an `Exchange` and each is cut at the send.

`POST /reserve` labels a request, `200 POST /reserve` its response.  A response that ends with its
connection, and a body still unfinished when its sender comes to rest, is sent as chunks.  After an
upgrade the frames are WebSocket's.  RFC 9112, sections 6 and 7.  Not here: HTTP/2.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from demi.interpose import websocket
from demi.interpose.framing import Frame, FramingError, named

START = re.compile(rb"[A-Z]{3,12} [^ \r\n]+ HTTP/1\.[01]\r\n")
HEAD_MAX = 1 << 20  # bytes of a head; more is something else
_DULL = frozenset({
    b"host", b"user-agent", b"accept", b"accept-encoding", b"content-length", b"content-type", b"date",
    b"server", b"connection", b"keep-alive", b"transfer-encoding", b"sec-websocket-key",
    b"sec-websocket-accept",
})  # fmt: skip


class Exchange:
    """What the two directions of one connection know of each other.  asked: requests not yet answered."""

    def __init__(self) -> None:
        self.asked: deque[tuple[str, str]] = deque()
        self.upgraded = False


class Direction:
    """The messages of one direction.  responses: which of the two."""

    def __init__(self, exchange: Exchange, responses: bool) -> None:
        self._exchange = exchange
        self._responses = responses
        self._buffer = bytearray()
        self._frames: websocket.Frames | None = None
        self._raw = False

    @property
    def incomplete(self) -> bool:
        """Is part of a message waiting for its end?"""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        if self._raw:
            return [Frame("chunk", data)]
        if self._exchange.upgraded and self._frames is None:
            self._frames = websocket.Frames()
        if self._frames is not None:
            return self._frames.feed(data)
        self._buffer += data
        return list(self._cut())

    def rest(self) -> bytes:
        """Bytes of a message that is not complete; from here on the stream is chunks."""
        if self._frames is not None:
            return self._frames.rest()
        left = bytes(self._buffer)
        self._buffer.clear()
        self._raw = self._raw or bool(left)
        return left

    def _cut(self) -> Iterator[Frame]:
        buffer = self._buffer
        while buffer:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(buffer) > HEAD_MAX:
                    raise FramingError(f"{len(buffer)} bytes without the end of a head")
                return
            start, headers = head_of(bytes(buffer[:end]))
            status = int(start[1]) if self._responses else 0
            size = self._body(status, headers, end + 4)
            if size is None:
                return
            data = bytes(buffer[: end + 4 + size])
            del buffer[: end + 4 + size]
            yield Frame(self._label(start, status), data)
            if status == 101:
                self._exchange.upgraded = True
                left = bytes(buffer)
                buffer.clear()
                if left:
                    yield from self.feed(left)

    def _label(self, start: list[str], status: int) -> str:
        asked = self._exchange.asked
        if not self._responses:
            method, path = start[0], start[1].split("?", 1)[0]
            asked.append((method, path))
            return named(lambda data: f"{method} {path}", b"")
        if not asked:
            return str(status)
        method, path = asked[0] if status == 100 else asked.popleft()
        return named(lambda data: f"{status} {method} {path}", b"")

    def _body(self, status: int, headers: dict[bytes, bytes], at: int) -> int | None:
        """Bytes of the body that starts at `at`; None while it is not there in full."""
        if self._responses:
            asked = self._exchange.asked
            if status < 200 or status in (204, 304) or (asked and asked[0][0] == "HEAD"):
                return 0
        if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
            return chunked_size(self._buffer, at)
        if b"content-length" in headers:
            size = int(headers[b"content-length"])
            return size if len(self._buffer) - at >= size else None
        return None if self._responses else 0


def head_of(head: bytes) -> tuple[list[str], dict[bytes, bytes]]:
    """(the three words of the first line, headers by lower-case name).  Raises FramingError."""
    lines = head.split(b"\r\n")
    start = lines[0].decode("latin-1").split(" ", 2)
    if len(start) < 2 or not any(word.startswith("HTTP/1.") for word in start):
        raise FramingError(f"not HTTP/1.1: {lines[0][:40]!r}")
    pairs = (line.partition(b":") for line in lines[1:])
    return start, {name.strip().lower(): value.strip() for name, _, value in pairs}


def chunked_size(buffer: bytes | bytearray, at: int) -> int | None:
    """Bytes of a chunked body that starts at `at`; None while it is not there in full."""
    here = at
    while True:
        line = buffer.find(b"\r\n", here)
        if line < 0:
            return None
        size = int(bytes(buffer[here:line]).split(b";")[0], 16)
        here = line + 2 + size + 2
        if not size:
            end = buffer.find(b"\r\n\r\n", line)  # trailers end with an empty line
            return None if end < 0 else end + 4 - at
        if here > len(buffer):
            return None


def dechunked(body: bytes) -> bytes:
    """The content of a chunked body."""
    out, at = bytearray(), 0
    while (line := body.find(b"\r\n", at)) >= 0:
        size = int(body[at:line].split(b";")[0], 16)
        out += body[line + 2 : line + 2 + size]
        if not size:
            break
        at = line + 2 + size + 2
    return bytes(out)


def read(data: bytes) -> Any:
    """A message for people: its first line, headers that say something, body as JSON or text."""
    if not START.match(data) and not data.startswith(b"HTTP/1."):
        return websocket.read(data)
    head, _, body = data.partition(b"\r\n\r\n")
    start, headers = head_of(head)
    shown: dict[str, Any] = {}
    if start[0].startswith("HTTP/"):
        shown["status"] = int(start[1])
    else:
        shown["method"], shown["path"] = start[0], start[1]
    kept = {name.decode("latin-1"): value.decode("latin-1")
            for name, value in sorted(headers.items()) if name not in _DULL}  # fmt: skip
    if kept:
        shown["headers"] = kept
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        body = dechunked(body)
    if body:
        shown["body"] = content_of(body)
    return shown


def content_of(body: bytes) -> Any:
    """JSON, else text, else hexadecimal."""
    try:
        return json.loads(body)
    except ValueError:
        try:
            return body.decode()
        except UnicodeDecodeError:
            return body.hex()


def answer(status: int, reason: str) -> bytes:
    """A response made by somebody in between."""
    return (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\n"
        f"Content-Length: {len(reason)}\r\n\r\n{reason}"
    ).encode()

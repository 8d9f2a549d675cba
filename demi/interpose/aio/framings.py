"""Which framing a connection has: said for its port, recognized as HTTP/1.1, or chunks.

The one insight: the client of most protocols speaks first, so its first bytes say what both directions
are, and a connection that is not recognized is still complete: a message is what one write wrote.

Not here: the framings (`demi/interpose/framing.py`, `http1.py`, `websocket.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demi.interpose import http1
from demi.interpose.framing import Frame, Framed, MakeDecoder, named


@dataclass(frozen=True, slots=True)
class Framing:
    """How the streams of a port are cut.  make: a decoder per direction; None for chunks.

    read(data) -> JSON for people and for matching; None shows text or hexadecimal.
    """

    make: MakeDecoder | None = None
    read: Callable[[bytes], Any] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """What a datagram is called and how it reads."""

    label: Callable[[bytes], str]
    read: Callable[[bytes], Any] | None = None


class Stream:
    """One direction: frames of what is written.

    calls, replies: it carries HTTP requests, or their responses.  incomplete: a message was begun.
    """

    calls = replies = incomplete = False
    read: Callable[[bytes], Any] | None = None

    def feed(self, data: bytes) -> list[Frame]:
        """Messages completed by `data`."""
        raise NotImplementedError

    def unask(self) -> None:
        """The last request is answered on its way: its server will not."""

    def flush(self) -> list[Frame]:
        """What is incomplete, as it is."""
        raise NotImplementedError


class Said(Stream):
    """A framing that was given."""

    def __init__(self, framing: Framing, report: Callable[[str], None]) -> None:
        self._framed = Framed(framing.make, report)
        self.read = framing.read

    def feed(self, data: bytes) -> list[Frame]:
        frames = self._framed.feed(data)
        self.incomplete = self._framed.pending > 0
        return frames

    def flush(self) -> list[Frame]:
        self.incomplete = False
        return self._framed.part()


class _Connection:
    """What both directions have learnt.  http: None until the first write."""

    def __init__(self, report: Callable[[str], None], unknown: Callable[[], None]) -> None:
        self.exchange = http1.Exchange()
        self.http: bool | None = None
        self.report = report
        self.unknown = unknown


class Found(Stream):
    """A framing that is recognized by the first write of the connection."""

    def __init__(self, connection: _Connection, responses: bool) -> None:
        self._connection = connection
        self._responses = responses
        self._direction: http1.Direction | None = None

    def feed(self, data: bytes) -> list[Frame]:
        connection = self._connection
        if connection.http is None:
            connection.http = not self._responses and http1.START.match(data) is not None
            if not connection.http:
                connection.unknown()
        if not connection.http:
            return [Frame("chunk", data)]
        if self._direction is None:
            self._direction = http1.Direction(connection.exchange, self._responses)
            self.calls, self.replies = not self._responses, self._responses
            self.read = http1.read
        try:
            frames = self._direction.feed(data)
        except Exception as error:
            left, connection.http = self._direction.rest(), False
            connection.report(f"framing given up, events are chunks from here on: {error}")
            return [Frame("chunk", left)]
        self.incomplete = self._direction.incomplete
        if connection.exchange.upgraded:
            self.calls = self.replies = False
        return frames

    def unask(self) -> None:
        asked = self._connection.exchange.asked
        if asked:
            asked.pop()

    def flush(self) -> list[Frame]:
        left = self._direction.rest() if self._direction is not None else b""
        self.incomplete = False
        if not left:
            return []
        self._connection.report("a message is sent in parts, events are chunks from here on")
        first = left.split(b"\r\n", 1)[0].decode("latin-1")
        return [Frame(named(lambda data: f"part of {first}", b""), left)]


def pair(
    framing: Framing | None, report: Callable[[str], None], unknown: Callable[[], None]
) -> tuple[Stream, Stream]:
    """(client to server, server to client).  report: a framing was given up.  unknown: there is none."""
    if framing is not None:
        return Said(framing, report), Said(framing, report)
    connection = _Connection(report, unknown)
    return Found(connection, False), Found(connection, True)


def shown(data: bytes) -> Any:
    """Bytes for people: text where they are."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex()
    if text.isprintable() or text.translate(_BLANKS).isprintable():
        return text
    return data.hex()


_BLANKS = {ord(blank): " " for blank in "\r\n\t"}

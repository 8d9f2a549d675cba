"""Streams of a port that nobody described: HTTP/1.1 is recognized, the rest is chunks.

The one insight: the client of most protocols speaks first, so the first thing it sends says what both
directions are.

Not here: HTTP itself (`demi/interpose/http1.py`), framings that are given (`framing.py`).
"""

from __future__ import annotations

from typing import Any

from demi.interpose import http1
from demi.interpose.framing import Decoder, Frame


class _Talk:
    """What both directions of a connection have learnt.  http: None until the first write."""

    __slots__ = ("exchange", "http")

    def __init__(self) -> None:
        self.exchange = http1.Exchange()
        self.http: bool | None = None


class _Found:
    """The Decoder of one direction.  responses: which of the two."""

    def __init__(self, talk: _Talk, responses: bool) -> None:
        self._talk, self._responses = talk, responses
        self._direction = http1.Direction(talk.exchange, responses)

    def feed(self, data: bytes) -> list[Frame]:
        talk = self._talk
        if talk.http is None and data:
            talk.http = not self._responses and http1.START.match(data) is not None
        if talk.http:
            return self._direction.feed(data)
        return [Frame("chunk", bytes(data))] if data else []

    def rest(self) -> bytes:
        left = self._direction.rest()
        self._direction = http1.Direction(self._talk.exchange, self._responses)
        return left


def pair() -> tuple[Decoder, Decoder]:
    """(client to server, server to client)."""
    talk = _Talk()
    return _Found(talk, False), _Found(talk, True)


def shown(data: bytes) -> Any:
    """A message for people: an HTTP one by its parts, text as text, else hexadecimal."""
    if data.startswith(b"HTTP/1.") or http1.START.match(data):
        return http1.read(data)
    text = data.decode("utf-8", "replace").rstrip("\r\n")
    return text if text.translate(_BLANKS).isprintable() else data.hex()


_BLANKS = {ord(blank): " " for blank in "\r\n\t"}

"""A small redis in memory: enough of RESP2 for a client with a connection pool.

Commands: PING, ECHO, SELECT, CLIENT, GET, SET, DEL, INCR, INCRBY.  RESP2: the redis protocol spec.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from demi.interpose.aio.framings import Framing
from demi.interpose.framing import Frame

PORT = 6379


class Store:
    """Keys and values."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while (command := await read_command(reader)) is not None:
            writer.write(self.answer(command))
            await writer.drain()
        writer.close()

    def answer(self, command: list[bytes]) -> bytes:
        """The reply to one command."""
        name, args = command[0].upper(), command[1:]
        if name == b"GET":
            return bulk(self.values.get(args[0]))
        if name == b"SET":
            self.values[args[0]] = args[1]
            return b"+OK\r\n"
        if name == b"DEL":
            return b":%d\r\n" % sum(self.values.pop(key, None) is not None for key in args)
        if name in (b"INCR", b"INCRBY"):
            value = int(self.values.get(args[0], b"0")) + (int(args[1]) if name == b"INCRBY" else 1)
            self.values[args[0]] = b"%d" % value
            return b":%d\r\n" % value
        if name == b"ECHO":
            return bulk(args[0])
        if name == b"PING":
            return b"+PONG\r\n"
        return b"+OK\r\n" if name in (b"SELECT", b"CLIENT") else b"-ERR unknown command\r\n"


def bulk(value: bytes | None) -> bytes:
    """A bulk string, or the null one."""
    return b"$-1\r\n" if value is None else b"$%d\r\n%s\r\n" % (len(value), value)


async def read_command(reader: asyncio.StreamReader) -> list[bytes] | None:
    """One array of bulk strings; None at the end of the stream."""
    line = await reader.readline()
    if not line:
        return None
    parts = []
    for _ in range(int(line[1:])):
        size = int((await reader.readline())[1:])
        parts.append((await reader.readexactly(size + 2))[:-2])
    return parts


async def serve(store: Store) -> None:
    """Listen."""
    await asyncio.start_server(store.handle, "0.0.0.0", PORT)


# ---- framing: each command and each reply is one message


class Resp:
    """A decoder (demi/interpose/framing.py) of RESP2."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Whole values."""
        self._buffer += data
        return list(self._cut())

    def rest(self) -> bytes:
        """What is incomplete."""
        left, self._buffer = self._buffer, b""
        return left

    def _cut(self) -> Iterator[Frame]:
        while self._buffer and (end := end_of(self._buffer, 0)) is not None:
            data, self._buffer = self._buffer[:end], self._buffer[end:]
            yield Frame(label(data), data)


def end_of(data: bytes, at: int) -> int | None:
    """Where the value that starts at `at` ends; None while it is not all there."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, here = data[at : at + 1], line + 2
    if kind == b"$":
        size = int(data[at + 1 : line])
        here += size + 2 if size >= 0 else 0
    elif kind == b"*":
        for _ in range(int(data[at + 1 : line])):
            end = end_of(data, here)
            if end is None:
                return None
            here = end
    return here if here <= len(data) else None


def read(data: bytes) -> list[str] | str:
    """A command as its words, a reply as its text."""
    words = data.decode("utf-8", "replace").split("\r\n")
    return words[2::2] if data[:1] == b"*" else " ".join(words).strip()


def label(data: bytes) -> str:
    """`GET` for a command, `reply` for a reply."""
    return str(read(data)[0]).upper() if data[:1] == b"*" else "reply"


RESP = Framing(Resp, read)

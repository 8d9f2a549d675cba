"""Reading a world of asyncio services: labels, contents and digests.

The one insight: what a host *is* between two steps is what went in and out of it, what its random stream
has given, its files, and what the target observes; so that, and no coroutine, is what a digest covers.

Not here: running it (`world.py`), which this is a part of.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from operator import is_
from typing import Any
from zlib import crc32

from demi.events import Event, External
from demi.interpose.actor_view import ActorView
from demi.interpose.aio.disk import Disk
from demi.interpose.aio.faults import Faults
from demi.interpose.aio.framings import shown
from demi.interpose.aio.host import Clock, Host, Rest
from demi.interpose.aio.net import DELIVER, Net, Packet
from demi.interpose.aio.timers import TIMER, Timers
from demi.interpose.payload import Freezer, to_json


class Reading:
    """The reading half of `AsyncioWorld`, over what that keeps."""

    names: Sequence[str]
    hosts: list[Host | None]
    clocks: list[Clock]
    net: Net
    timers: Timers
    _disks: list[Disk]
    _last: tuple[Event, Packet] | None
    _outside: Faults
    _view: ActorView
    _freezer: Freezer
    _contents: dict[Event, tuple[str, str]]

    def observe(self) -> ActorView:
        return self._view

    def external(self, event: Event) -> External:
        return self._outside.external(event)

    def _packet(self, event: Event) -> Packet:
        packet = self.net.flight.get(event)
        if packet is None:  # it has just arrived
            if self._last is None or self._last[0] != event:
                raise KeyError(event)
            packet = self._last[1]
        return packet

    def label(self, event: Event) -> str:
        packet = self.net.flight.get(event)
        if packet is not None:
            return packet.label
        kind = event[0]
        if kind == DELIVER:
            return self._packet(event).label
        return self.timers.names[event[2]] if kind == TIMER else self.external(event).label

    def fingerprint(self, event: Event) -> object:
        if event[0] != DELIVER:
            return None
        known = self._contents.get(event)
        if known is None:  # asked for by who looks for it, and by who writes it down
            packet = self._packet(event)
            known = self._contents[event] = packet.label, content(packet)
        return known

    def payload(self, event: Event) -> Any:
        if event[0] == DELIVER:
            packet = self.net.flight.get(event) or self._packet(event)
            if packet.op not in ("data", "datagram"):
                return {"port": packet.args.port} if packet.op == "connect" else None
            said = to_json(packet.read(packet.data)) if packet.read else shown(packet.data)
            if not packet.call:
                return said
            return {"call": packet.call, **(said if isinstance(said, dict) else {"data": said})}
        return None if event[0] == TIMER else self.external(event).args

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self.net.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self.net.channels()

    def node_digest(self, node: int) -> str:
        host = self.hosts[node]
        if host is None:
            return f"{crc32(self._node_text(node).encode()):08x}"
        return f"{crc32(self._rest(host), crc32(str(host.digest).encode())):08x}"

    def _node_text(self, node: int) -> str:
        host, disk = self.hosts[node], self._disks[node]
        if host is None:
            return f"down|{disk.text() if disk.files else ''}"
        return f"{host.digest}{self._rest(host).decode()}"

    def _rest(self, host: Host) -> bytes:
        """What a host is besides what went in and out of it; most steps leave that as it was."""
        random, skew, disk = host.random.state, host.skew, host.disk
        seen, known = self._view.state(host.index), host.rest
        if (
            known is not None
            and known.random == random
            and known.skew == skew
            and not disk.files
            and (seen is known.seen or _same(seen, known.seen))
        ):
            return known.text
        files = disk.text() if disk.files else ""
        text = f"|{random}|{skew}|{to_json(seen)!r}|{files}".encode()
        kept = not files and self._freezer.immutable(seen)
        host.rest = Rest(random, skew, seen, text) if kept else None
        return text

    def digest(self) -> bytes:
        flight = [
            (dst, src, [self.fingerprint(event) for event in self.in_flight(dst, src)])
            for dst, src in self.channels()
        ]
        whole = [
            [self._node_text(node) for node in range(len(self.names))],
            flight, self.timers.waiting(self.clocks), sorted(self.net.cut), sorted(self.net.held),
            self._outside.waiting(),
        ]  # fmt: skip
        return hashlib.blake2b(repr(whole).encode(), digest_size=16).digest()


def _same(one: Any, other: Any) -> bool:
    """Are two immutable tuples made of the same objects?"""
    kind = type(one)
    alike = kind is type(other) and issubclass(kind, tuple) and len(one) == len(other)
    return alike and all(map(is_, one, other))


def content(packet: Packet) -> str:
    """What a message says, without what differs between equivalent runs."""
    if packet.read is None:
        return packet.data.hex()
    return json.dumps(to_json(packet.read(packet.data)), sort_keys=True)

"""The reading half of the pysyncobj world: labels, payloads and digests of what is there.

The one insight: a message is read from the bytes that travel, so that what is shown and what is compared is
what the other node would unpickle.

Not here: running anything (`world.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from demi.events import Event, External, Kind
from demi.interpose.connected import Faults
from demi.interpose.fifo import Fifo
from demi.interpose.payload import to_json
from demi.interpose.timers import timer_slot
from targets.pysyncobj.library import Files
from targets.pysyncobj.links import CONNECTED, DISCONNECTED, Connections
from targets.pysyncobj.machine import Packet
from targets.pysyncobj.observe import digest_text, readable

DELIVER, TIMER = int(Kind.DELIVER), int(Kind.TIMER)
TICK, ELECTION = "tick", "election"
TIMERS = {timer_slot(TICK): TICK, timer_slot(ELECTION): ELECTION}


class Reading:
    """Over what the world keeps of a run."""

    names: Sequence[str]
    links: Connections
    _network: Fifo
    _machines: list[Any]
    _files: list[Files]
    _last: tuple[Event, Packet] | None
    _outside: Faults

    def external(self, event: Event) -> External:
        return self._outside.external(event)

    def _packet(self, event: Event) -> Packet:
        if self._last is not None and self._last[0] == event:
            return self._last[1]
        packet: Packet = self._network.peek(event)
        return packet

    def label(self, event: Event) -> str:
        kind = event[0]
        if kind == DELIVER:
            return self._packet(event)[0]
        return TIMERS[event[2]] if kind == TIMER else self.external(event).label

    def fingerprint(self, event: Event) -> object:
        return self._packet(event)[:2] if event[0] == DELIVER else None

    def payload(self, event: Event) -> Any:
        if event[0] == DELIVER:
            label, data, read = self._packet(event)
            return None if label in (CONNECTED, DISCONNECTED) else to_json(readable(read(data)))
        return None if event[0] == TIMER else self.external(event).args

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self._network.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self._network.channels()

    def node_digest(self, node: int) -> str:
        return hashlib.blake2b(self._node_text(node).encode(), digest_size=4).hexdigest()

    def _node_text(self, node: int) -> str:
        meta = self._files[node].get(f"{self.names[node]}.meta", {})
        return f"{digest_text(self._machines[node])}|{sorted(meta.items())!r}"

    def digest(self) -> bytes:
        nodes = [self._node_text(node) for node in range(len(self.names))]
        flight = [
            (dst, src, [self._network.peek(event)[:2] for event in self.in_flight(dst, src)])
            for dst, src in self.channels()
        ]
        whole = repr([nodes, flight, self.links.save(), self._outside.waiting()])
        return hashlib.blake2b(whole.encode(), digest_size=16).digest()

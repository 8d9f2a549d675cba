"""Reading a network: labels, contents, digests of what is in flight and of nodes.

The one insight: what a message says is read from its bytes when somebody asks, so a run that nobody looks
at pays nothing for being readable.

Not here: running it (`world.py`), which this is a part of; what invariants see (`view.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from demi.errors import TargetError
from demi.events import Event, External
from demi.interpose.timers import TIMER
from targets.sdn.clock import NAMES, Clock
from targets.sdn.flight import DELIVER, Flight, Item
from targets.sdn.network.switch import Switch
from targets.sdn.network.topology import Topology
from targets.sdn.network.wiring import Wiring
from targets.sdn.openflow import readable
from targets.sdn.outside import Inputs
from targets.sdn.packets import Hosts, brief_frame
from targets.sdn.view import NetworkView


class Reading(Flight):
    """The reading half of `NetworkWorld`, over what that keeps."""

    clock: Clock
    hosts: Hosts
    names: Sequence[str]
    open: set[tuple[int, int]]
    outside: Inputs
    topology: Topology
    view: NetworkView
    wiring: Wiring
    _last: tuple[Event, Item] | None

    def external(self, event: Event) -> External:
        return self.outside.external(event)

    def _item(self, event: Event) -> Item:
        if self._last is not None and self._last[0] == event:
            return self._last[1]
        item: Item = self.network.peek(event)
        return item

    def label(self, event: Event) -> str:
        if event[0] == DELIVER:
            item = self._item(event)
            if isinstance(item, bytes):
                return readable.label(item)
            return brief_frame(item.packet.data).split(" ", 1)[0]
        return NAMES[event[2]] if event[0] == TIMER else self.external(event).label

    def fingerprint(self, event: Event) -> object:
        if event[0] != DELIVER:
            return None
        item = self._item(event)
        if isinstance(item, bytes):
            return tuple((k, repr(v)) for k, v in sorted(self._read(item).items()))
        return item.packet.data, item.port

    def payload(self, event: Event) -> Any:
        if event[0] != DELIVER:
            return None if event[0] == TIMER else self.external(event).args
        item = self._item(event)
        if isinstance(item, bytes):
            return self._read(item)
        return {"packet": brief_frame(item.packet.data, self.hosts), "port": item.port}

    def _read(self, message: bytes) -> dict[str, Any]:
        return readable.readable(message, self.hosts)

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self.network.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self.network.channels()

    def node_digest(self, node: int) -> str:
        return hashlib.blake2b(repr(self.view.fields(node)).encode(), digest_size=4).hexdigest()

    def digest(self) -> bytes:
        flight = [
            (d, s, [repr(self._item(e)) for e in self.in_flight(d, s)]) for d, s in self.channels()
        ]
        nodes = [self.view.fields(node) for node in range(len(self.names))]
        whole = repr([nodes, flight, sorted(self.open), self.clock.now, self.outside.waiting()])
        return hashlib.blake2b(whole.encode(), digest_size=16).digest()

    def tables_version(self) -> int:
        """Changes with every change of a table, group or port of any switch."""
        switches = self.wiring.switches.values()
        return sum(switch.forwarding.version + 1 for switch in switches if switch is not None)

    def switch(self, name: str) -> Switch | None:
        """A switch by name; None while it is down.  Raises TargetError for an unknown one."""
        if name not in self.wiring.switches:
            raise TargetError(
                f"no switch {name!r}", remedy="known: " + ", ".join(self.topology.switches)
            )
        return self.wiring.switches[name]

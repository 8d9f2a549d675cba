"""Control channels between controllers and switches: opened, cut into messages, closed.

The one insight: a channel is the pair (controller, switch); what was in flight on it goes with it, and
both ends learn of its end by themselves, as over TCP.

Not here: what a switch or a controller does with a message (`world.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.oracle import Failure
from targets.sdn.clock import CLOCK, Clock
from targets.sdn.controllers.interface import Controller, Trouble
from targets.sdn.openflow.wire import Malformed, Type, pack, split
from targets.sdn.reading import Reading

FATAL = frozenset(("exception", "died", "escape", "stuck", "start"))


class Channels(Reading):
    """The part of `NetworkWorld` that speaks with controllers.

    open: (controller, switch) with a connection.  by_dpid: the node of a switch.
    """

    by_dpid: dict[int, int]
    clock: Clock
    controllers: Sequence[Controller]
    index: dict[str, int]
    _rest: dict[tuple[int, int], bytes]

    def connect(self, node: int, switch: int) -> None:
        """A switch that is up opens its channel to a controller that is alive."""
        dpid = self.topology.dpids[self.names[switch]]
        if (node, switch) in self.open or not self.controllers[node].connect(dpid):
            return
        self.open.add((node, switch))
        self._rest.pop((node, switch), None)
        self.push(switch, node, pack(Type.HELLO))
        self.run(node)

    def disconnect(self, node: int, switch: int) -> None:
        """The channel is gone, with what was in flight; the controller sees the end of it."""
        if (node, switch) not in self.open:
            return
        self.open.discard((node, switch))
        self.release(node, switch)
        self.lose(node, switch)
        self.lose(switch, node)
        it = self.wiring.switches[self.names[switch]]
        if it is not None:
            it.roles.pop(node, None)
        if self.controllers[node].alive:
            self.controllers[node].disconnect(self.topology.dpids[self.names[switch]])
            if node not in self.paused:
                self.run(node)

    # ---- a controller runs

    def catch_up(self, controller: Controller, now: float | None = None) -> None:
        behind = (self.clock.now if now is None else now) - controller.now
        if behind > 0:
            controller.advance(behind)

    def run(self, node: int) -> None:
        """A controller runs to rest and what it wrote is put in flight."""
        controller = self.controllers[node]
        controller.quiesce()
        self.collect(node)

    def collect(self, node: int) -> None:
        controller = self.controllers[node]
        for dpid, data in controller.collect():
            switch = self.by_dpid.get(dpid, -1)
            if (node, switch) in self.open:
                self._receive(node, switch, data)
        for dpid in controller.closed():
            self.disconnect(node, self.by_dpid[dpid])
        self.clock.set(node, CLOCK, controller.deadline(), self.current)
        for trouble in controller.errors():
            if trouble.kind in FATAL and self.current.failure is None:
                self.current.failure = self._failure(node, trouble)
        lines = controller.log()
        if lines:
            self.current.log = (*self.current.log, *lines)

    def _receive(self, node: int, switch: int, data: bytes) -> None:
        """Bytes of a controller, cut into messages; a stream that cannot be cut is closed."""
        try:
            whole, rest = split(self._rest.get((node, switch), b"") + data)
        except Malformed as problem:
            self.current.log = (*self.current.log, f"{self.names[switch]} hangs up: {problem}")
            self.disconnect(node, switch)
            return
        self._rest[node, switch] = rest
        for message in whole:
            self.push(node, switch, message)

    def _failure(self, node: int, trouble: Trouble) -> Failure:
        kind, _, text = trouble.text.partition(":")
        known = trouble.kind == "exception" and kind.isidentifier()
        error = kind if known else trouble.kind
        function = trouble.where.rsplit(":", 1)[0].rsplit(".", 1)[-1]
        said = text.strip() if known else trouble.text
        if trouble.remedy:
            said = f"{said}; {trouble.remedy}"
        return Failure(self.names[node], error, trouble.where, said, function)

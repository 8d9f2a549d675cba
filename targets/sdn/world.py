"""The world of an OpenFlow network around real controllers: every message and every hop is an event.

The one insight: a switch and a host are functions without I/O and a controller is bytes in and bytes out,
so one step is always the same: hand one item to one node, let it come to rest, put what it said in flight.

Channels are FIFO per ordered pair, so messages of two switches overtake one another and those of one do
not.  The handshake with each switch is done before a run starts; later ones are events.
Not here: what is in flight (`flight.py`), control channels (`channels.py`), reading (`reading.py`), what
the outside may do (`outside.py`), when timers fire (`clock.py`), what must hold (`check/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.fifo import Fifo
from demi.interpose.timers import TIMER, parse_policy, timer_slot
from demi.interpose.world import Capabilities, Step
from targets.sdn.channels import Channels
from targets.sdn.clock import EXPIRE, Clock
from targets.sdn.controllers.interface import Controller
from targets.sdn.flight import DELIVER, Frame, Item
from targets.sdn.network.switch import TABLE_SIZE, Effect, ToWire
from targets.sdn.network.topology import Topology
from targets.sdn.network.wiring import Host, Wiring
from targets.sdn.openflow import oxm
from targets.sdn.openflow.wire import Type
from targets.sdn.outside import Inputs
from targets.sdn.packets import (
    ARP,
    ARP_REPLY,
    ARP_REQUEST,
    LLDP,
    Packet,
    arp_frame,
    parse,
)
from targets.sdn.store import Store
from targets.sdn.view import NetworkView

BOOT: Event = (int(Kind.START), -1, -1, 0)
HANDSHAKE_MAX = 20_000  # deliveries before a run starts; a controller that talks on is refused


class NetworkWorld(Channels):
    """A topology and the controllers in charge of it.

    settle: virtual seconds that pass by themselves after each input.  announce: every host asks for its
    own address before a run starts, as hosts do.  store: what the controllers share.
    """

    def __init__(
        self, topology: Topology, controllers: Sequence[Controller], *, settle: float = 0.0,
        timers: str = "ordered", table_size: int = TABLE_SIZE, handshake: bool = True,
        announce: bool = False, store: Store | None = None,
    ) -> None:  # fmt: skip
        self.topology = topology
        self.controllers = controllers
        owners = [controller.name for controller in controllers]
        self.names: Sequence[str] = (*owners, *topology.switches, *topology.hosts)
        self.index: dict[str, int] = {name: i for i, name in enumerate(self.names)}
        self.hosts = {mac: name for name, mac in topology.macs.items()}
        self.by_dpid = {dpid: self.index[name] for name, dpid in topology.dpids.items()}
        exact = all(controller.exact for controller in controllers)
        tier = "T0" if exact else "T2"
        how = ", ".join(dict.fromkeys(controller.how for controller in controllers))
        self.capabilities = Capabilities("fifo", timers, exact=exact, tier=tier, how=how)
        self.seed = 0
        self._policy = parse_policy(timers)
        self._settle = settle
        self._table_size = table_size
        self._handshake = handshake
        self._announce = announce
        self._store = store
        self._shared = store is not None and store.used
        self.events: list[Event] = []
        self.open: set[tuple[int, int]] = set()
        self.wiring: Wiring = Wiring(topology, table_size)

    def kind(self, name: str) -> str:
        """`c` for a controller, `s` for a switch, `h` for a host."""
        return "s" if name in self.topology.dpids else "h" if name in self.topology.macs else "c"

    def smaller(self, topology: Topology) -> NetworkWorld:
        """The same controllers in charge of another network; only one of the two is ever in use."""
        return NetworkWorld(
            topology, self.controllers, settle=self._settle, timers=self.capabilities.timers,
            table_size=self._table_size, handshake=self._handshake, announce=self._announce,
            store=self._store,
        )  # fmt: skip

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over: every switch connected to every controller, nothing learned."""
        self.seed = seed
        self.events = []
        self.current = step = Step(BOOT)
        self.network = Fifo(self.events, len(self.names), False)
        self.wiring = Wiring(self.topology, self._table_size)
        self.clock = Clock(self.events, self._policy, self._settle)
        self.open = set()  # (controller, switch) with a connection
        self.held: set[tuple[int, int]] = set()  # both directions of a blocked connection
        self.paused: set[int] = set()
        self._rest: dict[tuple[int, int], bytes] = {}
        self._last: tuple[Event, Item] | None = None
        self.probed: dict[tuple[str, int], float] = {}  # port -> when it last sent an LLDP frame
        self.frames = 0  # data-plane deliveries since the last input, or since time passed at rest
        self.chatter = 0  # messages of controllers to switches since the last input or timer
        self.view = NetworkView(self)
        self.outside = Inputs(self)
        if self._store is not None:
            self._store.clear()
        for node, controller in enumerate(self.controllers):
            controller.start(seed)
            self.collect(node)
        for node in range(len(self.controllers)):
            for name in self.topology.switches:
                self.connect(node, self.index[name])
        if self._handshake:
            self._finish_handshake()
        for host in self.wiring.hosts.values() if self._announce else ():
            self.host_sends(host, arp_frame(ARP_REQUEST, host.ends, (0, host.ip)))
        if self._announce and self._handshake:
            self._finish_handshake()
        self.frames = self.chatter = 0
        self.clock.refresh()
        self.view.update(self.events)
        return step

    def _finish_handshake(self) -> None:
        boot = self.current
        failure = boot.failure
        for _ in range(HANDSHAKE_MAX):
            if not self.events or self.events[0][0] != DELIVER:
                break
            one = self.take(self.events[0])
            boot.armed = [e for e in (*boot.armed, *one.armed) if e not in one.cancelled]
            boot.log = (*boot.log, *one.log)
            failure = failure or one.failure
        else:
            raise TargetError(
                f"the controller still talks after {HANDSHAKE_MAX} messages of the handshake",
                remedy="does the application flood, or answer its own messages?",
            )
        boot.sent = []
        boot.armed = sorted((TIMER, *key, n) for key, (n, _, _) in self.clock.armed.items())
        boot.failure = failure
        self.current = boot

    def enabled(self) -> Sequence[Event]:
        return self.events

    def step(self, event: Event) -> Step:
        return self.take(event) if self.allowed(event) else Step(event, False)

    def take(self, event: Event) -> Step:
        """`step` for an event known to be enabled."""
        self.current = step = Step(event)
        kind, node, peer, _ = event
        self.view.touch(node)
        if kind == DELIVER:
            item: Item = self.network.take(event, [])
            self._last = (event, item)
            self._deliver(node, peer, item)
            step.wide = self._shared and node < len(self.controllers)
        elif kind == TIMER:
            self._fire(node, event)
            step.wide = True  # time is one for all
        else:
            self.frames = self.chatter = 0
            self.outside.take(event)
            step.wide = True  # a cable has two ends, a host two places
        self.clock.refresh()
        self.outside.refresh()
        self.view.update(self.events)
        return step

    def observe(self) -> NetworkView:
        return self.view

    def close(self) -> None:
        """End every controller."""
        for controller in self.controllers:
            controller.close()

    # ---- one node runs

    def _deliver(self, node: int, peer: int, item: Item) -> None:
        name = self.names[node]
        if node < len(self.controllers):
            assert isinstance(item, bytes)
            controller = self.controllers[node]
            self.catch_up(controller)
            controller.feed(self.topology.dpids[self.names[peer]], item)
            self.run(node)
        elif isinstance(item, bytes):
            switch = self.wiring.switches[name]
            assert switch is not None  # a crash loses what is in flight to the switch
            self.chatter += 1
            self.emit(name, switch.message(item, peer, self.clock.now))
        elif name in self.wiring.hosts:
            self.frames += 1
            self._hear(self.wiring.hosts[name], item.packet)
        else:
            self.frames += 1
            switch = self.wiring.switches[name]
            assert switch is not None
            self.emit(name, switch.packet(item.port, item.packet, self.clock.now))

    def _hear(self, host: Host, packet: Packet) -> None:
        """A frame reaches a host; it answers when somebody asks for its address."""
        headers = packet.headers
        if headers[oxm.ETH_TYPE] == LLDP:
            return
        host.heard += 1
        asked = headers[oxm.ETH_TYPE] == ARP and headers[oxm.ARP_OP] == ARP_REQUEST
        if asked and headers[oxm.ARP_TPA] == host.ip and headers[oxm.ETH_SRC] != host.mac:
            asker = (headers[oxm.ARP_SHA], headers[oxm.ARP_SPA])
            self.host_sends(host, arp_frame(ARP_REPLY, host.ends, asker))

    def host_sends(self, host: Host, data: bytes) -> None:
        """A frame leaves a host; it is lost when nothing is at the other end."""
        where, port = host.at
        if self.wiring.switches[where] is not None and host.at not in self.wiring.out:
            self.push(self.index[host.name], self.index[where], Frame(parse(data), port))

    def _fire(self, node: int, event: Event) -> None:
        now = self.clock.fire(event)
        self.chatter = 0
        if not self.events or self.events[0][0] != DELIVER:
            self.frames = 0  # what comes now is set off by time, as often as it likes
        if node < len(self.controllers):
            self.catch_up(self.controllers[node], now)
            self.run(node)
            return
        name = self.names[node]
        switch = self.wiring.switches[name]
        assert switch is not None
        self.emit(name, switch.expire(now))

    # ---- what is put in flight

    def emit(self, name: str, effects: Iterable[Effect]) -> None:
        """What a switch did: packets by ports, messages to controllers."""
        node = self.index[name]
        self.view.also(node)
        for effect in effects:
            if isinstance(effect, ToWire):
                self._onto(node, name, effect)
                continue
            for who in range(len(self.controllers)) if effect.who < 0 else (effect.who,):
                if effect.who < 0 and self.secondary(name, who, effect.data):
                    continue
                if (who, node) in self.open:
                    self.push(node, who, effect.data)
        switch = self.wiring.switches[name]
        if switch is not None and (
            switch.expiring or (node, timer_slot(EXPIRE)) in self.clock.armed
        ):
            self.clock.set(node, EXPIRE, switch.deadline(), self.current)

    def secondary(self, name: str, who: int, data: bytes) -> bool:
        """Is this something that a secondary controller is not told?"""
        switch = self.wiring.switches[name]
        return switch is not None and switch.roles.get(who) == 3 and data[1] != Type.PORT_STATUS

    def _onto(self, node: int, name: str, effect: ToWire) -> None:
        end = self.wiring.far_end((name, effect.port))
        if effect.packet.headers[oxm.ETH_TYPE] == LLDP:
            self.probed[name, effect.port] = self.clock.now
        if isinstance(end, Host):
            self.push(node, self.index[end.name], Frame(effect.packet, 0))
        elif end is not None:
            self.push(node, self.index[end[0]], Frame(effect.packet, end[1]))

    def spread(self, told: Iterable[tuple[str, Effect]]) -> None:
        """Effects of a change of the wiring, at the switches that notice."""
        for name, effect in told:
            self.emit(name, (effect,))

    # ---- what the outside offers

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self.outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self.outside.withdraw(event)

    def checkpoint(self) -> object:
        raise NotImplementedError("controllers cannot be copied; run the schedule again")

    def restore(self, saved: object) -> None:
        raise NotImplementedError("controllers cannot be copied; run the schedule again")

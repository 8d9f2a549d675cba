"""The actor adapter, demi's side: a world of plain classes, one handler call per step.

The one insight: the enabled events are one sorted list that every send, arming and arrival keeps up to
date, so a step costs what it changes and not what is pending.

A message that reaches a node that is down, or crosses a cut link, is a step that runs no handler and
loses the message.  A handler that raises crashes its node; what it sent before is in flight.
Not here: choosing, recording, naming; the network (`network.py`), timers (`timers.py`), faults and
inputs (`outside.py`), digests and checkpoints (`actor_state.py`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from demi.errors import ContractError, DemiError, TargetError
from demi.events import Event, External, Kind, valid_node_name
from demi.interpose.actor import Context, Node
from demi.interpose.actor_state import ActorState, NodeSaved
from demi.interpose.actor_view import UNREAD, ActorView
from demi.interpose.canon import Canon
from demi.interpose.channels import remove_sorted
from demi.interpose.failures import failure_of, place_of
from demi.interpose.network import make_network
from demi.interpose.outside import Outside
from demi.interpose.payload import Freezer, Serialized, serialize
from demi.interpose.timers import DELIVERY_SECONDS, TIMER, Armed, may_fire, parse_policy, timer_slot
from demi.interpose.world import Capabilities, Step

DELIVER = int(Kind.DELIVER)
BOOT: Event = (int(Kind.START), -1, -1, 0)


class ActorWorld(ActorState):
    """A World of `Node` objects.

    nodes: name -> factory of the node.  observe(node): what invariants and viewers see, best a
    NamedTuple of immutable values; without it, a copy of the fields.  network, timers, lossy: see
    `network.py` and `timers.py`.
    inputs: label -> args -> message, for INJECT externals; without it, the message is (label, args).
    autostart: every node is started by `reset`; otherwise START externals do it.

    Raises TargetError for a bad name or a constructor that raises; a handler's ContractError ends the
    run.
    """

    def __init__(
        self,
        nodes: Mapping[str, Callable[[], Node]],
        *,
        observe: Callable[[Any], Any] | None = None,
        network: str = "fifo",
        timers: str = "free",
        lossy: bool = False,
        inputs: Mapping[str, Callable[[Any], Any]] | None = None,
        autostart: bool = True,
    ) -> None:
        for name in nodes:
            if not valid_node_name(name):
                raise TargetError(
                    f"{name!r} cannot be a node name", remedy="use letters, digits, _ . -"
                )
        self.names: Sequence[str] = tuple(nodes)
        self.capabilities = Capabilities(network, timers, lossy, checkpoint=True)
        self.freezer = Freezer()
        self._canon = Canon(self.freezer)
        self.seed = 0
        self.reads_clock = False  # some node has read its clock, which is state from then on
        self.index = {name: i for i, name in enumerate(self.names)}
        self._factories = tuple(nodes.values())
        self._observe = observe or self._fields
        self._policy = parse_policy(timers)
        self._free = self._policy.word == "free"
        self._inputs = dict(inputs or {})
        self._autostart = autostart
        self._contexts = [
            Context(self, i, name, [peer for peer in self.names if peer != name])
            for i, name in enumerate(self.names)
        ]
        self._texts: dict[int, tuple[object, str]] = {}
        self._shown: dict[int, tuple[object, Any]] = {}
        self._prints: dict[int, tuple[object, object]] = {}
        self._digests = [("", "")] * len(self.names)
        self.reset(0)

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over; returns what starting the nodes did."""
        self.seed = seed
        count = len(self.names)
        self.events: list[Event] = []
        self.network = make_network(
            self.capabilities.network, self.events, count, self.capabilities.lossy
        )
        self.push = self.network.push
        self._take = self.network.take
        self._nodes: list[Node | None] = [None] * count
        for context in self._contexts:
            context.begin(seed)
        self._saved: list[NodeSaved | None] = [None] * count  # None: changed since
        self._armed: Armed = {}
        self._armings: dict[tuple[int, int], int] = {}
        self._timer_names: dict[int, str] = {}
        self._clocks = [0.0] * count
        self.cut: frozenset[tuple[int, int]] = frozenset()
        self._view = ActorView(self.names, self._nodes, self._observe)
        self.current = step = Step(BOOT)
        self._outside = Outside(self)
        if self._autostart:
            for node in range(count):
                self.start(node, "on_start")
        self._view.touched = range(count)
        return step

    def enabled(self) -> Sequence[Event]:
        if self._free:
            return self.events
        events = self.events
        middle = bisect_left(events, (TIMER, -1, -1, -1))
        timers = may_fire(self._policy, self._armed, max(self._clocks), middle > 0)
        return events[:middle] + timers + events[middle:] if timers else events

    def allowed(self, event: Event) -> bool:
        kind = event[0]
        if kind == DELIVER:
            return self.network.allowed(event)
        events = self.enabled() if kind == TIMER else self.events
        at = bisect_left(events, event)
        return at < len(events) and events[at] == event

    def step(self, event: Event) -> Step:
        if not self.allowed(event):
            return Step(event, False)
        return self.take(event)

    def take(self, event: Event) -> Step:
        """`step` for an event known to be enabled: the hot path of random exploration."""
        self.current = step = Step(event)
        kind, node, peer, _ = event
        if kind == DELIVER:
            lost: list[Event] = []
            packet = self._take(event, lost)
            if lost:
                step.lost = lost
            self._clocks[node] += DELIVERY_SECONDS
            actor = self._nodes[node]
            if actor is None or (self.cut and (peer, node) in self.cut):
                step.received = False
            else:
                if type(packet) is Serialized:
                    packet = self._opened(packet, event)
                self._saved[node] = None
                try:
                    actor.on_message(self._contexts[node], self.names[peer], packet)
                except BaseException as error:
                    self.fail(node, error)
        elif kind == TIMER:
            self._fire(event)
        else:
            self._outside.take(event)
        view = self._view
        view.touched = (node,)
        view._cache[node] = UNREAD
        if self._outside.watching:
            self._outside.refresh()
        return step

    def observe(self) -> ActorView:
        return self._view

    def close(self) -> None:
        """Nothing is held outside memory."""

    # ---- what handlers do, called by their context

    def index_of(self, name: str, sender: str) -> int:
        """The index of a node name.  Raises ContractError for an unknown one."""
        found = self.index.get(name)
        if found is None:
            raise ContractError(
                f"{sender} sends to unknown node {name!r}",
                where=f"step {self._where()}",
                remedy="nodes: " + ", ".join(self.names),
            )
        return found

    def serialized(self, node: int, msg: Any) -> Serialized:
        """A mutable message frozen at the send."""
        return serialize(msg, f"sent by {self.names[node]} in step {self._where()}")

    def arm(self, node: int, name: str, after: float) -> None:
        """Arm a timer, replacing an earlier arming."""
        slot = timer_slot(name)
        key = (node, slot)
        if key in self._armed:
            self._disarm(key)
        self._timer_names[slot] = name
        n = self._armings.get(key, 0)
        self._armings[key] = n + 1
        self._armed[key] = (n, name, self.clock(node) + after)
        event = (TIMER, node, slot, n)
        if self._free:
            insort(self.events, event)
        step = self.current
        step.armed = [*step.armed, event]

    def disarm(self, node: int, name: str) -> None:
        """Disarm a timer if it is armed."""
        key = (node, timer_slot(name))
        if key in self._armed:
            self._disarm(key)

    def _disarm(self, key: tuple[int, int]) -> None:
        n, _, _ = self._armed.pop(key)
        event = (TIMER, key[0], key[1], n)
        if self._free:
            remove_sorted(self.events, event)
        step = self.current
        step.cancelled = [*step.cancelled, event]

    def logged(self, text: str) -> None:
        """A log line of the running handler."""
        step = self.current
        step.log = [*step.log, str(text)]

    # ---- steps other than deliveries

    def _fire(self, event: Event) -> None:
        _, node, slot, _ = event
        _, name, deadline = self._armed.pop((node, slot))
        if self._free:
            remove_sorted(self.events, event)
        self._clocks[node] = max(self.clock(node) + DELIVERY_SECONDS, deadline)
        self.run(node, "on_timer", name)

    def run(self, node: int, handler: str, *args: Any) -> None:
        """Run one handler of a node that is up; an exception crashes the node."""
        actor = self._nodes[node]
        self._saved[node] = None
        try:
            getattr(actor, handler)(self._contexts[node], *args)
        except BaseException as error:
            self.fail(node, error)

    def start(self, node: int, handler: str) -> None:
        """A new node object; `handler` is on_start or on_restart."""
        try:
            self._nodes[node] = self._factories[node]()
        except (Exception, SystemExit) as error:
            raise TargetError(
                f"the constructor of node {self.names[node]} raised {type(error).__name__}: {error}",
                where=place_of(error.__traceback__),
                remedy="construct nodes without effects; use on_start for what may fail",
            ) from error
        self._contexts[node].rewind(None)
        self.run(node, handler)

    def stop(self, node: int) -> None:
        """The node loses its volatile state and its timers."""
        self._nodes[node] = None
        self._saved[node] = None
        for key in sorted(key for key in self._armed if key[0] == node):
            self._disarm(key)
        self._view.forget(node)
        self._outside.refresh()

    def fail(self, node: int, error: BaseException) -> None:
        """A handler raised: the node is down."""
        if isinstance(error, (DemiError, KeyboardInterrupt)):
            raise error
        self.current.failure = failure_of(self.names[node], error)
        self.stop(node)

    def alive(self, node: int) -> bool:
        """Is the node up?"""
        return self._nodes[node] is not None

    def _opened(self, packet: Serialized, event: Event) -> Any:
        if not packet.unchanged():
            src, dst = self.names[event[2]], self.names[event[1]]
            raise ContractError(
                f"{src} mutated a message after sending it to {dst}",
                where=f"step {self._where()}",
                remedy="send a tuple or a frozen dataclass, or a copy",
            )
        return packet.open()

    def _where(self) -> str:
        kind, node, peer, n = self.current.event
        here = self.names[node] if node >= 0 else "start"
        if kind == DELIVER:
            return f"{self.names[peer]}>{here} message {n + 1}"
        return f"{Kind(kind).name.lower()} at {here}"

    # ---- what the outside does

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self._outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self._outside.withdraw(event)

    def input(self, external: External) -> Any:
        """The message of an INJECT.  Raises TargetError for an unknown input."""
        if not self._inputs:
            return (external.label, external.args)
        make = self._inputs.get(external.label)
        if make is None:
            raise TargetError(
                f"the target has no input {external.label!r}",
                where=external.id,
                remedy="known: " + ", ".join(sorted(self._inputs)),
            )
        return make(external.args)

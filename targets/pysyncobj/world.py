"""A world of unmodified pysyncobj nodes in one process, one library call per step.

The one insight: with transport, clock, randomness and files in our hands the library does nothing by
itself, so a delivery or a tick is one call that runs to its end, and a run repeats exactly.

Time is free: each node has its own clock, which stands still except for its `tick` (a small step, never
past the election deadline) and its `election` (a jump just past it), so that an election is always an
event of its own; a message may take any time at all.  A crash drops the node without running its
clean-up code; the journal and its metadata stay.
Not here: connections (`links.py`), names and digests (`reading.py`), what invariants see
(`observe.py`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from demi.errors import DemiError, TargetError
from demi.events import Event, External, Kind
from demi.interpose.actor import Stream, stream_seed
from demi.interpose.channels import remove_sorted
from demi.interpose.connected import Faults
from demi.interpose.failures import failure_of
from demi.interpose.timers import timer_slot
from demi.interpose.world import Capabilities, Step
from targets.pysyncobj.library import HOST, Files, hold, release
from targets.pysyncobj.links import CONNECTED, DISCONNECTED, Connections
from targets.pysyncobj.machine import Door, Packet, Peer, build
from targets.pysyncobj.observe import ClusterView, election_deadline
from targets.pysyncobj.reading import DELIVER, ELECTION, TIMER, TIMERS, Reading

BOOT: Event = (int(Kind.START), -1, -1, 0)
_ELECTION = timer_slot(ELECTION)
_PAST = 1e-6
_NONE: list[Event] = []

NODES_MAX = 99  # a trace header is input from a stranger: a huge cluster must not hang us
TICK_SECONDS_MAX = 60.0


class PySyncObjWorld(Reading):
    """Nodes n1, n2, ... connected to one another.  tick: seconds by which a tick moves a clock.

    Raises TargetError when the installed release cannot be built this way.
    """

    def __init__(self, nodes: int, tick: float) -> None:
        if not 1 <= nodes <= NODES_MAX or not 0 < tick <= TICK_SECONDS_MAX:
            raise TargetError(
                f"pysyncobj needs 1 to {NODES_MAX} nodes and a tick above 0, at most"
                f" {TICK_SECONDS_MAX:g} s, not nodes={nodes} and tick={tick}"
            )
        self.names: Sequence[str] = tuple(f"n{i + 1}" for i in range(nodes))
        self.index = {name: i for i, name in enumerate(self.names)}
        self.capabilities = Capabilities("fifo", "free")
        self.seed = 0
        self._tick = tick
        self._peers = [Peer(name, i) for i, name in enumerate(self.names)]
        self._closed = False
        hold()
        try:
            self.reset(0)
        except BaseException:
            self.close()
            raise

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over, all nodes up and connected; returns the timers this armed."""
        count = len(self.names)
        self.seed = seed
        self.events: list[Event] = []
        self.current = step = Step(BOOT)
        self.links = Connections(self.events, count)
        self.links.step = step
        self._network = self.links.network
        self._doors: list[Door | None] = [None] * count
        self._machines: list[Any] = [None] * count  # Machine, or None while down
        self._graves: list[object] = []  # what crashed stays referenced: no finalizer runs in a run
        self._clocks = [0.0] * count
        self._streams = [Stream(stream_seed(seed, name)) for name in self.names]
        self._files: list[Files] = [{} for _ in self.names]
        self._armings = [dict.fromkeys(TIMERS, 0) for _ in self.names]
        self._last: tuple[Event, Packet] | None = None
        self._view = ClusterView(self.names, self._machines)
        self._outside = Faults(self, "pysyncobj")
        for node in range(count):
            try:
                self._start(node)
            except Exception as error:
                raise TargetError(
                    f"this pysyncobj cannot be held: {type(error).__name__}: {error}",
                    remedy="supported: 0.3.11 to 0.3.17",
                ) from error
        for node, door in enumerate(self._doors):
            assert door is not None
            for peer in self._peers:
                if peer.index != node:
                    door.connected(peer)
        HOST.log.clear()
        self._view.update_all()
        return step

    def enabled(self) -> Sequence[Event]:
        return self.events

    def allowed(self, event: Event) -> bool:
        at = bisect_left(self.events, event)
        return at < len(self.events) and self.events[at] == event

    def step(self, event: Event) -> Step:
        if not self.allowed(event):
            return Step(event, False)
        return self.take(event)

    def take(self, event: Event) -> Step:
        """`step` for an event known to be enabled."""
        self.current = self.links.step = step = Step(event)
        kind, node, peer, _ = event
        if kind == DELIVER:
            packet: Packet = self._network.take(event, _NONE)
            self._last = (event, packet)
            self._deliver(node, peer, packet)
        elif kind == TIMER:
            self._fire(node, peer, event)
        else:
            self._outside.take(event)
        if HOST.log:
            step.log = tuple(HOST.log)
            HOST.log.clear()
        self._view.update(node)
        return step

    def observe(self) -> ClusterView:
        return self._view

    def close(self) -> None:
        """Give the library its real surroundings back."""
        if not self._closed:
            self._closed = True
            release()

    # ---- one node runs

    def _enter(self, node: int) -> None:
        HOST.now = self._clocks[node]
        HOST.draw = self._streams[node].random
        HOST.files = self._files[node]

    def _deliver(self, node: int, src: int, packet: Packet) -> None:
        door = self._doors[node]
        assert door is not None  # a crash loses what is in flight to the node
        label, data, read = packet
        self._enter(node)
        try:
            if label == CONNECTED:
                self.links.told.add((node, src))
                self.links.open.add((node, src))
                door.connected(self._peers[src])
            elif label == DISCONNECTED:
                self.links.told.discard((node, src))
                door.disconnected(self._peers[src])
            else:
                door.receive(self._peers[src], read(data))
        except Exception as error:
            self._fail(node, error)

    def _fire(self, node: int, slot: int, event: Event) -> None:
        machine = self._machines[node]
        armings = self._armings[node]
        armings[slot] = n = armings[slot] + 1
        again = (TIMER, node, slot, n)
        self.events[bisect_left(self.events, event)] = again  # the same place in canonical order
        self.current.armed = [again]
        now, deadline = self._clocks[node], election_deadline(machine)
        if slot == _ELECTION:
            self._clocks[node] = max(now, deadline + _PAST)
        elif now <= deadline < now + self._tick:
            self._clocks[node] = deadline  # the library compares with <
        else:
            self._clocks[node] = now + self._tick
        self._enter(node)
        try:
            machine.doTick()
        except Exception as error:
            self._fail(node, error)

    def inject(self, node: int, external: External) -> None:
        """A client hands a command to a node; the library queues it for its next tick."""
        self._enter(node)
        try:
            self._machines[node].command(self.input(external))
        except Exception as error:
            self._fail(node, error)

    # ---- starting and stopping

    def _start(self, node: int) -> None:
        self._enter(node)
        self._doors[node] = door = Door(node, self.links.post)
        self._machines[node] = build(node, self._peers, door)
        for slot in sorted(TIMERS):
            event = (TIMER, node, slot, self._armings[node][slot])
            insort(self.events, event)
            self.current.armed = [*self.current.armed, event]

    def boot(self, node: int) -> None:
        """A new process on the old journal; it and its peers have yet to be told they are connected."""
        try:
            self._start(node)
        except Exception as error:
            self._fail(node, error)
            return
        for other in range(len(self.names)):
            if other != node and self.alive(other):
                self.links.connect(node, other)

    def stop(self, node: int) -> None:
        """The process is gone, and with it all but its journal."""
        self._graves.append(self._machines[node])
        self._machines[node] = self._doors[node] = None
        for slot, n in sorted(self._armings[node].items()):
            event = (TIMER, node, slot, n)
            if remove_sorted(self.events, event):
                self.current.cancelled = [*self.current.cancelled, event]
                self._armings[node][slot] = n + 1
        self.links.died(node, [other for other in range(len(self.names)) if other != node])

    def _fail(self, node: int, error: Exception) -> None:
        """The library raised: the node is down."""
        if isinstance(error, DemiError):
            raise error
        self.stop(node)
        self._outside.refresh()
        self.current.failure = failure_of(self.names[node], error)

    def alive(self, node: int) -> bool:
        """Is the node up?"""
        return self._machines[node] is not None

    # ---- what the outside does

    @property
    def held(self) -> set[tuple[int, int]]:
        return self.links.held

    @property
    def cut(self) -> set[tuple[int, int]]:
        return self.links.cut

    def sever(self, a: int, b: int, one_way: bool) -> None:
        self.links.sever(a, b, one_way)

    def mend(self, a: int, b: int, one_way: bool) -> None:
        self.links.mend(a, b, one_way)
        if not one_way and self.alive(a) and self.alive(b):
            self.links.connect(a, b)

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self._outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self._outside.withdraw(event)

    def input(self, external: External) -> Any:
        """The value of a command.  Raises TargetError for another input."""
        if external.label != "command":
            raise TargetError(
                f"pysyncobj has no input {external.label!r}",
                where=external.id,
                remedy="known: command",
            )
        args = external.args
        return args["value"] if isinstance(args, dict) and "value" in args else args

    # ---- no checkpoints: re-execution is exact, and a copy of foreign objects is not

    def checkpoint(self) -> object:
        raise NotImplementedError("pysyncobj nodes cannot be copied; run the schedule again")

    def restore(self, saved: object) -> None:
        raise NotImplementedError("pysyncobj nodes cannot be copied; run the schedule again")

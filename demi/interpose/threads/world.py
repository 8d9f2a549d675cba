"""A world of threaded programs with blocking sockets: several nodes in one process, one step at a time.

The one insight: a message that arrives, a wait that times out and a thread that goes on are the only
things that can move a program whose threads are held, so they are its events, and between them nothing
happens at all.

What an arrival or a timeout wakes runs in the same step, in the order it was woken; a thread that another
thread woke is an event of its own (`n1!worker:resume#2`), so which goes next is chosen.  A crash drops
the threads without running their clean-up code.  Not here: the stand-ins, connections, memory races.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from demi.errors import TargetError
from demi.events import Event, External, Kind, valid_node_name
from demi.interpose.channels import remove_sorted
from demi.interpose.connected import Faults
from demi.interpose.framing import MakeDecoder
from demi.interpose.links import Links
from demi.interpose.notices import Notices
from demi.interpose.payload import Freezer
from demi.interpose.threads import watchdog
from demi.interpose.threads.hosts import Host, Task
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.lives import Lives
from demi.interpose.threads.net import Arrival, Net
from demi.interpose.threads.program import Image, Program
from demi.interpose.threads.reading import Observe, Packet, ThreadsView
from demi.interpose.threads.recognized import shown
from demi.interpose.threads.watchdog import WALL_SECONDS, WallBudget
from demi.interpose.timers import DELIVERY_SECONDS, TIMER, may_fire, parse_policy, timer_slot
from demi.interpose.world import Capabilities, Step

DELIVER = int(Kind.DELIVER)
BOOT: Event = (int(Kind.START), -1, -1, 0)
PIECES_MAX = 100_000  # of threads in one step
_NONE: list[Event] = []
_new: Any = object.__new__  # both as the classes themselves, without running Python code
_packet = partial(tuple.__new__, Packet)
_TURN = "its turn to resume"


class ThreadsWorld(Lives):
    """A World of programs.

    programs: node name -> Program, whose main function is called with the node's name if it takes one
    argument.  observe(threads, modules): what invariants see of a node, given its threads (name -> what
    it waits for, as text) and its modules by name; by default the threads.
    inputs: label -> (modules, args) -> None, run in a thread of its own on the node.
    decoder(port) -> how to cut the streams of connections to a port; by default HTTP is recognized, and other
    messages are what one send wrote.  show(message) -> what readers see.
    timers: see `timers.py`.
    """

    def __init__(
        self,
        programs: Mapping[str, Program],
        *,
        observe: Observe | None = None,
        inputs: Mapping[str, Callable[[Mapping[str, Any], Any], None]] | None = None,
        decoder: Callable[[int], MakeDecoder | None] = lambda port: None,
        show: Callable[[bytes], Any] | None = None,
        timers: str = "ordered",
        wall: float = WALL_SECONDS,
    ) -> None:
        for name in programs:
            if not valid_node_name(name):
                raise TargetError(
                    f"{name!r} cannot be a node name", remedy="use letters, digits, _ . -"
                )
        self.names: Sequence[str] = tuple(programs)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.capabilities = Capabilities("fifo", timers)
        self.seed = 0
        self._policy = parse_policy(timers)
        self._free = self._policy.word == "free"
        self._observe = observe or (lambda threads, modules: dict(threads))
        self._inputs = dict(inputs or {})
        self._show = show or shown
        self._budget = WallBudget(wall)
        self.kernel = Kernel(self.names, shared=not self._free)
        self.kernel.on_arm, self.kernel.on_disarm = self._armed, self._disarmed
        self._net = self.kernel.network = Net(
            self.kernel, self._post, reachable=self._reachable, decoder=decoder, report=self._report
        )
        hosts = self.kernel.hosts
        self._images = [
            Image(program, self.kernel, host)
            for program, host in zip(programs.values(), hosts, strict=True)
        ]
        self._signs = [  # of a node, that something happened which is to be told
            (self.kernel.failures, self.kernel.spun, image.log, image.lines, image.guard.seen)
            for image in self._images
        ]
        self.notices = Notices()
        self.freezer = Freezer()
        self._view: ThreadsView | None = None
        for image in self._images:
            image.guard.notices = self.notices
        self.reset(0)

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over; every node's main thread has run until it waits."""
        self.seed = seed
        self.kernel.reset(seed)
        self._net.reset()
        self.events: list[Event] = []
        self._links = Links(self.events, len(self.names))
        self.held = self._links.held
        self.cut: set[tuple[int, int]] = set()
        self._resumes: dict[Event, Task] = {}
        self._resumed: dict[tuple[int, int], int] = {}
        self._labels: dict[int, str] = {}
        self._last: tuple[Event, Packet] | None = None
        self._log: list[str] = []
        self._begin(BOOT)
        self._outside = Faults(self, "a threaded program")
        for host in self.kernel.hosts:
            host.up = True
        for node in range(len(self.names)):
            self.boot(node)
        self._view = None
        step = self.current
        step.log = tuple(self._log)
        return step

    def _begin(self, event: Event) -> Step:
        self.current = self._links.step = step = Step(event)
        return step

    def enabled(self) -> Sequence[Event]:
        events, kernel = self.events, self.kernel
        if self._free or not kernel.sleepers:
            return events
        middle = bisect_left(events, (TIMER, -1, -1, -1))
        last = bisect_left(events, (TIMER + 1, -1, -1, -1))
        timers = may_fire(self._policy, kernel.armed(), kernel.clocks[0], last > 0)
        if not timers:
            return events
        return events[:middle] + sorted([*timers, *events[middle:last]]) + events[last:]

    def allowed(self, event: Event) -> bool:
        events = self.enabled() if event[0] == TIMER else self.events
        at = bisect_left(events, event)
        return at < len(events) and events[at] == event

    def step(self, event: Event) -> Step:
        if not self.allowed(event):
            return Step(event, False)
        return self.take(event)

    def take(self, event: Event) -> Step:
        """`step` for an event known to be enabled."""
        step: Step = _new(Step)
        self.current = self._links.step = step
        step.event = event
        kind, node, peer, _ = event
        kernel = self.kernel
        if kind == DELIVER:
            packet: Packet = self._links.network.take(event, _NONE)
            self._last = (event, packet)
            label, data, arrive = packet
            host = kernel.hosts[node]
            host.past.append((peer, label, data))
            kernel.clocks[host.clock] += DELIVERY_SECONDS
            self._run(node, arrive)
        elif kind == TIMER:
            kernel.hosts[node].past.append(peer)
            task = self._resumes.pop(event, None) if self._resumes else None
            if task is not None or self._free:
                events = self.events
                del events[bisect_left(events, event)]
            self._run(node, None, task or kernel.fire(node, peer))
        else:
            self._outside.take(event)
        if self._log:
            step.log = tuple(self._log)
            self._log.clear()
        if len(step.sent) > 1:  # the program's sets may have decided the order among channels
            step.sent.sort()
        view = self._view
        if view is not None:
            now = self.look(node)
            if now is view.fixed[node]:
                view.touched = ()
            else:
                view.update(node, now)
        return step

    def observe(self) -> ThreadsView:
        if self._view is None:  # until somebody asks, nodes are not read
            self._view = ThreadsView(self)
        return self._view

    def close(self) -> None:
        """End all threads."""
        self.kernel.reset(0)
        watchdog.rest()

    # ---- a node runs

    def _run(self, node: int, first: Callable[[], Any] | None, task: Task | None = None) -> None:
        """Do something at a node, and run a thread, or else what that woke, until it waits."""
        kernel, image, budget = self.kernel, self._images[node], self._budget
        host = kernel.hosts[node]
        runnable = host.runnable
        image.enter()
        budget.begin()
        try:
            if first is not None:
                first()
            if task is not None:
                kernel.run(task)
            elif len(runnable) == 1:
                if runnable[0].waits is not _TURN:
                    kernel.run(runnable[0])
            elif runnable:
                for one in [t for t in runnable if t.waits is not _TURN]:
                    if not host.ended:
                        kernel.run(one)
        finally:
            budget.end()
            image.leave()
        if runnable or self._net.unfinished or not self._free:
            self._rest(host)
        if host.ended or any(self._signs[node]):
            self._account(node)

    def _rest(self, host: Host) -> None:
        """The node waits: who may go on becomes an event, what it has begun to send arrives so far."""
        for woken in host.runnable:
            if woken.waits is not _TURN:
                self._resume(woken)
        if not host.runnable:
            self._net.flush(host)
        if not self._free and self.kernel.looked:  # all have one time, and now it is in this node
            self.kernel.looked = False
            host.past.append(self.kernel.clocks[0])

    def _resume(self, task: Task) -> None:
        """A thread that another one woke becomes an event."""
        name = f"{task.name}:resume"
        slot = timer_slot(name)
        self._labels[slot] = name
        key = (task.host.index, slot)
        n = self._resumed.get(key, 0)
        self._resumed[key] = n + 1
        event = (TIMER, task.host.index, slot, n)
        task.waits = _TURN
        self._resumes[event] = task
        insort(self.events, event)
        self.current.armed = sorted([*self.current.armed, event])

    # ---- what the kernel and the network tell

    def _armed(self, task: Task, n: int) -> None:
        node, slot = task.key
        event = (TIMER, node, slot, n)
        if not n:
            self._labels[slot] = task.name
        if self._free:
            insort(self.events, event)
        step = self.current
        step.armed = sorted([*step.armed, event]) if step.armed else [event]

    def _disarmed(self, task: Task, n: int) -> None:
        node, slot = task.key
        event = (TIMER, node, slot, n)
        if self._free:
            remove_sorted(self.events, event)
        step = self.current
        if step.armed and event in step.armed:  # armed and cancelled in one step: it never was
            step.armed = [other for other in step.armed if other != event]
        else:
            step.cancelled = sorted([*step.cancelled, event]) if step.cancelled else [event]

    def _post(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None:
        if dst.up:  # to a host that is down it is lost at once
            self._links.push(src.index, dst.index, _packet((label, data, arrive)))

    def _report(self, why: str) -> None:
        self._log.append(why)

    def _reachable(self, src: Host, dst: Host) -> bool:
        a, b = src.index, dst.index
        return (min(a, b), max(a, b)) not in self.cut

    # ---- what the outside does

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self._outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self._outside.withdraw(event)

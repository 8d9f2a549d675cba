"""A world of unmodified asyncio services: one loop, many hosts, one event per step.

The one insight: a step puts one message, timer or input into one host and runs the ready queue dry; what
the host then waits for are the next events, so nothing in the program needs to know.

Not here: starting, running and ending hosts (`lives.py`), labels and digests (`reading.py`), the loop, the
network, the stand-ins (siblings); choosing and recording.
"""

from __future__ import annotations

import atexit
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from demi.errors import ContractError, TargetError
from demi.events import Event, External, Kind, valid_node_name
from demi.interpose import garbage
from demi.interpose.actor_view import UNREAD, ActorView
from demi.interpose.aio import files, stand_ins
from demi.interpose.aio.absent import Absent
from demi.interpose.aio.disk import Disk
from demi.interpose.aio.faults import RESERVED, Faults
from demi.interpose.aio.framings import Codec, Framing
from demi.interpose.aio.guard import HostGuard, Logs
from demi.interpose.aio.host import Clock, Host
from demi.interpose.aio.lives import Lives
from demi.interpose.aio.loop import make_loop
from demi.interpose.aio.modules import Modules
from demi.interpose.aio.net import DELIVER, MODEL, Net, Packet
from demi.interpose.aio.prints import Prints
from demi.interpose.aio.reading import Reading
from demi.interpose.aio.service import Input, Service
from demi.interpose.aio.timers import TIMER, Timers
from demi.interpose.aio.watch import Watch
from demi.interpose.aio.wires import Wires
from demi.interpose.escapes import watch
from demi.interpose.notices import Notices
from demi.interpose.payload import Freezer
from demi.interpose.timers import DELIVERY_SECONDS, parse_policy
from demi.interpose.world import Capabilities, Step

BOOT: Event = (int(Kind.START), -1, -1, 0)
LIFE_SECONDS = 60.0
STEP_SECONDS = 10.0
RUN_SECONDS = 300.0  # by the wall: more is a run that nobody waits for
_FIRST_TIMER: Event = (TIMER, -1, -1, -1)


class AsyncioWorld(Lives, Reading):
    """A World of asyncio services, by host name.

    inputs: label -> what an INJECT does.  framing: port -> how its streams are cut (HTTP/1.1 is
    recognized).  codec: names of datagrams.  timers: a policy; life: virtual seconds after which no
    timer fires.  isolate: packages of which every host has its own copy.  packages: the program's, to
    be searched for clocks bound before demi.  prepare(host): runs in the host before its packages are
    imported.  escapes: kinds of real things that are allowed (socket, subprocess, thread, file).
    step_seconds: how long a step may take before it counts as blocked; run_seconds: how long a run may,
    before it ends in an error.

    Raises TargetError for a bad name, EscapeError for a program bound to real clocks.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        *,
        inputs: Mapping[str, Input] | None = None,
        framing: Mapping[int, Framing] | None = None,
        codec: Codec | None = None,
        timers: str = "bounded(0.25)",
        life: float = LIFE_SECONDS,
        isolate: Sequence[str] = (),
        packages: Sequence[str] = (),
        prepare: Callable[[Host], None] | None = None,
        escapes: Sequence[str] = (),
        step_seconds: float = STEP_SECONDS,
        run_seconds: float = RUN_SECONDS,
    ) -> None:
        for name in services:
            if not valid_node_name(name):
                raise TargetError(
                    f"{name!r} cannot be a node name", remedy="use letters, digits, _ . -"
                )
        taken = sorted(set(inputs or ()) & set(RESERVED))
        if taken:
            raise TargetError(f"an input may not be called {taken[0]!r}", remedy="it names a fault")
        self.names: Sequence[str] = tuple(services)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.capabilities = Capabilities(MODEL, timers)
        self._policy = parse_policy(timers)
        self._services = tuple(services.values())
        self._inputs = dict(inputs or {})
        self._framing = dict(framing or {})
        self._codec = codec
        self._life = life
        self._prepare = prepare
        self.notices = Notices()
        self._guard = HostGuard(escapes, self.notices)
        self._watch = Watch(step_seconds, run_seconds, self._late)
        self._run_seconds = run_seconds
        self._closed = False
        watch()
        stand_ins.hold()
        garbage.open_for_runs()
        self._modules = Modules(isolate)
        self._logs = Logs()
        self._prints = Prints()
        self._absent = Absent()
        self.hosts: list[Host | None] = []
        self._dead: list[Host] = []
        self._graves: list[object] = []
        self._freezer = Freezer()
        atexit.register(self.close)  # else the interpreter's last collection runs dead programs
        try:
            own = [one for one in self._calls() if one.split(".")[0] != "demi"]
            stand_ins.bound_deeper((*packages, *isolate, *own))
            self.reset(0)
        except BaseException:
            self.close()
            raise

    def _calls(self) -> list[str]:
        """Modules of what is run and put in."""
        made = [*(one.main for one in self._services), *self._inputs.values()]
        return sorted({one.__module__ for one in made if hasattr(one, "__module__")} - {"__main__"})

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over: every host starts; returns what that did."""
        count = len(self.names)
        self._bury(False)
        self.seed = seed
        self._watch.start()
        files.forget_descriptors()
        self.events: list[Event] = []
        free = self._policy.word == "free"
        self.clocks = [Clock() for _ in range(count)] if free else [Clock()] * count
        self.net = Net(self.events)
        self.wires = Wires(self.net, self._up, self._framing, self._codec)
        self.timers = Timers(self._policy, self._life, count)
        self.loop = self.wires.loop = make_loop(self.timers, self.wires, self.index, self.notices)
        self.hosts = [None] * count
        self._mains: list[Any] = [None] * count
        self._disks = [Disk() for _ in range(count)]
        self._starts = [0] * count
        self._last: tuple[Event, Packet] | None = None
        self._contents = {}
        self._view = ActorView(self.names, cast(Any, self.hosts), self._observed)
        self._outside = Faults(self)
        self._begin(BOOT)
        for node in range(count):
            self.start(node)
            self._finish(node)
        self._view.touched = range(count)
        return self.current

    def _begin(self, event: Event) -> Step:
        step = self.current = self.net.step = self.timers.step = Step(event)
        return step

    def enabled(self) -> Sequence[Event]:
        events = self.events
        if not self.timers.armed:
            return events
        middle = bisect_left(events, _FIRST_TIMER)
        timers = self.timers.enabled(self.clocks, middle > 0)
        return events[:middle] + timers + events[middle:] if timers else events

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
        step = self._begin(event)
        kind, node, _, _ = event
        if kind == DELIVER:
            lane, packet = self.net.take(event)
            self._last = (event, packet)
            self.clocks[node].now += DELIVERY_SECONDS
            step.received = self.run(node, self.wires.arrive, lane, packet) is not False
        elif kind == TIMER:
            timer = self.timers.take(event)
            clock = self.clocks[node]
            clock.now = max(clock.now, timer.when())
            callback, timer.callback = timer.callback, None
            self.run(node, timer.context.run, callback, *timer.args)
        else:
            self._outside.take(event)
        self._finish(node)
        if self._outside.watching:
            self._outside.refresh()
        return step

    def _finish(self, node: int) -> None:
        """The host is at rest: what it began to write is sent, and the step is in canonical order."""
        wires = self.wires
        if wires.unfinished or wires.opening:
            wires.flush()
        main, step = self._mains[node], self.current
        if main is not None and main.done():
            self._mains[node] = None
            error = None if main.cancelled() else main.exception()
            if error is not None:
                self._fail(node, error)
        host = self.hosts[node]
        if host is not None:
            if host.outgoing:
                host.settle()
            if host.log:
                step.log = [*step.log, *host.log]
                host.log = []
        if len(step.sent) > 1:  # the program's sets may have decided the order among channels
            step.sent.sort()
        if len(step.armed) > 1:
            step.armed = sorted(step.armed)
        if len(step.cancelled) > 1:
            step.cancelled = sorted(step.cancelled)
        self._view.touched = (node,)
        self._view._cache[node] = UNREAD

    def _late(self, place: str) -> None:
        """The run has been at work for too long: it ends with this step."""
        self.loop.refusals.append(
            ContractError(
                f"a run takes more than {self._run_seconds:g} s",
                where=place,
                remedy="shorter runs (--steps, fewer inputs), or AsyncioWorld(run_seconds=...)",
            )
        )

    def _observed(self, host: Any) -> Any:
        return self._services[host.index].observe(host.state)

    def close(self) -> None:
        """Take the stand-ins down."""
        if not self._closed:
            self._closed = True
            atexit.unregister(self.close)
            self._watch.stop()
            self._bury(True)
            self._modules.close()
            self._logs.close()
            self._prints.close()
            self._absent.close()
            stand_ins.release()
            garbage.close_for_runs()

    # ---- what the outside does

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self._outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self._outside.withdraw(event)

    def input(self, external: External) -> Any:
        """Check an input.  Raises TargetError for one that the target does not have."""
        label = external.label
        if label not in self._inputs and label not in RESERVED:
            known = ", ".join([*sorted(self._inputs), *RESERVED])
            raise TargetError(f"no input {label!r}", where=external.id, remedy="known: " + known)
        return external.args

    # ---- no checkpoints: re-execution is exact, and a copy of a running coroutine is not

    def checkpoint(self) -> object:
        raise NotImplementedError("coroutines cannot be copied; run the schedule again")

    def restore(self, saved: object) -> None:
        raise NotImplementedError("coroutines cannot be copied; run the schedule again")

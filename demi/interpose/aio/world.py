"""A world of unmodified asyncio services: one loop, many hosts, one event per step.

The one insight: a step puts one message, timer or input into one host and runs the ready queue dry; what
the host then waits for are the next events, so nothing in the program needs to know.

A host whose main raises is down (a failure of the run); one whose main returns has ended well.  A crash
runs no clean-up code: ready callbacks and timers are dropped, the dead objects are kept to the end of
the run.  A restart makes a new host on the old disk.
Not here: the loop, the network, the stand-ins (siblings); choosing and recording.
"""

from __future__ import annotations

import atexit
import hashlib
import inspect
import json
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zlib import crc32

from demi.errors import DemiError, TargetError
from demi.events import Event, External, Kind, valid_node_name
from demi.interpose.actor import Stream, stream_seed
from demi.interpose.actor_view import UNREAD, ActorView
from demi.interpose.aio import files, morgue, stand_ins
from demi.interpose.aio.disk import Disk
from demi.interpose.aio.faults import RESERVED, Faults
from demi.interpose.aio.framings import Codec, Framing, shown
from demi.interpose.aio.guard import HostGuard, Logs
from demi.interpose.aio.host import HOST, Host, Stuck
from demi.interpose.aio.loop import make_loop
from demi.interpose.aio.modules import Modules, function
from demi.interpose.aio.net import MODEL, Net, Packet
from demi.interpose.aio.timers import TIMER, Timers
from demi.interpose.aio.watch import Watch
from demi.interpose.aio.wires import Wires
from demi.interpose.escapes import pop, push, watch
from demi.interpose.failures import failure_of, place_of
from demi.interpose.payload import to_json
from demi.interpose.timers import DELIVERY_SECONDS, parse_policy
from demi.interpose.world import Capabilities, Step
from demi.oracle import Failure

DELIVER = int(Kind.DELIVER)
BOOT: Event = (int(Kind.START), -1, -1, 0)
LIFE_SECONDS = 60.0
STEP_SECONDS = 10.0
_FIRST_TIMER: Event = (TIMER, -1, -1, -1)

_OF_A_RUN = ("loop", "net", "wires", "timers", "_mains", "_view", "_outside", "_last", "current")

Input = Callable[[Host, Any], Any]
"""input(host, args): called in the host; a coroutine runs as a task of it."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a host runs.

    main(host): a coroutine function, or `module:function` of an isolated package.  observe(state):
    what invariants see of `host.state`, best a NamedTuple of immutable values.
    """

    main: Callable[[Host], Any] | str
    observe: Callable[[Any], Any] = lambda state: state


class AsyncioWorld:
    """A World of asyncio services, by host name.

    inputs: label -> what an INJECT does.  framing: port -> how its streams are cut (HTTP/1.1 is
    recognized).  codec: names of datagrams.  timers: a policy; life: virtual seconds after which no
    timer fires.  isolate: packages of which every host has its own copy.  packages: the program's, to
    be searched for clocks bound before demi.  prepare(host): runs in the host before its packages are
    imported.  escapes: kinds of real things that are allowed (socket, subprocess, thread, file).
    step_seconds: how long a step may take before it counts as blocked.

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
        self._guard = HostGuard(escapes)
        self._watch = Watch(step_seconds)
        self._closed = False
        atexit.register(self.close)  # else the interpreter's last collection runs dead programs
        watch()
        stand_ins.hold()
        morgue.open_for_runs()
        self._modules = Modules(isolate)
        self._logs = Logs()
        self.hosts: list[Host | None] = []
        self._dead: list[Host] = []
        self._graves: list[object] = []
        try:
            stand_ins.bound_deeper((*packages, *isolate))
            self.reset(0)
        except BaseException:
            self.close()
            raise

    # ---- the life of a run

    def reset(self, seed: int) -> Step:
        """Start over: every host starts; returns what that did."""
        count = len(self.names)
        self._bury(False)
        self.seed = seed
        self._watch.start()
        files.forget_descriptors()
        self.events: list[Event] = []
        self.net = Net(self.events)
        self.wires = Wires(self.net, self._up, self._framing, self._codec)
        self.timers = Timers(self._policy, self._life, count)
        self.loop = self.wires.loop = make_loop(self.timers, self.wires, self.index)
        self.hosts = [None] * count
        self._mains: list[Any] = [None] * count
        self._disks = [Disk() for _ in range(count)]
        self._starts = [0] * count
        self._last: tuple[Event, Packet] | None = None
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
        middle = bisect_left(events, _FIRST_TIMER)
        timers = self.timers.enabled(self.loop.now, middle > 0)
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
            self.loop.now += DELIVERY_SECONDS
            step.received = self.run(node, self.wires.arrive, lane, packet) is not False
        elif kind == TIMER:
            timer = self.timers.take(event)
            self.loop.now = max(self.loop.now, timer.when())
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
        self.wires.flush()
        main, step = self._mains[node], self.current
        if main is not None and main.done():
            self._mains[node] = None
            error = None if main.cancelled() else main.exception()
            if error is not None:
                self._fail(node, error)
        host = self.hosts[node]
        if host is not None and host.log:
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

    def run(self, node: int, function: Callable[..., Any], *args: Any) -> Any:
        """Call something for a host and run it to quiescence."""
        host = self.hosts[node]
        if host is None:
            return function(*args)
        self._modules.enter(host)
        host.reads = 0
        watch, loop = self._watch, self.loop
        watch.ticks += 1
        watch.running = True
        push(self._guard)
        loop.enter()
        try:
            result = function(*args)
            loop.drain()
            if loop.refusals:
                raise loop.refusals[0]
            return result
        except (Stuck, SystemExit) as error:
            self._fail(node, error)
        except DemiError:
            raise
        except Exception as error:  # a callback of a timer
            host.context.run(
                loop.call_exception_handler,
                {"message": "exception in a callback", "exception": error},
            )
            loop.drain()
        finally:
            watch.running = False
            loop.leave()
            pop()
        return None

    def observe(self) -> ActorView:
        return self._view

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
            stand_ins.release()
            morgue.close_for_runs()

    def _bury(self, all_of_it: bool) -> None:
        gone = [*self._dead, *[host for host in self.hosts if host is not None]]
        if gone:
            self.loop.dead = True
        self.hosts[:] = []
        self._dead.clear()
        for name in _OF_A_RUN:
            self._graves.append(self.__dict__.pop(name, None))
        morgue.bury(gone, self._graves, all_of_it)

    # ---- hosts

    def start(self, node: int) -> None:
        """A host starts, or starts again on its disk."""
        name = self.names[node]
        peers = tuple(other for other in self.names if other != name)
        host = Host(self.loop, node, name, peers, self.seed, self._disks[node])
        host.incarnation = self._starts[node]
        self._starts[node] += 1
        if host.incarnation:  # another life, another stream
            host.random = Stream(stream_seed(self.seed, f"{name}~{host.incarnation}"))
        self.hosts[node] = host
        try:
            self.run(node, host.context.run, self._boot, host)
        except ImportError as error:
            raise missing(error, name) from error

    def _boot(self, host: Host) -> None:
        if self._prepare is not None:
            self._prepare(host)
        self._modules.fresh(host)
        main = self._services[host.index].main
        made = (function(host, main) if isinstance(main, str) else main)(host)
        self._mains[host.index] = self.loop.create_task(made)

    def stop(self, node: int, disk: str) -> None:
        """The host is gone without running any clean-up; disk: what is left of its files."""
        host = self.hosts[node]
        if host is None:
            return
        self.hosts[node] = self._mains[node] = None
        self._dead.append(host)
        ready = self.loop.ready
        for handle in tuple(ready):
            if handle.context.get(HOST) is host:
                ready.remove(handle)
                self._graves.append(handle)
        self.timers.drop_host(node)
        for end in host.streams:
            end.vanish()
        self._disks[node].crash(disk, host.random.randrange)
        self._view.forget(node)
        self._outside.refresh()

    def _fail(self, node: int, error: BaseException) -> None:
        """The program of a host came to an end that it should not come to."""
        if isinstance(error, DemiError):
            raise error
        name = self.names[node]
        if isinstance(error, ImportError):
            raise missing(error, name) from error
        if isinstance(error, SystemExit) and not error.code:
            self.stop(node, "process")
            return
        self._graves.append(error)
        if isinstance(error, Stuck):
            place = error.where.rsplit(":", 1)[0].rsplit(".", 1)[-1]
            self.current.failure = Failure(name, error.name, error.where, error.what, place)
        else:
            self.current.failure = failure_of(name, error)
        self.stop(node, "process")

    def alive(self, node: int) -> bool:
        """Is the host up?"""
        return self.hosts[node] is not None

    def _up(self, node: int) -> Host | None:
        return self.hosts[node]

    # ---- what the outside does

    def offer(self, externals: Sequence[External]) -> list[Event]:
        return self._outside.offer(externals)

    def withdraw(self, event: Event) -> None:
        self._outside.withdraw(event)

    def external(self, event: Event) -> External:
        return self._outside.external(event)

    def input(self, external: External) -> Any:
        """Check an input.  Raises TargetError for one that the target does not have."""
        label = external.label
        if label not in self._inputs and label not in RESERVED:
            known = ", ".join([*sorted(self._inputs), *RESERVED])
            raise TargetError(f"no input {label!r}", where=external.id, remedy="known: " + known)
        return external.args

    def input_now(self, node: int, external: External) -> None:
        """An input of the target's own reaches its host."""
        host = self.hosts[node]
        assert host is not None  # a precondition
        call = self._inputs[external.label]
        self.run(node, host.context.run, self._input, host, call, external.args)

    def _input(self, host: Host, call: Input, args: Any) -> None:
        try:
            made = call(host, args)
        except Exception as error:
            host.note(f"input raised {type(error).__name__}: {error}")
            return
        if inspect.iscoroutine(made):
            self.loop.create_task(made).add_done_callback(_told)

    # ---- reading

    def _packet(self, event: Event) -> Packet:
        if self._last is not None and self._last[0] == event:
            return self._last[1]
        return self.net.peek(event)

    def label(self, event: Event) -> str:
        kind = event[0]
        if kind == DELIVER:
            return self._packet(event).label
        return self.timers.names[event[2]] if kind == TIMER else self.external(event).label

    def fingerprint(self, event: Event) -> object:
        if event[0] != DELIVER:
            return None
        packet = self._packet(event)
        return packet.label, content(packet)

    def payload(self, event: Event) -> Any:
        if event[0] == DELIVER:
            packet = self._packet(event)
            if packet.op not in ("data", "datagram"):
                return {"port": packet.args.port} if packet.op == "connect" else None
            said = to_json(packet.read(packet.data) if packet.read else shown(packet.data))
            if not packet.call:
                return said
            return {"call": packet.call, **(said if isinstance(said, dict) else {"data": said})}
        return None if event[0] == TIMER else self.external(event).args

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self.net.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self.net.channels()

    def node_digest(self, node: int) -> str:
        return f"{crc32(self._node_text(node).encode()):08x}"

    def _node_text(self, node: int) -> str:
        host, disk = self.hosts[node], self._disks[node]
        files_text = disk.text() if disk.files else ""
        if host is None:
            return f"down|{files_text}"
        seen = to_json(self._view.state(node))
        return f"{host.digest}|{host.random.state}|{host.skew}|{seen!r}|{files_text}"

    def digest(self) -> bytes:
        flight = [
            (dst, src, [self.fingerprint(event) for event in self.in_flight(dst, src)])
            for dst, src in self.channels()
        ]
        whole = [
            [self._node_text(node) for node in range(len(self.names))],
            flight, self.timers.waiting(self.loop.now), sorted(self.net.cut), sorted(self.net.held),
            self._outside.waiting(),
        ]  # fmt: skip
        return hashlib.blake2b(repr(whole).encode(), digest_size=16).digest()

    # ---- no checkpoints: re-execution is exact, and a copy of a running coroutine is not

    def checkpoint(self) -> object:
        raise NotImplementedError("coroutines cannot be copied; run the schedule again")

    def restore(self, saved: object) -> None:
        raise NotImplementedError("coroutines cannot be copied; run the schedule again")


def content(packet: Packet) -> str:
    """What a message says, without what differs between equivalent runs."""
    if packet.read is None:
        return packet.data.hex()
    return json.dumps(to_json(packet.read(packet.data)), sort_keys=True)


def missing(error: ImportError, host: str) -> TargetError:
    """A package is not there."""
    name = (error.name or "").split(".")[0]
    return TargetError(
        f"host {host} needs a package that is not installed: {error}",
        where=place_of(error.__traceback__),
        remedy=f"pip install {name}" if name else "install it",
    )


def _told(task: Any) -> None:
    """An input that failed says so in the trace; clients fail all the time."""
    host = HOST.get()
    if host is not None and not task.cancelled() and task.exception() is not None:
        error = task.exception()
        host.note(f"input raised {type(error).__name__}: {error}")

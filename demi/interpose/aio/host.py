"""A host: one machine of the system under test, from one start to its next crash.

The one insight: a context variable says which host runs, and every task, callback and timer carries its
context, so clock, randomness, files and addresses resolve per host with no bookkeeping at all.

A restart makes a new Host on the same disk.  Not here: what a host runs (`world.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
import re
import sys
from operator import itemgetter
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from demi.errors import ContractError
from demi.interpose.actor import Stream, stream_seed
from demi.interpose.sites import place_in_program

if TYPE_CHECKING:
    from demi.interpose.aio.disk import Disk
    from demi.interpose.aio.loop import HeldLoop

EPOCH = 1_700_000_000.0  # what a wall clock shows at virtual time 0
READS_MAX = 100_000  # clock reads in one step, during which no time passes
TASKS_MAX = 50_000  # unfinished tasks of one host
LOG_MAX = 50  # lines that one step may say
LINE_MAX = 200
_SWEEP = 1_000
_ADDRESS = re.compile("0x[0-9a-f]{6,}")


_CHANNEL = itemgetter(0, 1)


class Stuck(SystemExit):
    """The program cannot go on: it blocks, spins, leaks or leaves.

    A SystemExit, the one exception that a task passes on and `except Exception` does not catch.
    name: the error's name in a failure; what: why, with the remedy; where: the call site.
    """

    def __init__(self, name: str, what: str, where: str = "") -> None:
        super().__init__(what)
        self.name = name
        self.what = what
        self.where = where or program_site()


class Clock:
    """Virtual seconds.  Under free timers each host has its own; otherwise there is one."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0


class Rest(NamedTuple):
    """The part of a host's digest that most steps leave as it was, and what it was made of."""

    random: int
    skew: float
    seen: Any
    text: bytes


class Host:
    """What a service's main is given, and what stands for the machine it runs on.

    name, peers: host names.  address: IPv4 as text.  state: whatever main puts there for `observe` and
    inputs.  disk: the files.  log: lines of the running step.
    """

    __slots__ = (
        "address", "clock", "context", "digest", "disk", "incarnation", "index", "listeners", "log", "loop",
        "modules", "name", "outgoing", "peers", "ports", "random", "reads", "rest", "roots", "said", "skew",
        "state", "streams", "sweep_at", "tasks", "udp",
    )  # fmt: skip

    def __init__(
        self, loop: HeldLoop, index: int, name: str, peers: tuple[str, ...], seed: int, disk: Disk,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.loop = loop
        self.index = index
        self.name = name
        self.peers = peers
        self.address = address_of(index)
        self.incarnation = 0
        self.clock = clock
        self.disk = disk
        self.random = Stream(stream_seed(seed, name))
        self.skew = 0.0
        self.reads = 0
        self.roots = 0  # requests that no other request caused
        self.ports = 40_000
        self.state: Any = None
        self.log: list[str] = []
        self.listeners: dict[int, Any] = {}
        self.udp: dict[int, Any] = {}
        self.streams: list[Any] = []
        self.modules: dict[str, Any] = {}
        self.tasks: list[asyncio.Task[Any]] = []
        self.sweep_at = _SWEEP
        self.digest = 0
        self.outgoing: list[tuple[int, int, bytes]] = []  # (receiver, lane, bytes) of this step
        self.rest: Rest | None = None
        self.said = ""  # the beginning of a line
        self.context = contextvars.Context()
        self.context.run(HOST.set, self)

    # ---- for programs

    def module(self, name: str) -> Any:
        """This host's own copy of an isolated package or module."""
        found = self.modules.get(name)
        if found is None:
            raise ContractError(
                f"{name!r} is not isolated per host",
                remedy=f"list its package: AsyncioWorld(..., isolate=({name.split('.')[0]!r},))",
            )
        return found

    def note(self, text: str) -> None:
        """A line for the trace; it decides nothing.  Addresses of objects are left out of it."""
        if len(self.log) < LOG_MAX:
            self.log.append(_ADDRESS.sub("0x_", text) if "0x" in text else text)
        elif len(self.log) == LOG_MAX:
            self.log.append("what else this step said is left out")

    def says(self, text: str) -> None:
        """Something was printed: whole lines are noted."""
        if self.loop.dead:
            return
        *lines, self.said = (self.said + text).split("\n")
        for line in lines:
            if line.strip():
                self.note(line.rstrip()[:LINE_MAX])
        self.said = self.said[:LINE_MAX]

    # ---- for stand-ins

    def monotonic(self) -> float:
        """Virtual seconds; stands still during a step."""
        self.reads += 1
        if self.reads > READS_MAX:
            self.spins("reads the clock")
        return self.clock.now

    def sleep(self, seconds: float) -> None:
        """A blocking sleep: the host has one thread, so time passes for all that is due."""
        self.reads += 1
        if self.reads > READS_MAX:
            self.spins("sleeps")
        self.clock.now += max(0.0, seconds)

    def spins(self, does: str) -> None:
        """It waits for time that does not pass in a step."""
        raise Stuck("SpinsOnClock", f"{does} {READS_MAX} times in one step; await instead")

    def wall(self) -> float:
        """Seconds since 1970, as this host's clock shows them."""
        return EPOCH + self.skew + self.monotonic()

    def entropy(self, size: int) -> bytes:
        """Bytes of this host's stream."""
        return self.random.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    def port(self) -> int:
        """A free local port."""
        self.ports += 1
        return self.ports

    def mix(self, data: bytes) -> None:
        """Something entered the host: part of its digest."""
        self.digest = crc32(data, self.digest)

    def settle(self) -> None:
        """The step is over: what left the host is part of its digest, in an order that no set decides."""
        outgoing = self.outgoing
        if len(outgoing) > 1:
            outgoing.sort(key=_CHANNEL)
        for _, _, data in outgoing:
            self.digest = crc32(data, self.digest)
        outgoing.clear()

    def keep(self, task: asyncio.Task[Any]) -> None:
        """asyncio holds tasks weakly; nobody else here would hold them."""
        tasks = self.tasks
        tasks.append(task)
        if len(tasks) > self.sweep_at:
            self.tasks = live = [one for one in tasks if not one.done()]
            self.sweep_at = 2 * len(live) + _SWEEP
            if len(live) > TASKS_MAX:
                raise Stuck(
                    "LeaksTasks",
                    f"has more than {TASKS_MAX} unfinished tasks; await or cancel them",
                )


def program_site(frame: FrameType | None = None) -> str:
    """`module.function:line` of the nearest frame in the program; see `escapes.call_site`."""
    return place_in_program(frame or sys._getframe(1))


def refusal(what: str, remedy: str) -> ContractError:
    """The error for what cannot be held; ends the run even if the program catches it."""
    error = ContractError(what, where=program_site(), remedy=remedy)
    host = HOST.get()
    if host is not None:
        host.loop.refusals.append(error)
    return error


def address_of(index: int) -> str:
    """The address of the host with that index."""
    return f"10.0.{index // 250}.{index % 250 + 1}"


HOST: contextvars.ContextVar[Host | None] = contextvars.ContextVar("demi_host", default=None)
"""The host that runs now; None in our own code."""


def host_of(context: contextvars.Context) -> Host:
    """The host of a context; one that a program made anew belongs to the host that runs."""
    host = context.get(HOST)
    if host is None:
        host = HOST.get()
        assert host is not None  # only programs arm timers and start tasks
        context.run(HOST.set, host)
    return host

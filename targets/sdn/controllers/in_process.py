"""An unmodified controller in this process: its threads are ours, its sockets are buffers, its time stands.

The one insight: with every thread held, "the controller has finished reacting" is a fact and a timer is
due at a known instant, so nothing is ever waited for in real time and a run repeats exactly.

Not here: which program (`osken.py`, `faucet.py`), how threads are held (`demi/interpose/threads`).
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from demi.errors import TargetError
from demi.interpose import garbage
from demi.interpose.failures import failure_of
from demi.interpose.framing import Framed
from demi.interpose.threads import watchdog
from demi.interpose.threads.ends import let_go
from demi.interpose.threads.hosts import Host
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.net import Arrival, Net
from demi.interpose.threads.program import Image, Program
from demi.interpose.threads.streams import End, Listener
from demi.interpose.threads.watchdog import WallBudget
from targets.sdn.controllers.held_memory import reachable
from targets.sdn.controllers.interface import Trouble

PIECES_MAX = 200_000  # of threads between two rests
WRITTEN_MAX = 4 << 20  # bytes between two rests
TIMERS_MAX = 100_000  # fired while time passes
START_SECONDS = 30.0  # virtual: a controller that does not listen by then will not
ERROR = 40  # the level of logging
_HUP = 1
_BLOCKS = "give way in the loop, or hold it as a black box if it waits outside of Python"
_SPINS = "wait with a timeout instead; virtual time stands still while it reads the clock"
Apps = Callable[[Mapping[str, types.ModuleType]], Mapping[str, Any]]


class InProcess:
    """A `Controller`.  port: it listens there.  apps(modules): its applications, to observe.

    wall: seconds of real time that one rest may take.
    """

    how = "in process"
    exact = True

    def __init__(
        self,
        name: str,
        program: Program,
        port: int,
        apps: Apps = lambda modules: {},
        *,
        wall: float = 10.0,
    ) -> None:
        self.name = name
        self._port = port
        self._apps = apps
        self._budget = WallBudget(wall)
        self._kernel = Kernel([name])
        self._host = self._kernel.hosts[0]
        self._net = self._kernel.network = Net(self._kernel, self._post)
        self._outer = Host(1, "switches")
        self._image = Image(program, self._kernel, self._host)
        self._channels: dict[int, End] = {}
        self._outbox: list[tuple[int, bytes]] = []
        self._written = 0  # bytes in the outbox
        self._closed: list[int] = []
        self._noted: list[Trouble] = []
        self._lines: list[str] = []
        self._collector: weakref.finalize[Any, Any] | None = None

    # ---- the life of a run

    @property
    def alive(self) -> bool:
        return self._host.up

    @property
    def now(self) -> float:
        return self._kernel.clocks[0]

    def start(self, seed: int) -> None:
        self._kernel.reset(seed)
        self._channels, self._outbox, self._closed = {}, [], []
        self._noted, self._lines = [], []
        if self._collector is None:
            garbage.open_for_runs()
            self._collector = weakref.finalize(self, garbage.close_for_runs)
        self._begin_anew()
        let_go(self._image.place)
        self._boot()

    def _begin_anew(self) -> None:
        self._net.reset()
        self._image.reset()

    def _boot(self) -> None:
        self._host.up = True
        end = self.now + START_SECONDS
        with self._image.placed():
            with self._image.inside():
                self._kernel.spawn(self._host, self._image.main, name="main")
            self.quiesce()
            while self._host.up and not self._listening():
                due = self.deadline()
                if due is None or due > end:
                    break
                self.advance(due - self.now)
        if not self._host.up or not self._listening():
            self._host.up = False
            why = "; ".join(f"{trouble.kind}: {trouble.text}" for trouble in self.errors()[:3])
            raise TargetError(
                f"the controller {self.name} does not listen on port {self._port}",
                where=self._image.program.main,
                remedy=why or "it waits for ever: check its configuration and the port",
            )

    def _listening(self) -> bool:
        return isinstance(self._host.listening.get(self._port), Listener)

    def crash(self) -> None:
        self._kernel.crash(self._host)
        self._channels.clear()

    def restart(self) -> None:
        if self.alive:
            return
        self._host.epoch += 1
        self._host.reset(self._kernel.seed)
        self._begin_anew()
        self._boot()

    def close(self) -> None:
        self._kernel.reset(0)
        self._channels.clear()
        watchdog.rest()
        if self._collector is not None:
            self._collector()
            self._collector = None

    # ---- channels

    def connect(self, dpid: int) -> bool:
        if dpid in self._channels:
            raise ValueError(f"switch {dpid} is connected to {self.name}")
        listener = self._host.listening.get(self._port)
        if not self.alive or not isinstance(listener, Listener):
            return False
        end = End(self._net, self._host)
        end.peer = End(self._net, self._outer)
        end.framed = Framed(None, self._lines.append)
        end.name = (self._host.address, self._port)
        end.peer_name = (f"10.1.{dpid // 250 % 250}.{dpid % 250 + 1}", 40_000 + dpid % 20_000)
        outbox = self._outbox

        def out(data: bytes) -> None:
            outbox.append((dpid, data))
            self._written += len(data)
            if self._written > WRITTEN_MAX:
                outbox.clear()
                watchdog.stop("writes without end")

        end.out = out
        self._channels[dpid] = end
        listener.arrive(end)
        return True

    def disconnect(self, dpid: int) -> None:
        end = self._channels.pop(dpid, None)
        if end is not None:
            end.out = None
            end.finish()

    def feed(self, dpid: int, data: bytes) -> None:
        end = self._channels.get(dpid)
        if end is not None:
            end.arrive(data)

    def collect(self) -> list[tuple[int, bytes]]:
        found = self._outbox[:]
        self._outbox.clear()
        self._written = 0
        return found

    def closed(self) -> list[int]:
        found, self._closed = self._closed, []
        return found

    def _post(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None:
        """The controller ended a channel; its bytes do not come this way."""
        for dpid, end in list(self._channels.items()):
            if end.shut:
                del self._channels[dpid]
                self._closed.append(dpid)

    # ---- running

    def quiesce(self) -> None:
        host = self._host
        if not host.runnable:
            return
        image, budget = self._image, self._budget
        image.enter()
        budget.begin()
        try:
            self._kernel.settle(host, PIECES_MAX)
        finally:
            budget.end()
            image.leave()
        if host.runnable and not host.ended:
            text = f"no rest after {PIECES_MAX} pieces of threads"
            busy = self._host.runnable[0]
            self._noted.append(
                Trouble("stuck", text, busy.name, "two threads that wake each other?")
            )
            self.crash()
        self._look()

    def advance(self, seconds: float) -> None:
        kernel, end = self._kernel, self.now + seconds
        self.quiesce()
        fired = 0
        while (due := kernel.due()) is not None and (kernel.sleepers[due].deadline or 0.0) <= end:
            fired += 1
            if fired > TIMERS_MAX:
                text = f"{TIMERS_MAX} timers fired in {seconds:g} s of virtual time"
                name = kernel.sleepers[due].name
                self._noted.append(Trouble("stuck", text, name, "wait longer between two looks"))
                self.crash()
                break
            kernel.fire(*due)
            self.quiesce()
        kernel.advance(self._host, end)

    def deadline(self) -> float | None:
        waits = self._kernel.sleepers.values()
        return min([task.deadline or 0.0 for task in waits]) if waits else None

    # ---- what went wrong

    def _look(self) -> None:
        kernel, image = self._kernel, self._image
        for _, error in kernel.failures:
            if error in image.guard.seen:
                continue  # told below, with the call site
            failure = failure_of(self.name, error)
            kind = "stuck" if failure.error == "StuckError" else "exception"
            remedy = _BLOCKS if kind == "stuck" else ""
            text = failure.message if kind == "stuck" else f"{failure.error}: {failure.message}"
            self._noted.append(Trouble(kind, text, failure.where, remedy))
        kernel.failures.clear()
        for site in kernel.spun:
            self._noted.append(Trouble("stuck", "it spins on the clock", site, _SPINS))
        kernel.spun.clear()
        for escaped in [*image.guard.seen, *image.missed()]:
            self._noted.append(Trouble("escape", escaped.what, escaped.where, escaped.remedy))
        image.guard.seen.clear()
        for line in image.log:
            self._lines.append(str(line))
            if line.number >= ERROR:
                last = line.traceback.strip().rpartition("\n")[2]
                lines = line.text.strip().split("\n")
                text = lines[0] if len(lines) == 1 else f"{lines[0]} ... {lines[-1]}"
                self._noted.append(Trouble("log", f"{text} {last}".strip(), line.where))
        image.log.clear()
        if self._host.up and (self._host.ended or not self._host.tasks):
            how = self._host.ended
            text = f"it ended itself: {how}" if how else "its last thread ended"
            self._noted.append(Trouble("died", text))
            self.crash()

    def errors(self) -> list[Trouble]:
        found, self._noted = self._noted, []
        return found

    def log(self) -> list[str]:
        found, self._lines[:] = self._lines[:], []
        return found

    def reload(self) -> None:
        handler = self._host.handlers.get(_HUP)
        if callable(handler):
            with self._image.inside():
                self._kernel.spawn(self._host, handler, (_HUP, None), name="SIGHUP")

    def memory(self) -> int:
        """Objects reachable from the applications."""
        return reachable(self.apps().values())

    def apps(self) -> Mapping[str, Any]:
        return self._apps(self._image.modules) if self.alive else {}

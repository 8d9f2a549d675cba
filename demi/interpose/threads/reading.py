"""Reading a world of threaded programs: labels, contents, digests, what invariants see.

The one insight: no look at a node says all that it is between two steps (its threads have local variables),
but all that came into it does, since what it does follows from that; so its past is what a digest covers,
and what is observed, waited for and held in sockets only shows when a step changed another node.

Not here: running it (`world.py`), which this is a part of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from demi.errors import DemiError, TargetError
from demi.events import Event, External
from demi.interpose.canon import canonical
from demi.interpose.channels import DELIVER
from demi.interpose.connected import Faults
from demi.interpose.links import Links
from demi.interpose.payload import Freezer, to_json
from demi.interpose.threads.hosts import CURRENT, Host, deadlock
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.net import Arrival
from demi.interpose.threads.program import Image
from demi.interpose.timers import TIMER

_new: Any = object.__new__  # an object without running Python code
Observe = Callable[[Any, Mapping[str, Any]], Any]


class Packet(NamedTuple):
    """A message in flight: its label, its bytes, and what its arrival does."""

    label: str
    data: bytes
    arrive: Arrival


class ThreadsView:
    """The View of a run: what `observe` says of each node that is up.

    A node whose observed state is the same immutable object as before was not touched, or an equal
    tuple of such; fixed: the present states of nodes that are known to be immutable.
    """

    def __init__(self, world: Reading) -> None:
        self.names = world.names
        self.touched: Sequence[int] = range(len(world.names))
        self._world = world
        self._seen: list[Any] = [self] * len(world.names)  # itself: not looked at yet
        self.fixed = self._seen[:]
        self._each = [(i,) for i in range(len(world.names))]

    def state(self, node: int) -> Any:
        found = self._seen[node]
        if found is self:
            found = self._seen[node] = self._world.look(node)
        return found

    def update(self, node: int, now: Any) -> None:
        """A step of the node is over; what is observed of it is not `fixed[node]`."""
        before = self._seen[node]
        same = now is before or (
            type(now) is type(before) and isinstance(now, tuple) and now == before
        )
        if same and self._world.freezer.immutable(before):
            self.fixed[node] = before
            self.touched = ()
        else:
            self._seen[node], self.fixed[node] = now, self
            self.touched = self._each[node]


class Waits(Mapping[str, str]):
    """Thread name -> what it waits for, found out when somebody asks: most observers do not."""

    __slots__ = ("_found", "_host")
    _found: dict[str, str] | None
    _host: Host

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = {task.name: task.waits for task in self._host.tasks}
            for task in deadlock(self._host):
                self._found[task.name] = "a lock, in a deadlock"
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


class Reading:
    """The reading half of `ThreadsWorld`, over what that keeps."""

    names: Sequence[str]
    kernel: Kernel
    cut: set[tuple[int, int]]
    held: set[tuple[int, int]]
    _free: bool
    _images: list[Image]
    _labels: dict[int, str]
    _last: tuple[Event, Packet] | None
    _links: Links
    _observe: Observe
    _outside: Faults
    _show: Callable[[bytes], Any]
    freezer: Freezer

    def observe(self) -> ThreadsView:
        """What invariants see."""
        raise NotImplementedError

    def external(self, event: Event) -> External:
        return self._outside.external(event)

    def look(self, node: int) -> Any:
        """What is observed of a node; None while it is down."""
        host, image = self.kernel.hosts[node], self._images[node]
        if not host.up:
            return None
        current, kernel = CURRENT, self.kernel
        kept = current.host
        current.kernel, current.host, current.now = kernel, host, kernel.clocks[host.clock]
        try:
            threads = _new(Waits)
            threads._host, threads._found = host, None
            return self._observe(threads, image.modules)
        except DemiError:
            raise
        except Exception as error:
            what = f"observe raised {type(error).__name__}: {error}"
            raise TargetError(what, where=self.names[node]) from error
        finally:
            current.host = kept
            if kept is None:
                current.kernel, current.now = None, 0.0
            else:
                current.now = kernel.clocks[kept.clock]

    def _packet(self, event: Event) -> Packet:
        if self._last is not None and self._last[0] == event:
            return self._last[1]
        packet: Packet = self._links.network.peek(event)
        return packet

    def label(self, event: Event) -> str:
        kind = event[0]
        if kind == DELIVER:
            return self._packet(event).label
        return self._labels[event[2]] if kind == TIMER else self.external(event).label

    def fingerprint(self, event: Event) -> object:
        return self._packet(event)[:2] if event[0] == DELIVER else None

    def payload(self, event: Event) -> Any:
        if event[0] != DELIVER:
            return None if event[0] == TIMER else self.external(event).args
        data = self._packet(event).data
        if not data:
            return None
        try:
            return to_json(self._show(data))
        except Exception:  # a chunk, or a message of another kind
            return data.hex()

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self._links.network.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self._links.network.channels()

    def node_digest(self, node: int) -> str:
        return f"{crc32(self._text(node).encode()):08x}"

    def _text(self, node: int) -> str:
        host = self.kernel.hosts[node]
        threads = sorted((task.name, task.waits) for task in host.tasks)
        buffers = [bytes(getattr(thing, "buffer", b"")) for _, thing in sorted(host.fds.items())]
        return canonical([host.history(), self.observe().state(node), threads, buffers])

    def digest(self) -> bytes:
        flight = [
            (dst, src, [self._packet(event)[:2] for event in self.in_flight(dst, src)])
            for dst, src in self.channels()
        ]
        now = self.kernel.clocks[0]
        timers = sorted(
            (node, name, 0.0 if self._free else round(deadline - now, 9))
            for (node, _), (_, name, deadline) in self.kernel.armed().items()
        )
        nodes = [self._text(node) for node in range(len(self.names))]
        whole = [
            nodes,
            flight,
            timers,
            sorted(self.cut),
            sorted(self.held),
            self._outside.waiting(),
        ]
        return hashlib.blake2b(repr(whole).encode(), digest_size=16).digest()

    # ---- no checkpoints: re-execution is exact, and a copy of running threads is not

    def checkpoint(self) -> object:
        raise NotImplementedError("running threads cannot be copied; run the schedule again")

    def restore(self, saved: object) -> None:
        raise NotImplementedError("running threads cannot be copied; run the schedule again")

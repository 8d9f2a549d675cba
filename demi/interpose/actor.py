"""The actor adapter, user side: a node is a plain class, and its context is all it may touch.

The one insight: when every effect goes through the context (send, timers, log, durable, random), one
handler call is one atomic step of one node, which is all that replay and search need.

    class Counter(Node):
        def on_start(self, ctx): self.seen = 0
        def on_message(self, ctx, sender, msg): self.seen += 1

Not here: what happens to a message in flight (`network.py`), when a timer may fire (`timers.py`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Protocol
from zlib import crc32

from demi.events import Event
from demi.interpose.payload import Freezer, Opaque, Serialized, serialize
from demi.interpose.world import Step

OUTSIDE = "ext"
"""The sender of injected inputs."""


class Node:
    """Base of user nodes; override what is needed.  Keep state in instance attributes.

    Attributes may be any tree of numbers, strings, tuples, lists, dicts, sets, dataclasses and plain
    objects.  For anything else define `snapshot() -> immutable` and `restore(saved)`, which is
    called on an object made without `__init__`.
    """

    def on_start(self, ctx: Context) -> None:
        """The node starts for the first time."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        """A message arrived.  sender: a node name, or "ext" for an injected input."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """An armed timer fired; it is no longer armed."""

    def on_restart(self, ctx: Context) -> None:
        """The node is back after a crash: a new object, only `ctx.durable` survived."""
        self.on_start(ctx)


class Stream(Opaque, random.Random):
    """A node's own random stream: SplitMix64, so its whole state is one int (cheap to checkpoint)."""

    _MASK = (1 << 64) - 1

    def __init__(self, seed: int) -> None:
        self.state = seed & self._MASK
        super().__init__(0)
        self.state = seed & self._MASK

    def seed(self, *_args: Any, **_kwargs: Any) -> None:
        """Seeding is demi's: a node that reseeds would leave its stream."""

    def getrandbits(self, k: int) -> int:
        """k random bits."""
        value, got = 0, 0
        while got < k:
            value |= self._next() << got
            got += 64
        return value & ((1 << k) - 1)

    def random(self) -> float:
        """A float in [0, 1) with 53 random bits."""
        return (self._next() >> 11) * (1.0 / (1 << 53))

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:
        """Normal distribution; the inherited one keeps half of each draw outside `state`."""
        return self.normalvariate(mu, sigma)

    def _next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & self._MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self._MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self._MASK
        return z ^ (z >> 31)


def stream_seed(seed: int, name: str) -> int:
    """The seed of one node's stream: removing another node's draws never shifts it."""
    return (crc32(name.encode()) << 32) ^ (seed * 0x9E3779B97F4A7C15)


class Durable(Opaque, MutableMapping[str, Any]):
    """What survives a crash: values are frozen when stored, so later mutation does not leak in.

    kept: as stored, for the world.
    """

    __slots__ = ("_freezer", "kept")

    def __init__(self, freezer: Freezer) -> None:
        self._freezer = freezer
        self.kept: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        kept = self.kept[key]
        return kept.open() if type(kept) is Serialized else kept

    def __setitem__(self, key: str, value: Any) -> None:
        frozen = self._freezer.immutable(value)
        self.kept[key] = value if frozen else serialize(value, f"durable[{key!r}]")

    def __delitem__(self, key: str) -> None:
        del self.kept[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def saved(self) -> dict[str, Any]:
        """A copy that is safe to keep: the values are immutable."""
        return dict(self.kept)

    def load(self, saved: dict[str, Any]) -> None:
        """Return to a copy made by `saved`."""
        self.kept = dict(saved)


class Effects(Protocol):
    """What a context asks of its world.  current: the step that is being taken.

    reads_clock: some node has read its clock, which is state from then on.
    """

    current: Step
    reads_clock: bool

    @property
    def index(self) -> Mapping[str, int]: ...
    @property
    def freezer(self) -> Freezer: ...

    def push(self, src: int, dst: int, packet: Any, /) -> Event:
        """Put a message in flight."""

    def index_of(self, name: str, sender: str) -> int:
        """The index of a node name.  Raises ContractError for an unknown one."""

    def serialized(self, node: int, msg: Any) -> Serialized:
        """A mutable message frozen at the send."""

    def arm(self, node: int, name: str, after: float) -> None:
        """Arm a timer, replacing an earlier arming."""

    def disarm(self, node: int, name: str) -> None:
        """Disarm a timer if it is armed."""

    def logged(self, text: str) -> None:
        """A log line of the running handler."""

    def clock(self, node: int) -> float:
        """Virtual seconds at a node."""


class Context(Opaque):
    """A node's only door to the outside.

    name: its own name.  peers: the other nodes, in canonical order.  durable: survives a crash.
    """

    __slots__ = (
        "_immutable", "_index", "_node", "_origin", "_random", "_world", "durable", "name", "peers"
    )  # fmt: skip

    def __init__(self, world: Effects, node: int, name: str, peers: Sequence[str]) -> None:
        self._world = world
        self._node = node
        self._random: Stream | None = None
        self._origin = 0
        self._index = world.index
        self._immutable = world.freezer.immutable
        self.name = name
        self.peers = tuple(peers)
        self.durable = Durable(world.freezer)

    def send(self, dst: str, msg: Any) -> None:
        """Put a message in flight to `dst`; itself is allowed.  ContractError for an unknown node."""
        world = self._world
        to = self._index.get(dst)
        if to is None:
            to = world.index_of(dst, self.name)
        if not self._immutable(msg):
            msg = world.serialized(self._node, msg)
        event = world.push(self._node, to, msg)
        step = world.current
        if step.sent:
            step.sent.append(event)
        else:
            step.sent = [event]

    def forward(self, sender: str, msg: Any) -> None:
        """Send a message to oneself again as if it came from `sender` (behind its newer messages)."""
        world = self._world
        if not self._immutable(msg):
            msg = world.serialized(self._node, msg)
        event = world.push(world.index_of(sender, self.name), self._node, msg)
        world.current.sent = [*world.current.sent, event]

    def set_timer(self, name: str, after: float) -> None:
        """Arm (or re-arm) the timer `name` to fire `after` seconds of virtual time from now."""
        self._world.arm(self._node, name, after)

    def cancel_timer(self, name: str) -> None:
        """Disarm; nothing happens when it is not armed."""
        self._world.disarm(self._node, name)

    def log(self, text: str) -> None:
        """A line for the trace; it decides nothing."""
        self._world.logged(text)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        world = self._world
        world.reads_clock = True
        return world.clock(self._node)

    @property
    def random(self) -> Stream:
        """The node's own stream, a `random.Random`."""
        if self._random is None:
            self._random = Stream(self._origin)
        return self._random

    # ---- for the world; the same objects for all its life, since a node may keep them

    def begin(self, seed: int) -> None:
        """A new run."""
        self._origin = stream_seed(seed, self.name) & Stream._MASK
        self.rewind(None)
        self.durable.load({})

    def drawn(self) -> int | None:
        """The state of the stream; None while nothing was drawn."""
        if self._random is None or self._random.state == self._origin:
            return None
        return self._random.state

    def rewind(self, state: int | None) -> None:
        """Return to a state told by `drawn`."""
        if self._random is not None:
            self._random.state = self._origin if state is None else state
        elif state is not None:
            self._random = Stream(state)

"""The target `redis_client`: unmodified redis-py (asyncio, with its connection pool) against a small redis.

The one insight: a client library with a pool is held like any program, so a read-modify-write that is
safe on one connection is caught losing an update over two.

The server is in `server.py`.  Not here: RESP3, clusters, TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from demi.errors import TargetError
from demi.events import External, Kind
from demi.interpose.world import World
from demi.oracle import Detail, Invariant, StateInvariant, View
from demi.target import Bug, Choice, Config, Profile, Target

if TYPE_CHECKING:
    from demi.interpose.aio import Host

Draw = Callable[[int], int]
CLIENTS_MAX = 20


class SeenServer(NamedTuple):
    """The server: the counter."""

    counter: int


class SeenClient(NamedTuple):
    """A client: additions that it was told have been made."""

    done: int


class Adder:
    """A program that counts in redis."""

    def __init__(self, redis: Any, atomic: bool) -> None:
        self.redis = redis
        self.done = 0
        self._atomic = atomic

    async def add(self) -> None:
        """One more."""
        if self._atomic:
            await self.redis.incr("counter")
        else:
            value = int(await self.redis.get("counter") or 0)
            await self.redis.set("counter", value + 1)
        self.done += 1


def make(config: Config) -> World:
    """A server and clients c1, c2...  Raises TargetError without redis."""
    if not 1 <= config["clients"] <= CLIENTS_MAX:
        raise TargetError(f"redis_client needs 1 to {CLIENTS_MAX} clients, not {config['clients']}")
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise TargetError("redis is not installed", remedy="pip install redis") from error
    from demi.interpose.aio import AsyncioWorld, Service
    from targets.redis_client import server

    async def redis(host: Host) -> None:
        host.state = server.Store()
        await server.serve(host.state)

    async def client(host: Host) -> None:
        host.state = Adder(Redis(host="redis", port=server.PORT, protocol=2), config["atomic"])

    async def add(host: Host, args: Any) -> None:
        await host.state.add()

    clients = [f"c{i + 1}" for i in range(config["clients"])]
    return AsyncioWorld(
        {
            "redis": Service(
                redis, lambda store: SeenServer(int(store.values.get(b"counter", b"0")))
            ),
            **{name: Service(client, lambda adder: SeenClient(adder.done)) for name in clients},
        },
        inputs={"add": add},
        framing={server.PORT: server.RESP},
        timers=config["timers"],
        packages=("redis", "targets.redis_client"),
    )


def _lost(view: View) -> Detail | None:
    seen = [view.state(node) for node in range(len(view.names))]
    done = sum(one.done for one in seen if isinstance(one, SeenClient))
    for one in seen:
        if isinstance(one, SeenServer) and one.counter < done:
            return Detail(
                ("redis",), f"{done} additions were acknowledged, the counter is {one.counter}"
            )
    return None


def invariants(config: Config) -> Sequence[Invariant]:
    """One."""
    return (StateInvariant("NoLostUpdate", "an acknowledged addition is in the counter", _lost),)


def _add(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.INJECT, (names[1 + draw(len(names) - 1)],), "add")]


TARGET = Target(
    name="redis_client",
    doc="unmodified redis-py with its connection pool against a small redis in memory",
    make=make,
    invariants=invariants,
    profile=lambda config: Profile(choices=(Choice("add", 1.0, _add),), items=(2, 4), steps=300),
    defaults={"clients": 2, "atomic": False, "timers": "bounded(0.25)"},
    bugs={
        "lost-update": Bug(
            "lost-update", "two clients read, then both write", {"atomic": False}, "NoLostUpdate"
        )
    },
)

"""The target `raftos`: a Raft library for asyncio from PyPI (0.2.6), unmodified, over UDP.

The one insight: the library keeps its leader in a class attribute, so each node needs its own copy of
the package; with that, three nodes in one process are three processes.

Its known defects: votes are counted whatever their term (`stale-vote`), and a node that restarts
forgets whom it voted for (`vote-lost`).  Messages may arrive in any order; files are in memory.
Not here: how it is made to run on a current Python (`compat.py`), what is observed (`observe.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from demi.errors import TargetError
from demi.events import External, Kind
from demi.interpose.world import World
from demi.oracle import Invariant
from demi.target import Bug, Choice, Config, Profile, Target

if TYPE_CHECKING:
    from demi.interpose.aio import Host

Draw = Callable[[int], int]
NODES_MAX = 9


def make(config: Config) -> World:
    """Nodes n1, n2...  Raises TargetError without raftos or for a bad number of nodes."""
    if not 1 <= config["nodes"] <= NODES_MAX:
        raise TargetError(f"raftos needs 1 to {NODES_MAX} nodes, not {config['nodes']}")
    try:
        metadata.version("raftos")
    except metadata.PackageNotFoundError as error:
        raise TargetError(
            "raftos is not installed", remedy="pip install --no-deps raftos"
        ) from error
    from demi.interpose.aio import AsyncioWorld, Service
    from targets.raftos import compat, observe

    names = [f"n{i + 1}" for i in range(config["nodes"])]

    async def main(host: Host) -> None:
        compat.after_import(host)
        host.state = await compat.start(host, names)
        await host.loop.create_future()  # a node runs until it crashes

    return AsyncioWorld(
        {name: Service(main, observe.seen) for name in names},
        inputs={"set": _set},
        codec=observe.CODEC,
        timers=config["timers"],
        life=1e9,
        isolate=("raftos",),
        prepare=compat.before_import,
    )


async def _set(host: Host, args: Any) -> None:
    """A client of this node sets a value; fails unless it is the leader."""
    raftos = host.module("raftos")
    await raftos.Replicated(args["name"]).set(args["value"])


def invariants(config: Config) -> Sequence[Invariant]:
    """The properties of any Raft."""
    from targets.raft.invariants import raft_invariants

    return raft_invariants("ElectionSafety", "LogMatching")


def _input(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.INJECT, (names[draw(len(names))],), "set", {"name": "x", "value": i + 1})]


def _crash(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    node = (names[draw(len(names))],)
    return [External(Kind.CRASH, node), External(Kind.RESTART, node)]


def profile(config: Config) -> Profile:
    """Clients and, where wanted, crashes, while elections go on."""
    crash = (Choice("crash", 1.0, _crash),) if config["crashes"] else ()
    return Profile(
        choices=(Choice("set", 2.0, _input), *crash),
        items=(0, 4),
        spacing=(5, 40),
        steps=300,
        weights={"crash": 0.3, "restart": 0.3},
    )


TARGET = Target(
    name="raftos",
    doc="raftos, a Raft library for asyncio: unmodified nodes over UDP",
    make=make,
    invariants=invariants,
    profile=profile,
    defaults={"nodes": 3, "timers": "bounded(1.0)", "crashes": False},
    bugs={
        "stale-vote": Bug(
            "stale-vote",
            "a vote for an older term counts in a newer one",
            {"timers": "free"},
            "ElectionSafety",
        ),
        "vote-lost": Bug(
            "vote-lost",
            "a node forgets its vote when it starts again",
            {"timers": "free", "crashes": True},
            "ElectionSafety",
        ),
    },
    version=lambda config: _version(),
)


def _version() -> str:
    try:
        return metadata.version("raftos")
    except metadata.PackageNotFoundError:
        return ""

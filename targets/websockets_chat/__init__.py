"""The target `websockets_chat`: unmodified `websockets`, a room that counts its members in too late.

The one insight: a frame is a message, so what was said between a member's `history` and its `ready` is one
event in the wrong place, and a minimal trace shows just that.

The chat itself is in `chat.py`.  Not here: compression, TLS.
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


class SeenRoom(NamedTuple):
    """The server: lines said, members counted in."""

    lines: tuple[str, ...]
    members: int


class SeenClient(NamedTuple):
    """A client: see `chat.Client`."""

    upto: int
    missed: int


def make(config: Config) -> World:
    """A server and clients c1, c2...  Raises TargetError without websockets."""
    if not 1 <= config["clients"] <= CLIENTS_MAX:
        raise TargetError(
            f"websockets_chat needs 1 to {CLIENTS_MAX} clients, not {config['clients']}"
        )
    try:
        import websockets  # noqa: F401
    except ImportError as error:
        raise TargetError("websockets is not installed", remedy="pip install websockets") from error
    from demi.interpose.aio import AsyncioWorld, Service
    from targets.websockets_chat import chat

    async def server(host: Host) -> None:
        host.state = chat.Room(config["late"])
        await chat.serve_room(host.state)

    async def client(host: Host) -> None:
        host.state = chat.Client()
        await host.state.live()

    async def say(host: Host, args: Any) -> None:
        await host.state.say(args["text"])

    clients = [f"c{i + 1}" for i in range(config["clients"])]
    return AsyncioWorld(
        {
            "server": Service(server, lambda room: SeenRoom(tuple(room.lines), len(room.members))),
            **{
                name: Service(client, lambda one: SeenClient(one.upto, one.missed))
                for name in clients
            },
        },
        inputs={"say": say},
        timers=config["timers"],
        life=5.0,
        packages=("websockets", "targets.websockets_chat"),
    )


def _gap(view: View) -> Detail | None:
    for node in view.touched:
        seen = view.state(node)
        if isinstance(seen, SeenClient) and seen.missed:
            name = view.names[node]
            return Detail((name,), f"{name} got line {seen.upto} and never line {seen.missed}")
    return None


def invariants(config: Config) -> Sequence[Invariant]:
    """One."""
    return (StateInvariant("NoGap", "a member misses no line after its history", _gap, local=True),)


def _say(draw: Draw, names: Sequence[str], i: int) -> list[External]:
    who = names[1 + draw(len(names) - 1)]
    return [External(Kind.INJECT, (who,), "say", {"text": f"line {i + 1}"})]


TARGET = Target(
    name="websockets_chat",
    doc="a chat room over unmodified websockets",
    make=make,
    invariants=invariants,
    profile=lambda config: Profile(
        choices=(Choice("say", 1.0, _say),), items=(2, 6), spacing=(0, 6), steps=300
    ),
    defaults={"clients": 2, "late": True, "timers": "bounded(0.25)"},
    bugs={
        "late-member": Bug(
            "late-member",
            "what is said between history and ready is missed",
            {"late": True},
            "NoGap",
        )
    },
)

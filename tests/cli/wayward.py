"""Targets that an exploration must refuse or say something about: `FILE:NAME`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from demi.events import External, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail, Invariant, StateInvariant
from demi.target import Profile, Target

_TICKS = count()


class Keeper(Node):
    """Keeps the last message."""

    def __init__(self) -> None:
        self.kept: Any = None

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.kept = msg[0]


class Fickle(Keeper):
    """Keeps what another run would not."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.kept = next(_TICKS)


class Endless(Keeper):
    """Sends itself another message for each."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send(ctx.name, ("again",))


class Sender(Node):
    """Sends its name to n1."""

    def on_start(self, ctx: Context) -> None:
        ctx.send("n1", (ctx.name,))


def target(
    nodes: dict[str, Callable[[], Node]], inputs: Sequence[External] = (), commutes: Any = None,
    invariants: Sequence[Invariant] = (),
) -> Target:  # fmt: skip
    return Target(
        "wayward", "", lambda config: ActorWorld(nodes), lambda config: invariants,
        lambda config: Profile(prefix=tuple(inputs)), commutes=commutes,
    )  # fmt: skip


ONE = (External(Kind.INJECT, ("n1",), "go"),)
FICKLE = target({"n1": Fickle, "n2": Sender}, ONE)
ENDLESS = target({"n1": Endless}, ONE)
SOME, MANY = (
    target({"n1": Keeper, **{f"n{i}": Sender for i in range(2, count)}}) for count in (8, 12)
)
NEVER = StateInvariant("Never", "it never holds", lambda view: Detail((), "not even at the start"))
BROKEN = target({"n1": Keeper}, ONE, invariants=(NEVER,))
LYING = target({"n1": Keeper, "n2": Sender, "n3": Sender}, commutes=lambda *messages: True)

"""A lock service with one server and its clients: small, correct, and with two bugs to switch on.

`forgetful`: the server keeps the holder in memory only, so a restart gives the lock away twice.
`fragile`: a client does not expect to be given the lock twice in its life.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from demi.events import External, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail, StateInvariant, View
from demi.target import Bug, Choice, Config, Profile, Target

SERVER = "server"


class Seen(NamedTuple):
    holding: bool
    holder: str


class Server(Node):
    def __init__(self, forgetful: bool) -> None:
        self.forgetful = forgetful
        self.holder = ""
        self.queue: list[str] = []

    def on_restart(self, ctx: Context) -> None:
        self.holder = "" if self.forgetful else ctx.durable.get("holder", "")

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        if msg == "want":
            self.queue.append(sender)
        elif sender == self.holder:
            self.holder = ""
        if not self.holder and self.queue:
            self.holder = self.queue.pop(0)
            ctx.send(self.holder, "grant")
        ctx.durable["holder"] = self.holder


class Client(Node):
    def __init__(self, fragile: bool) -> None:
        self.fragile = fragile
        self.holding = False
        self.grants = 0

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        if msg == "work":
            ctx.send(SERVER, "want")
            return
        self.grants += 1
        if self.fragile and self.grants > 1:
            raise KeyError(self.grants)
        self.holding = True
        ctx.set_timer("done", 1.0)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.holding = False
        ctx.send(SERVER, "free")


def observe(node: Node) -> Seen:
    return Seen(getattr(node, "holding", False), getattr(node, "holder", ""))


def make(config: Config) -> ActorWorld:
    nodes: dict[str, Callable[[], Node]] = {SERVER: lambda: Server(config["forgetful"])}
    for i in range(config["clients"]):
        nodes[f"c{i + 1}"] = lambda: Client(config["fragile"])
    return ActorWorld(nodes, observe=observe, inputs={"work": lambda args: "work"})


def exclusive(view: View) -> Detail | None:
    seen = [(view.names[i], view.state(i)) for i in range(len(view.names))]
    holding = tuple(name for name, state in seen if state is not None and state.holding)
    return Detail(holding, " and ".join(holding) + " hold the lock") if len(holding) > 1 else None


def invariants(config: Config) -> Sequence[StateInvariant]:
    return [StateInvariant("MutualExclusion", "at most one client holds the lock", exclusive)]


def work(draw: Callable[[int], int], names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.INJECT, (names[1 + draw(len(names) - 1)],), "work", {})]


def crash(draw: Callable[[int], int], names: Sequence[str], i: int) -> list[External]:
    return [External(Kind.CRASH, (SERVER,)), External(Kind.RESTART, (SERVER,))]


def profile(config: Config) -> Profile:
    return Profile(
        choices=(Choice("work", 6.0, work), Choice("crash", 0.5, crash)),
        items=(4, 10),
        spacing=(1, 6),
        steps=120,
    )


TARGET = Target(
    name="toy",
    doc="a lock service",
    make=make,
    invariants=invariants,
    profile=profile,
    defaults={"clients": 2, "forgetful": False, "fragile": False},
    bugs={
        "forgetful": Bug(
            "forgetful", "a restart forgets who holds", {"forgetful": True}, "MutualExclusion"
        ),
        "fragile": Bug("fragile", "a second grant raises", {"fragile": True}, "crash"),
    },
    version=lambda config: "1.0",
)

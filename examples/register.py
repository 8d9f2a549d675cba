"""A register on three replicas that readers and a writer reach by majorities (Attiya, Bar-Noy, Dolev).

The clients note what they ask and what they are told in a journal, and the invariant wants one order of
all operations that explains it.  `hasty`: a reader answers without first writing back what it read, so
two reads, one after the other, may go back in time while a write is under way.
"""

from dataclasses import dataclass
from typing import NamedTuple

from demi.events import External, Kind
from demi.history.invariant import Linearizable
from demi.history.models import Register
from demi.history.operation import Journal
from demi.interpose.actor import Node
from demi.interpose.actor_world import ActorWorld
from demi.target import Bug, Choice, Profile, Target

REPLICAS = ("r1", "r2", "r3")
CLIENTS = ("writer", "a", "b")
MAJORITY = 2


@dataclass(frozen=True)
class Query:
    turn: int


@dataclass(frozen=True)
class Value:
    turn: int
    version: int
    value: int | None


@dataclass(frozen=True)
class Store:
    turn: int
    version: int
    value: int | None


@dataclass(frozen=True)
class Stored:
    turn: int


class Replica(Node):
    def __init__(self):
        self.version, self.value = 0, None

    def on_message(self, ctx, sender, msg):
        if isinstance(msg, Query):
            ctx.send(sender, Value(msg.turn, self.version, self.value))
            return
        if msg.version > self.version:
            self.version, self.value = msg.version, msg.value
        ctx.send(sender, Stored(msg.turn))


class Client(Node):
    def __init__(self, hasty):
        self.hasty = hasty
        self.journal = Journal()
        self.turn = 0  # of the round of messages that answers are awaited for
        self.answers = ()
        self.result = None
        self.version = 0  # the writer's; there is only one

    def on_message(self, ctx, sender, msg):
        if sender == "ext":
            self.begin(ctx, msg)
        elif msg.turn == self.turn and self.journal.busy:
            self.answers += (msg,)
            if len(self.answers) == MAJORITY:
                self.advance(ctx)

    def begin(self, ctx, what):
        if self.journal.busy:
            return  # one operation at a time
        self.journal.invoke(what, self.version + 1 if what == "write" else None)
        if what == "write":
            self.version += 1
            self.round(ctx, lambda turn: Store(turn, self.version, self.version))
        else:
            self.round(ctx, Query)

    def advance(self, ctx):
        if isinstance(self.answers[0], Value):
            newest = max(self.answers, key=lambda one: one.version)
            self.result = newest.value
            if not self.hasty:
                self.round(ctx, lambda turn: Store(turn, newest.version, newest.value))
                return
        self.journal.ok(None if ctx.name == "writer" else self.result)

    def round(self, ctx, message):
        self.turn += 1
        self.answers = ()
        for replica in REPLICAS:
            ctx.send(replica, message(self.turn))


class Seen(NamedTuple):
    version: int
    history: tuple = ()


def observe(node):
    return Seen(node.version, node.journal.events if isinstance(node, Client) else ())


def make(config):
    nodes = dict.fromkeys(REPLICAS, Replica)
    nodes |= {name: lambda: Client(config["hasty"]) for name in CLIENTS}
    inputs = {"write": lambda args: "write", "read": lambda args: "read"}
    return ActorWorld(nodes, observe=observe, inputs=inputs)


def write(draw, names, i):
    return [External(Kind.INJECT, ("writer",), "write")]


def read(draw, names, i):
    return [External(Kind.INJECT, (("a", "b")[draw(2)],), "read")]


TARGET = Target(
    name="register",
    doc="a register on three replicas, with readers that may be hasty",
    make=make,
    invariants=lambda config: [Linearizable(Register())],
    profile=lambda config: Profile(
        choices=(Choice("write", 1.0, write), Choice("read", 2.0, read)), items=(3, 10),
        spacing=(0, 8), steps=300, weights={"Store": 0.1},  # reads go wrong during a slow write
    ),
    defaults={"hasty": False},
    bugs={"hasty": Bug("hasty", "does not write back", {"hasty": True}, "Linearizability")},
)  # fmt: skip

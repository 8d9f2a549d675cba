"""Tiny systems that several tests hold: small enough that what must happen is known by hand.

Not here: what only one test file needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from demi.events import Event, External, Kind, Program, Wait, number
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import World
from demi.oracle import Detail, Invariant, StateInvariant, View
from demi.scheduler.execute import Subject
from demi.target import Choice, Profile, Target

TESTS = Path(__file__).parent
Sends = Sequence[tuple[str, Any]]


def inject(node: str, label: str, args: Any = None, group: str = "") -> External:
    return External(Kind.INJECT, (node,), label, args, group=group)


def fault(kind: Kind, *nodes: str, one_way: bool = False, group: str = "") -> External:
    return External(kind, nodes, one_way=one_way, group=group)


def program(*items: Any) -> Program:
    """A program whose externals are numbered in order."""
    numbered = iter(number(item for item in items if isinstance(item, External)))
    return Program(tuple(next(numbered) if isinstance(i, External) else i for i in items))


# ---- relays: what every node sends is a table


class Relay(Node):
    """Sends `first` at the start, and `then[message]` whenever a message arrives."""

    def __init__(self, first: Sends = (), then: Mapping[Any, Sends] | None = None) -> None:
        self.first = tuple(first)
        self.then = dict(then or {})
        self.got: tuple[tuple[str, Any], ...] = ()

    def on_start(self, ctx: Context) -> None:
        for dst, msg in self.first:
            ctx.send(dst, msg)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.got += ((sender, msg),)
        for dst, out in self.then.get(msg, ()):
            ctx.send(dst, out)


def relays(
    first: Mapping[str, Sends],
    then: Mapping[str, Mapping[Any, Sends]] | None = None,
    **options: Any,
) -> ActorWorld:
    """A world of relays; `first` names all nodes, in order."""

    def maker(name: str) -> Callable[[], Node]:
        return lambda: Relay(first[name], (then or {}).get(name))

    return ActorWorld({name: maker(name) for name in first}, **options)


def complete_runs(world: World) -> list[tuple[Event, ...]]:
    """Every run to quiescence, by depth-first search over checkpoints."""
    runs: list[tuple[Event, ...]] = []

    def search(path: tuple[Event, ...]) -> None:
        events = list(world.enabled())
        if not events:
            runs.append(path)
            return
        here = world.checkpoint()
        for event in events:
            world.restore(here)
            assert world.step(event).enabled
            search((*path, event))

    search(())
    return runs


def names(world: World, events: Sequence[Event]) -> list[str]:
    """`a>b#1` for deliveries, `a!timer#1`; without labels, so that it works after the event too."""
    return [
        f"{world.names[peer]}>{world.names[node]}#{n + 1}"
        if kind == Kind.DELIVER
        else f"{world.names[node]}!{world.label(event)}#{n + 1}"
        for event in events
        for kind, node, peer, n in [event]
    ]


def pick(world: World, node: str, sender: str, n: int = 0) -> Event:
    """The n-th (from 0) message ever sent from sender to node."""
    at = list(world.names)
    return int(Kind.DELIVER), at.index(node), at.index(sender), n


def drain(world: World) -> list[Event]:
    """Take the first enabled event until there is none."""
    taken = []
    while world.enabled():
        event = world.enabled()[0]
        world.take(event)
        taken.append(event)
    return taken


# ---- a small lock service with seeded defects, for records, hunts and minimizing


class Seen(NamedTuple):
    holders: tuple[str, ...] = ()
    epoch: int = 0


@dataclass(frozen=True)
class Ask:
    who: str


@dataclass(frozen=True)
class Grant:
    epoch: int


class Server(Node):
    """Grants a lock; forgets who holds it when it crashes, unless it is careful."""

    def __init__(self, careful: bool) -> None:
        self.careful = careful
        self.holder = ""
        self.epoch = 0
        self.queue: list[str] = []

    def on_start(self, ctx: Context) -> None:
        self.holder = ctx.durable.get("holder", "") if self.careful else ""
        ctx.set_timer("tick", 1.0)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if isinstance(msg, Ask) and not self.holder:
            self.holder = msg.who
            self.epoch += ctx.random.randrange(1, 4)
            ctx.durable["holder"] = msg.who
            ctx.send(msg.who, Grant(self.epoch))
        elif isinstance(msg, Ask):
            self.queue.append(msg.who)

    def on_timer(self, ctx: Context, name: str) -> None:
        ctx.set_timer("tick", 1.0)
        for client in ctx.peers:
            ctx.send(client, "ping")


class Client(Node):
    """Asks for the lock when told to."""

    def __init__(self) -> None:
        self.holds = False
        self.pings = 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if sender == "ext":
            ctx.send("server", Ask(ctx.name))
        elif isinstance(msg, Grant):
            self.holds = True
        else:
            self.pings += 1


def one_holder(view: View) -> Detail | None:
    """At most one client holds the lock."""
    holders = []
    for node, name in enumerate(view.names):
        state = view.state(node)
        if state is not None and state.get("holds"):
            holders.append(name)
    return Detail(tuple(holders), f"{len(holders)} hold the lock") if len(holders) > 1 else None


MUTEX = StateInvariant("OneHolder", "at most one client holds the lock", one_holder)


def _ask(draw: Callable[[int], int], nodes: Sequence[str], i: int) -> list[External]:
    return [inject(nodes[1 + draw(len(nodes) - 1)], "ask")]


def _bounce(draw: Callable[[int], int], nodes: Sequence[str], i: int) -> list[External]:
    return [fault(Kind.CRASH, "server"), fault(Kind.RESTART, "server")]


def _cut(draw: Callable[[int], int], nodes: Sequence[str], i: int) -> list[External]:
    other = nodes[1 + draw(len(nodes) - 1)]
    return [fault(Kind.CUT, "server", other), fault(Kind.HEAL, "server", other)]


LOCK_PROFILE = Profile(
    choices=(Choice("ask", 4.0, _ask), Choice("bounce", 1.0, _bounce), Choice("cut", 1.0, _cut)),
    items=(2, 6),
    spacing=(0, 4),
    postfix=(Wait(steps=10),),
    steps=60,
)


def lock_world(config: Mapping[str, Any]) -> World:
    clients = {f"c{i + 1}": Client for i in range(config["clients"])}
    careful = config["careful"]
    return ActorWorld(
        {"server": lambda: Server(careful), **clients},
        network=config["network"],
        lossy=config["lossy"],
    )


LOCK = Target(
    name="lock",
    doc="a lock server that forgets",
    make=lock_world,
    invariants=lambda config: (MUTEX,),
    profile=lambda config: LOCK_PROFILE,
    defaults={"careful": False, "clients": 3, "lossy": False, "network": "fifo"},
)


def lock(**settings: Any) -> Subject:
    """The lock service under its defaults, changed by `settings`."""
    return Subject(LOCK, {**LOCK.defaults, **settings})


def subject_of(
    make: Callable[[], World],
    *invariants: Invariant,
    profile: Profile | None = None,
    **rest: Any,
) -> Subject:
    """A subject from a way to build its world."""
    target = Target(
        name="tiny",
        doc="",
        make=lambda config: make(),
        invariants=lambda config: invariants,
        profile=lambda config: profile or Profile(),
        **rest,
    )
    return Subject(target, {})


def never(holds: Callable[[View], bool], name: str = "Never", key: str = "") -> StateInvariant:
    """An invariant that is broken when `holds`."""
    return StateInvariant(
        name, "", lambda view: Detail((), f"{name} happened", key) if holds(view) else None
    )


def field_is(node: int, field: str, value: Any) -> Callable[[View], bool]:
    """A predicate over the default observation of one node."""

    def look(view: View) -> bool:
        state = view.state(node)
        return state is not None and state.get(field) == value

    return look


def with_nth(external: External, nth: int) -> External:
    return replace(external, nth=nth)


# ---- other processes


def in_process(code: str, hash_seed: int) -> str:
    """What a fresh Python with that PYTHONHASHSEED prints; `systems` can be imported there."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    env = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

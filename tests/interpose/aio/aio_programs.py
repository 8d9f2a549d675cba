"""Small asyncio programs under demi, for the tests of the adapter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demi.events import Event, External, Kind
from demi.interpose.aio import AsyncioWorld
from demi.interpose.world import Step


def named(world: AsyncioWorld, event: Event) -> str:
    """`a>b:GET /`, `a!main.sleep` or the id of an external."""
    if event[0] == Kind.DELIVER:
        return f"{world.names[event[2]]}>{world.names[event[1]]}:{world.label(event)}"
    if event[0] == Kind.TIMER:
        return f"{world.names[event[1]]}!{world.label(event)}"
    return world.external(event).id


def enabled(world: AsyncioWorld) -> list[str]:
    return [named(world, event) for event in world.enabled()]


def take(world: AsyncioWorld, name: str) -> Step:
    """Take the first enabled event of that name."""
    event = next(event for event in world.enabled() if named(world, event) == name)
    return world.take(event)


def run(world: AsyncioWorld, most: int = 200) -> list[str]:
    """Take the first enabled event until none is left; returns their names."""
    taken = []
    while (events := world.enabled()) and len(taken) < most:
        taken.append(named(world, events[0]))
        world.take(events[0])
    return taken


def ext(
    kind: Kind, *nodes: str, args: Any = None, label: str = "", one_way: bool = False
) -> External:
    return External(kind, nodes, label, args, one_way=one_way)


def do(world: AsyncioWorld, *externals: External) -> Step:
    """Offer and take at once."""
    events: Sequence[Event] = world.offer(externals)
    for event in events:
        assert world.allowed(event), world.external(event).id
        step = world.take(event)
    return step

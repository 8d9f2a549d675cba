"""Taking steps once more: to see what one touches elsewhere, and to see whether a target repeats.

The one insight: a search only ever compares; what a step did the first time is in the history, so a
second time costs nothing to check.

Not here: going on from where the search stands (`space.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.dpor.relation import Foot
from demi.dpor.space import Space, diverged
from demi.errors import ContractError
from demi.events import Event


def probe(
    space: Space, saved: object, depth: int, before: Sequence[Event], event: Event
) -> Foot | None:
    """What `event` touches after other events from an earlier mark; None when it is not enabled.

    The world is left where nobody expects it: load a mark next.
    """
    world, relation = space.world, space.relation
    if saved is None:
        return None
    sent = space.sent[:]
    space.load(saved, depth)
    space.sent = sent
    for one in before:
        if not _possible(space, one):
            return None
        world.take(one)
        space.gate.took(one)
    if not _possible(space, event):
        return None
    content = relation.content(event) if relation.hook else -1
    was = space.view.state(event[1]) if relation.watched else None
    step = world.take(event)
    changed = relation.watched and space.view.state(event[1]) != was
    return relation.foot(event, step, content, changed)


def _possible(space: Space, event: Event) -> bool:
    """Is it enabled and within the bounds?  (A try: what it holds back has not bitten.)"""
    if not space.world.allowed(event):
        return False
    if not space.gate.active:
        return True
    bit = set(space.gate.bit)
    possible = event in space.gate.passed([event])
    space.gate.bit = bit
    return possible


def verify(space: Space, nodes: bool) -> None:
    """Run the current execution again from the beginning and compare.

    nodes: also that each step leaves all nodes but its own alone.

    Raises DivergenceError when the target is not deterministic, ContractError when a step changed
    a node other than its own.
    """
    world = space.world
    digest = world.digest()
    gate, broken, memory = space.gate.save(), space.broken, list(space.memory)
    space.start()
    others = range(len(world.names)) if nodes else range(0)
    digests = [world.node_digest(node) for node in others]
    for position, event in enumerate(space.history.events):
        space.repeat(position, event)
        for node in others:
            now = world.node_digest(node)
            if now != digests[node] and node != event[1] and not _wide(space, position):
                raise ContractError(
                    f"a step at {world.names[event[1]]} changed {world.names[node]}",
                    where=f"step {position + 1} of an execution",
                    remedy="nodes may share no state: exploration takes their steps as independent",
                )
            digests[node] = now
    if world.digest() != digest:
        raise diverged(space, len(space.history) - 1, "the same events led to another state")
    space.gate.load(gate)
    space.broken, space.memory[:] = broken, memory


def _wide(space: Space, position: int) -> bool:
    return space.history.feet[position].writes >> (len(space.world.names)) != 0

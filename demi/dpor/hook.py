"""Checking `commutes`: what the target claims is tried, both orders from one checkpoint.

The one insight: a hook that lies makes exploration silently incomplete, and one counter-example is
cheap to look for whenever two such messages wait at one node.

Every claim is tried the first times it comes up, then ever more rarely.  Not here: a proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from demi.dpor.relation import DELIVER, INJECT
from demi.errors import ContractError
from demi.events import Event

if TYPE_CHECKING:
    from demi.dpor.space import Space

LOOKS_FIRST = 200  # nodes of the search that are looked at; then one in `LOOK_EVERY`
LOOK_EVERY = 64
TRIES_PER_CLAIM = 3  # different states in which one pair of contents is tried


class HookCheck:
    """Tries claims at nodes of a search."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._looks = 0
        self._tried: dict[tuple[int, int], int] = {}

    def look(self, saved: object, events: list[Event]) -> bool:
        """Try claims about enabled events; True when the world has moved.  Raises ContractError."""
        self._looks += 1
        if self._looks > LOOKS_FIRST and self._looks % LOOK_EVERY:
            return False
        relation = self._space.relation
        moved = False
        waiting = [e for e in events if e[0] in (DELIVER, INJECT)]
        content: dict[Event, int] = {}
        for place, a in enumerate(waiting):
            for b in waiting[place + 1 :]:
                if a[1] != b[1] or relation.process(a) == relation.process(b):
                    continue
                for one in (a, b):
                    if one not in content:
                        if moved:
                            self._back(saved)
                        content[one] = relation.content(one)
                pair = (content[a], content[b])
                if self._tried.get(pair, 0) < TRIES_PER_CLAIM and relation.asked(*pair):
                    self._tried[pair] = self._tried.get(pair, 0) + 1
                    self._try(saved, a, b)
                    moved = True
        return moved

    def _back(self, saved: object) -> None:
        space = self._space
        space.load(saved, len(space.history))

    def _try(self, saved: object, a: Event, b: Event) -> None:
        world = self._space.world
        outcomes = []
        for order in ((a, b), (b, a)):
            self._back(saved)
            if not world.allowed(order[0]):
                return
            labels = [world.label(one) for one in order]
            steps = [world.take(one) for one in order if world.allowed(one)]
            if len(steps) < 2 or any(s.armed or s.cancelled or s.failure for s in steps):
                self._back(saved)
                return  # taken as dependent anyway
            sent = {step.event: list(step.sent) for step in steps}
            outcomes.append((sent, world.digest()))
        self._back(saved)
        (sent, digest), (sent_too, digest_too) = outcomes
        channels = [{one[1:3] for one in sent[event]} for event in (a, b)]
        if channels[0] & channels[1]:
            return  # both send on one channel: taken as dependent anyway
        if digest != digest_too or sent != sent_too:
            raise ContractError(
                f"commutes is wrong: {labels[1]} and {labels[0]} at {world.names[a[1]]} do not commute",
                where=f"after {len(self._space.history)} steps of an execution",
                remedy="they must lead to the same state and send the same messages in both orders",
            )

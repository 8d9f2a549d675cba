"""Scripted: take exactly these events, in this order; stop at the first that is not enabled.

The one insight: a schedule of internal tuples and Externals is all that a run was, so running it again
under an observer gives everything else: its trace, its checkpoints, its explanation.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.events import Event, External
from demi.interpose.world import Step, World
from demi.scheduler.record import Taken


class Scripted:
    """Strict: no search and no skipping.  stuck: position of the event that could not happen."""

    name = "scripted"
    offers = True

    def __init__(self, choices: Sequence[Taken]) -> None:
        self._choices = choices
        self._at = 0
        self.stuck: int | None = None

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._world = world
        self._at = 0
        self.stuck = None
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if self._at >= len(self._choices):
            return None
        choice = self._choices[self._at]
        event = self._world.offer((choice,))[0] if isinstance(choice, External) else choice
        if not self._world.allowed(event):
            self.stuck = self._at
            return None
        self._at += 1
        return event

    @property
    def left(self) -> int:
        """How many choices were not made."""
        return len(self._choices) - self._at

    def draw(self, kind: str, bound: int) -> int:
        return 0

"""A node of the depth-first walk: what sleeps there, what is planned, what is left to try.

The one insight: races found anywhere below add to a node, and only to what it plans; so a node needs no
knowledge of its children, and a walk is its stack of nodes.

Sleep sets: Godefroid, LNCS 1032, 1996.  Not here: walking (`tree.py`).
"""

from __future__ import annotations

from demi.dpor.relation import Foot
from demi.events import Event


class Frame:
    """A node of the search.

    asleep: event -> what it touches; sleeping from above, then also explored from here.
    planned: everything to try here so far; todo: its part that is not yet tried.
    event: the step that led here.  tried: how many children were entered.
    doubts: see `doubt`; empty for most relations.
    """

    __slots__ = (
        "asleep", "doubts", "enabled", "event", "foot", "planned", "saved", "todo", "tried"
    )  # fmt: skip

    def __init__(
        self,
        enabled: list[Event],
        asleep: dict[Event, Foot],
        event: Event,
        foot: Foot,
        saved: object,
    ) -> None:
        self.enabled = enabled
        self.asleep = asleep
        self.event = event
        self.foot = foot
        self.saved = saved
        self.todo: list[Event] = []
        self.planned: dict[Event, None] = {}
        self.tried = 0
        self.doubts: list[tuple[Event, Foot, Foot]] = []

    def plan(self, event: Event) -> None:
        """Try this event here too."""
        if event not in self.planned:
            self.planned[event] = None
            self.todo.append(event)

    def plan_all(self) -> None:
        """Try everything here: what is asleep covers the rest."""
        for one in self.enabled:
            self.plan(one)

    def doubt(self, event: Event, before: Foot, seen: Foot) -> None:
        """`event` raced with the step `before` that left this node, touching `seen`.

        Taken from here it may touch more than it did there, so that steps that were independent of both
        are not independent of it: then trying `event` first does not stand for taking them first, and
        everything is tried.  Known once `event` was taken from here.
        """
        if event in self.asleep:
            if self.asleep[event].beyond(before, seen):
                self.plan_all()
        else:
            self.doubts.append((event, before, seen))

    def settle(self, event: Event, foot: Foot) -> None:
        """`event` was explored from here and touched `foot`."""
        self.asleep[event] = foot
        if self.doubts:
            if any(foot.beyond(before, seen) for one, before, seen in self.doubts if one == event):
                self.plan_all()
            self.doubts = [doubt for doubt in self.doubts if doubt[0] != event]


class Closed(Frame):
    """A node above the part of the tree that this walk owns: everything is tried there by others."""

    __slots__ = ()

    def plan(self, event: Event) -> None:
        """Nothing to do."""

    def doubt(self, event: Event, before: Foot, seen: Foot) -> None:
        """Nothing to do."""

"""Delay bounding: Emmi, Qadeer, Rakamaric, POPL 2011.

The one insight: most schedules that matter are the base schedule with a few delays, and their number
does not grow with the number of nodes: O(n^D) for n steps and D delays.

The base order is part of the definition.  *rotating*: a queue; a delay moves the head to its end.
*fixed*: oldest first; a delay skips an event and moves nothing.  Delays are a property of a schedule and
not of its class, so there is no reduction here: all schedules with at most D delays are run, and classes
are told apart by their id.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.dpor.space import Space
from demi.dpor.tally import Tally
from demi.errors import UsageError
from demi.events import Event

ORDERS = ("rotating", "fixed")


class DelayWalk:
    """One search with at most `delays` delays per run.  classes: their ids."""

    def __init__(self, space: Space, tally: Tally, delays: int, order: str = "rotating") -> None:
        if order not in ORDERS:
            raise UsageError(f"unknown base order {order!r}", remedy="known: " + ", ".join(ORDERS))
        self.space = space
        self.tally = tally
        self.classes: set[int] = set()
        self._delays = delays
        self._rotating = order == "rotating"

    def run(self) -> None:
        """Walk all schedules.  Raises `Stop`."""
        self.tally.start(self.space)
        self._walk([], 0)

    def _walk(self, queue: Sequence[Event], spent: int) -> None:
        space = self.space
        enabled = space.enabled()
        if not enabled:
            self.classes.add(space.history.class_id())
            self.tally.maximal(space, lambda: 0.0)
            return
        if len(space.history) >= space.steps_max:
            space.gate.bit.add("steps")
            self.classes.add(space.history.class_id())
            self.tally.cut_off(space, lambda: 0.0)
            return
        known = set(enabled)
        order = [event for event in queue if event in known]
        order += [event for event in enabled if event not in set(order)]
        if spent + len(order) - 1 > self._delays:
            space.gate.bit.add("delays")
        tries = order[: self._delays - spent + 1]
        saved = space.save() if len(tries) > 1 else None
        depth = len(space.history)
        for delays, event in enumerate(tries):
            if delays:
                space.load(saved, depth)
            space.advance(event)
            if space.violation is not None:
                self.tally.violated(space)
            if self._rotating:
                rest = [*order[delays + 1 :], *order[:delays]]
            else:
                rest = [one for one in order if one != event]
            self._walk(rest, spent + delays)
            space.history.pop()

"""The depth-first walk that naive enumeration, classic DPOR and source-DPOR share.

The one insight: they differ only in what a node must try at first (everything, or one event) and in
what a race adds to an earlier node, so the walk, sleep sets and bounds are written once.

Sleep sets: Godefroid, LNCS 1032, 1996.  A sleeping event was explored from an earlier node and nothing
that depends on it has happened since: going there again would repeat an equivalent execution.

When a run is cut by its length, every ancestor is made to try everything: see `bounds.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demi.dpor.frame import Closed, Frame
from demi.dpor.history import History
from demi.dpor.hook import HookCheck
from demi.dpor.relation import Foot
from demi.dpor.space import Space
from demi.dpor.tally import Tally, share_of
from demi.events import Event
from demi.interpose.world import Step

OnRace = Callable[[Frame, History, int, int], None]
"""on_race(node before f, history, f, e): plan at the node what reverses the race."""

First = Callable[[list[Event]], Event]
"""The base strategy: which of the events that are not asleep goes first."""

NOWHERE: Event = (-1, -1, -1, -1)
NO_FOOT = Foot(0, 0, ())


def lowest(events: list[Event]) -> Event:
    """The canonical base strategy."""
    return events[0]


class Walk:
    """One search; `run` may be interrupted by `Stop` and its stack then tells what is left."""

    def __init__(
        self,
        space: Space,
        tally: Tally,
        on_race: OnRace | None,
        *,
        sleeping: bool = True,
        first: First = lowest,
    ) -> None:
        self.space = space
        self.tally = tally
        self.frames: list[Frame] = []
        self._on_race = on_race
        self._sleeping = sleeping
        self._first = first
        self._base = 0
        self._fresh = False
        self._dependent = space.relation.dependent
        self._plain = space.relation.plain
        self._hook = HookCheck(space) if space.relation.hook is not None else None

    def run(self) -> None:
        """Walk the whole tree.  Raises `Stop`."""
        if not self.frames:
            self.tally.start(self.space)
            self._enter({}, NOWHERE, NO_FOOT)
        frames, space, base = self.frames, self.space, self._base
        history = space.history
        while len(frames) > base:
            frame = frames[-1]
            event = self._next(frame)
            if event is None:
                self._leave(frame)
                continue
            if self._fresh:
                self._fresh = False
            else:
                space.load(frame.saved, len(history))
            frame.tried += 1
            self._step(frame, event)

    def begin_at(self, path: Sequence[Event], asleep: dict[Event, Foot]) -> None:
        """Own only the subtree that `path` leads to, with this sleep set.  Then `run`."""
        space = self.space
        self.tally.start(space)
        for event in path:
            self.frames.append(Closed(space.enabled(), {}, event, NO_FOOT, None))
            space.advance(event)
            if space.violation is not None:
                self.tally.violated(space)
        self._base = len(self.frames)
        self._enter(self._renumbered(asleep), path[-1] if path else NOWHERE, NO_FOOT)

    def rebuild(self, nodes: Sequence[tuple[Event, dict[Event, Foot], list[Event]]]) -> None:
        """Go back to a stack of (event that led here, asleep, planned).  Then `run`."""
        space = self.space
        space.start()
        for depth, (event, asleep, planned) in enumerate(nodes):
            foot = space.advance(event)[0] if depth else NO_FOOT
            frame = Frame(space.enabled(), self._renumbered(asleep), event, foot, space.save())
            following = nodes[depth + 1][0] if depth + 1 < len(nodes) else None
            for one in planned:
                frame.plan(one)
            frame.todo = [one for one in planned if one not in asleep and one != following]
            frame.tried = len(planned) - len(frame.todo)
            self.frames.append(frame)

    def _renumbered(self, asleep: dict[Event, Foot]) -> dict[Event, Foot]:
        """Contents are numbered anew in each process."""
        content = self.space.relation.content
        return {
            q: foot if foot.content < 0 else foot._replace(content=content(q))
            for q, foot in asleep.items()
        }

    def _next(self, frame: Frame) -> Event | None:
        asleep = frame.asleep
        for place, event in enumerate(frame.todo):
            if event not in asleep:
                del frame.todo[: place + 1]
                return event
        frame.todo.clear()
        return None

    def _leave(self, frame: Frame) -> None:
        self._fresh = False
        frames = self.frames
        frames.pop()
        if frames:
            self.space.history.pop()
            frames[-1].settle(frame.event, frame.foot)

    def _step(self, frame: Frame, event: Event) -> None:
        space = self.space
        foot, races = space.advance(event)
        asleep = frame.asleep
        if asleep and self._sleeping:
            if self._plain:
                writes = foot.writes
                asleep = {q: other for q, other in asleep.items() if not other[0] & writes}
            else:
                dependent = self._dependent
                asleep = {q: other for q, other in asleep.items() if not dependent(other, foot)}
        else:
            asleep = {}
        if races and self._on_race is not None:
            self.reverse(races)
        if space.violation is not None:
            self.tally.violated(space)
        self._enter(asleep, event, foot)
        if self._on_race is not None:
            for gone in space.disabled(frame.enabled, self.frames[-1].enabled):
                frame.plan(gone)
                if space.relation.dynamic:
                    frame.doubt(gone, foot, foot)
            for f, held in space.held(frame.enabled):
                self._reverse_held(f, held)

    def _reverse_held(self, f: int, event: Event) -> None:
        """A race with an event that never was: it is thought to come last for a moment."""
        history = self.space.history
        end = len(history)
        v = history.not_after(f, end)
        foot = history.relation.foot(event, Step(event), -1, False)
        cause = history.born[event]
        past = history.past[cause] | 1 << cause
        for at in range(end - 1, f, -1):
            if v >> at & 1 and not past >> at & 1 and self._dependent(foot, history.feet[at]):
                past |= history.past[at] | 1 << at
        history.events.append(event)
        history.past.append(past)
        history.feet.append(foot)
        assert self._on_race is not None
        self._on_race(self.frames[f], history, f, end)
        del history.events[end:], history.past[end:], history.feet[end:]

    def reverse(self, races: list[int]) -> None:
        """Plan the reversal of each race of the newest event."""
        history, frames = self.space.history, self.frames
        newest = len(history.events) - 1
        assert self._on_race is not None
        for f in races:
            self._on_race(frames[f], history, f, newest)

    def _enter(self, asleep: dict[Event, Foot], event: Event, foot: Foot) -> None:
        space = self.space
        enabled = space.enabled()
        awake = [one for one in enabled if one not in asleep] if asleep else enabled
        frame = Frame(enabled, asleep, event, foot, None)
        self.frames.append(frame)
        if not enabled:
            self._fresh = False
            self.tally.maximal(space, self.share)
        elif len(self.frames) > space.steps_max:
            self._fresh = False
            self._cut()
        elif not awake:
            self._fresh = False
            self.tally.sleeping(space, self.share)
        else:
            self._fresh = True
            if len(awake) > 1:
                frame.saved = space.save()
                if self._hook is not None and self._hook.look(frame.saved, awake):
                    self._fresh = False
            if self._on_race is None:
                for one in awake:
                    frame.plan(one)
            else:
                frame.plan(self._first(awake))

    def _cut(self) -> None:
        """Nothing is lost within the bound: from here up, everything is tried."""
        self.space.gate.bit.add("steps")
        for above in self.frames[self._base : -1]:
            above.plan_all()
        self.tally.cut_off(self.space, self.share)

    def share(self) -> float:
        """The share of the tree that lies behind, counting what is planned so far."""
        return share_of(
            [
                (frame.tried - 1, frame.tried + len(frame.todo))
                for frame in self.frames[self._base : -1]
            ]
        )

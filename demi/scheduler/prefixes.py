"""Replays that begin like the one before go on from where the two part.

The one insight: candidates that are tried in a row are made from one run, so most of what a replay does was
just done; the state is kept at some places of the last replay, and the next one starts from the last of
them that both have in common.  It ends as if run from the beginning: same events, same plan written down.

Only for worlds that can go back, and for replays by content or type (by cause, events go by where they
stood).  Not here: which plans are replayed, and answers that need none (`demi/minimizer/answers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from demi.events import Event, External
from demi.interpose.world import Step, World
from demi.scheduler.execute import FIRST_EXTERNAL, Subject, execute
from demi.scheduler.run import Observer, Observers, Outcome, Place
from demi.scheduler.sts import Lenient, Made, Match, Planner, Wanted

MARKS = 12  # of a replay from the beginning; half the distance between two is run twice
NEAREST = 32  # events between marks, at least
OLDEST_FIRST = (Match.EXACT, Match.OLDEST)


class Mark(NamedTuple):
    """A place in a replay.  at: of its plan, what is looked for next.  done: events before it."""

    at: int
    done: int
    state: object
    memory: tuple[Any, ...]
    made: Made


class Common(NamedTuple):
    """What a plan shares with the last replay: its marks; positions used and absent up to the last."""

    marks: list[Mark]
    used: list[int]
    absent: list[int]


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay.  asked: of its plan, what was looked for.  there: which of that was found.

    ran: as it was written down.  rule: what must be equal in another strategy.
    """

    world: World
    rule: object
    asked: Sequence[Wanted]
    there: Sequence[bool]
    ran: Planner
    marks: list[Mark]

    def common(self, plan: Sequence[Wanted]) -> Common:
        """What was absent may be left out, and what ran may be asked for as it ran."""
        marks, used, absent = list[Mark](), list[int](), list[int]()
        there, end = self.there, len(plan)
        waiting = iter(self.marks)
        mark = next(waiting, None)
        passed = here = done = at = 0
        while mark is not None:
            if here == mark.at:
                marks.append(mark._replace(at=at))
                passed = len(absent)
                mark = next(waiting, None)
                continue
            found = there[here]
            if at < end and self._same(here, done, plan[at]):
                (used if found else absent).append(at)
                at += 1
            elif found:
                break
            here += 1
            done += found
        length = marks[-1].done if marks else 0
        return Common(marks, used[:length], absent[:passed])

    def _same(self, here: int, done: int, want: Wanted) -> bool:
        """Is it what was asked for there, or what then ran?"""
        asked = self.asked[here]
        if want is asked:
            return True
        first = self.there[here] and asked.match in OLDEST_FIRST
        if first and done < len(self.ran.written) and want is self.ran.written[done]:
            return True
        return _asks(asked, want) or (first and self._as_it_ran(done, want))

    def _as_it_ran(self, done: int, want: Wanted) -> bool:
        """By content, the oldest of equal messages is taken, as it was."""
        _, choice, label, content, _ = self.ran.rows[done]
        if want.external is not None or isinstance(choice, External):
            return False
        known = choice[:3] == want.choice[:3] and label == want.label  # type: ignore[index]
        return known and want.match is Match.EXACT and content == want.content


def _asks(one: Wanted, other: Wanted) -> bool:
    """Do they find the same event in the same state?"""
    if one is other:
        return True
    if one.external is not None or other.external is not None:
        return one.external == other.external
    if one.choice[:3] != other.choice[:3]:  # type: ignore[index]  # internal, both
        return False
    if one.is_timer:
        return True
    if one.match is not other.match or one.label != other.label:
        return False
    return one.match is not Match.EXACT or one.content == other.content


class Prefixes:
    """Replays of one system under one seed, one after the other."""

    def __init__(self) -> None:
        self._last: Replayed | None = None

    def execute(
        self,
        subject: Subject,
        strategy: Lenient,
        seed: int,
        planner: Planner,
        clock: Observer | None,
    ) -> Outcome:
        """A lenient replay; `planner` has the plan of what it ran."""
        world = subject.world
        last, self._last = self._last, None  # a replay that raises leaves nothing
        able = world.capabilities.checkpoint and world.capabilities.exact
        rule = strategy.rule() if able else None
        if rule is None:
            return execute(subject, strategy, seed, observer=_both(planner, clock))
        place, marks = Place(), list[Mark]()
        if last is not None and last.world is world and last.rule == rule:
            marks, used, absent = last.common(strategy.plan)
        if last is not None and marks:
            mark = marks[-1]
            world.restore(mark.state)
            planner.resume(last.ran, mark.done, mark.made)
            strategy.resume(world, mark.at, used, absent)
            place = Place(mark.done, list(mark.memory), begun=True)
        marking = Marking(world, strategy, planner, place, marks)
        outcome = execute(subject, strategy, seed, observer=_both(marking, clock), place=place)
        plan, found = strategy.plan, set(strategy.used)
        walked = max(strategy.used[-1:] + strategy.absent[-1:], default=-1) + 1
        there = [at in found for at in range(walked)]
        self._last = Replayed(world, rule, plan[:walked], there, planner, marks)
        return outcome


def _both(observer: Observer, clock: Observer | None) -> Observer:
    return observer if clock is None else Observers(observer, clock)


class Marking:
    """An Observer that sets marks on the way, and lets the planner write."""

    def __init__(
        self, world: World, strategy: Lenient, planner: Planner, place: Place, marks: list[Mark]
    ) -> None:
        self._world, self._strategy, self._planner = world, strategy, planner
        self._place, self._marks = place, marks
        self._distance = max(NEAREST, len(strategy.plan) // MARKS)
        self._next = marks[-1].done + self._distance if marks else 0

    def began(self, boot: Step) -> None:
        self._planner.began(boot)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        done = len(self._planner.rows)
        if done >= self._next and event[0] < FIRST_EXTERNAL:  # an input is offered already
            self._mark(done)
        self._planner.before(event, enabled)

    def after(self, step: Step) -> None:
        self._planner.after(step)

    def _mark(self, done: int) -> None:
        self._next = done + self._distance
        memory, made = tuple(self._place.memory), self._planner.made()
        self._marks.append(
            Mark(self._strategy.used[-1], done, self._world.checkpoint(), memory, made)
        )

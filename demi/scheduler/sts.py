"""Lenient replay: the STS oracle (Scott et al., SIGCOMM'14; STSScheduler of DEMi, NSDI'16 section 4.3).

Walk the wanted events in order.  Each is matched against what is pending by a ladder: the same content
on the same link (oldest first); content that is equal after the target's mask; and, where the wanted
event is a wildcard, the newest or oldest message of the same type on the link.  What matches nothing is
absent and skipped; what is pending and not wanted is never delivered.

The one insight: a subsequence of a failing run is a *request*, not a schedule; skipping what it lost is
what lets large parts of a run be cut at once.

On a lossy fifo channel a match behind the head loses what it overtakes, and order is kept.  On a strict
one only the head can match.  Not here: choosing which subsequences to try (`demi/minimizer`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from demi.events import Event, External, Kind
from demi.interpose.world import Step, World
from demi.scheduler.execute import FIRST_EXTERNAL
from demi.scheduler.pending import Pending
from demi.scheduler.record import Taken

DELIVER, TIMER = int(Kind.DELIVER), int(Kind.TIMER)


class Match(Enum):
    """How a wanted delivery finds its message."""

    EXACT = "exact"
    CAUSE = "cause"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One event of a plan.

    name: its id in the run it came from.  choice: the event there, or the External.  label: message
    type or timer.  content: the message's fingerprint.  match: how far it may be from the content.
    place: its position in the run it came from, -1 if it came from none.  source: place of the event
    that sent the message, and which of the messages to this receiver sent there, from 0; () unknown.
    """

    name: str
    choice: Taken
    label: str
    content: Any = None
    match: Match = Match.EXACT
    place: int = -1
    source: tuple[int, ...] = ()

    @property
    def external(self) -> External | None:
        """The external it asks for, if it is one."""
        return self.choice if isinstance(self.choice, External) else None

    @property
    def is_timer(self) -> bool:
        """Does it ask for a timer to fire?"""
        return not isinstance(self.choice, External) and self.choice[0] == TIMER


Mask = Callable[[str, Any], Any]
Made = dict[Event, tuple[int, ...]]
"""For each pending event the position of its cause and, of a message, its number there."""
Row = tuple[str, Taken, str, Any, tuple[int, ...]]


class Lenient:
    """A strategy that follows a plan.  used: positions that matched; absent: positions skipped.

    watch: ways of matching to compare with the one of the plan as it runs; apart: those of them that
    would have chosen another message somewhere.  By one that is not apart the plan runs the same.
    """

    name = "sts"
    offers = True

    def __init__(
        self, plan: Sequence[Wanted], mask: Mask | None = None, watch: Sequence[Match] = ()
    ) -> None:
        self._plan = plan
        self._mask = mask
        self._watch = watch
        self._follows = Match.CAUSE in watch or any(w.match is Match.CAUSE for w in plan)
        self.used: list[int] = []
        self.absent: list[int] = []
        self.apart: list[Match] = []

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self.resume(world, 0, [], [])
        self.apart = []
        self._sent: dict[tuple[int, int, int], Event] = {}
        self._place = -1
        if self._follows:
            self._remember(boot)
        return True

    @property
    def plan(self) -> Sequence[Wanted]:
        """What is followed."""
        return self._plan

    def rule(self) -> object:
        """What decides, besides the plan, how events are matched; None: more than can be told.

        Where it is equal, one replay may go on from a state of another (`prefixes.py`).
        """
        bare = type(self) is Lenient and not self._follows and not self._watch
        return (self._mask,) if bare else None

    def resume(self, world: World, at: int, used: list[int], absent: list[int]) -> None:
        """Begin in a world where the plan before `at` has been replayed."""
        self._world = world
        self._at, self.used, self.absent = at, used, absent
        self._look_again()

    def _look_again(self) -> None:
        """What is in flight is not what it was."""
        world = self._world
        self._typed = Pending(world, world.label)
        self._alike = Pending(world, lambda event: (world.label(event), world.fingerprint(event)))

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        plan = self._plan
        if self._follows and last is not None:
            self._remember(last)
        while self._at < len(plan):
            at = self._at
            self._at = at + 1
            event = self._match(plan[at], enabled)
            if event is not None:
                self.used.append(at)
                self._place = plan[at].place
                return event
            self.absent.append(at)
        return None

    def draw(self, kind: str, bound: int) -> int:
        return 0

    def same(self) -> tuple[Match, ...]:
        """The watched ways by which the run would have been the same."""
        return tuple([match for match in self._watch if match not in self.apart])

    def _remember(self, step: Step) -> None:
        """What the event that matched last sent in this replay."""
        sent, place = self._sent, self._place
        for receiver, nth, event in sends(step):
            sent[place, receiver, nth] = event

    def _match(self, want: Wanted, enabled: Sequence[Event]) -> Event | None:
        choice = want.choice
        if isinstance(choice, External):
            return self._outside(choice)
        if choice[0] == TIMER:
            return _timer(choice, enabled)
        return self._delivery(want, choice)

    def _outside(self, external: External) -> Event | None:
        event = self._world.offer((external,))[0]
        if self._world.allowed(event):
            return event
        self._world.withdraw(event)
        return None

    def _delivery(self, want: Wanted, choice: Event) -> Event | None:
        event = self._message(want, choice, want.match)
        for match in self._watch:
            if match is want.match or match in self.apart:
                continue
            if self._message(want, choice, match) != event:
                self.apart.append(match)
        return event

    def _message(self, want: Wanted, choice: Event, match: Match) -> Event | None:
        world, _, dst, src = self._world, *choice[:3]
        if match is Match.CAUSE and want.source:
            place, nth = want.source
            sent = self._sent.get((place, dst, nth))
            in_flight = sent is not None and sent in world.in_flight(dst, src)
            if sent is not None and in_flight and world.label(sent) == want.label:
                return sent if world.allowed(sent) else None
        if match is Match.EXACT:  # by type too: records of two types may be equal
            found = self._alike.oldest(dst, src, (want.label, want.content))
            return found or self._masked(want, dst, src)
        if match is Match.OLDEST:
            return self._typed.oldest(dst, src, want.label)
        return self._typed.newest(dst, src, want.label)

    def _masked(self, want: Wanted, dst: int, src: int) -> Event | None:
        if self._mask is None:
            return None
        world, mask = self._world, self._mask
        wanted = mask(want.label, want.content)
        for event in world.in_flight(dst, src):
            same_type = world.label(event) == want.label and world.allowed(event)
            if same_type and mask(want.label, world.fingerprint(event)) == wanted:
                return event
        return None


def _timer(choice: Event, enabled: Sequence[Event]) -> Event | None:
    """The current arming of that timer: its generation is masked, always."""
    at = bisect_left(enabled, (TIMER, choice[1], choice[2], -1))
    if at < len(enabled) and enabled[at][:3] == choice[:3]:
        return enabled[at]
    return None


def sends(step: Step) -> Iterator[tuple[int, int, Event]]:
    """(receiver, which of the messages to it, from 0, event) for each message that a step sent."""
    counts: dict[int, int] = {}
    for event in step.sent:
        nth = counts.get(event[1], 0)
        counts[event[1]] = nth + 1
        yield event[1], nth, event


class Planner:
    """An Observer that writes down a run as a plan.

    rows: per event its name, choice, label, content and source, as in `Wanted`, which most runs never
    need to become; written: those that did.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.rows: list[Row] = []
        self._made: Made = {}
        self.written: list[Wanted] = []

    @property
    def plan(self) -> list[Wanted]:
        """The run so far."""
        done = self.written
        for place in range(len(done), len(self.rows)):
            name, choice, label, content, source = self.rows[place]
            done.append(Wanted(name, choice, label, content, Match.EXACT, place, source))
        return done

    @property
    def causes(self) -> list[int]:
        """For each event the position of the one during which it was sent or armed.

        -1 for externals and what existed at the start.
        """
        return [row[4][0] if row[4] else -1 for row in self.rows]

    def made(self) -> Made:
        """What is pending, for `resume`."""
        return dict(self._made)

    def resume(self, other: Planner, done: int, made: Made) -> None:
        """Go on from another run's first events."""
        self.rows[:], self.written[:] = other.rows[:done], other.written[:done]
        self._made = dict(made)

    def began(self, boot: Step) -> None:
        self.rows.clear()
        self.written.clear()
        self._made.clear()
        self._note(-1, boot)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        world = self._world
        if event[0] >= FIRST_EXTERNAL:
            external = world.external(event)
            self.rows.append((external.id, external, external.label, None, ()))
            return
        content = world.fingerprint(event) if event[0] == DELIVER else None
        self.rows.append(("", event, world.label(event), content, self._made.pop(event, ())))

    def after(self, step: Step) -> None:
        self._note(len(self.rows) - 1, step)

    def _note(self, here: int, step: Step) -> None:
        made = self._made
        if step.sent:
            for _, nth, event in sends(step):
                made[event] = here, nth
        for event in step.armed:
            made[event] = (here,)

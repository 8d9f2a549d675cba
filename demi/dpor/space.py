"""The space: a world, driven forward event by event and back to any earlier point of the current run.

The one insight: a search is depth-first, so all it asks of a system is "one step further" and "back to
that ancestor"; checkpoints answer the second where the world has them, running the beginning again does
otherwise, and no algorithm can tell.

Every step is watched here once for all algorithms: its footprint, what it disabled, what it violated.
Not here: choosing (the algorithms).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demi.dpor.bounds import STEPS_MAX, Bounds, Gate
from demi.dpor.history import History
from demi.dpor.relation import Foot, NeedWider, Relation
from demi.errors import DivergenceError, UsageError
from demi.events import Event, External, Kind, Nudge, Program, Wait
from demi.interpose.world import Step
from demi.oracle import CRASH, View, Violation, check_all, check_start, memories
from demi.scheduler.execute import USUAL_CAUSES, Subject
from demi.scheduler.record import Taken

FIRST_FAULT = int(Kind.START)
DELIVER, INJECT = int(Kind.DELIVER), int(Kind.INJECT)


@dataclass(frozen=True, slots=True)
class Setup:
    """What to explore: see `explore.explore`."""

    subject: Subject
    program: Program
    bounds: Bounds
    prefix: tuple[Taken, ...] = ()
    seed: int = 0
    watched: bool = False
    use_hook: bool = True


class Space:
    """The current run.  depth: steps taken since the initial state.

    begun: what was taken of the prefix.  step: the last one.  violation: what it broke, or what is
    broken in the initial state.  view: of the run.  sent: what each of its steps sent.
    """

    def __init__(self, setup: Setup, tails: bool = False) -> None:
        subject = setup.subject
        self.setup = setup
        self.world = world = subject.world
        self.externals = tuple(setup.program.externals())
        for item in setup.program.items:
            if isinstance(item, Nudge):
                raise UsageError(
                    "a program with a nudge cannot be explored",
                    remedy="exploration tries every order; leave the nudge out",
                )
        self.ignored_waits = any(isinstance(item, Wait) for item in setup.program.items)
        self.gate = Gate(setup.bounds, len(world.names))
        self.relation = Relation(
            world,
            [*self.externals, *[one for one in setup.prefix if isinstance(one, External)]],
            hook=subject.target.commutes if setup.use_hook else None,
            budgets=setup.bounds.budgets(),
            watched=setup.watched,
            tails=tails,
        )
        self.history = History(self.relation)
        self.steps_max = STEPS_MAX if setup.bounds.steps is None else setup.bounds.steps
        self.re_executes = not world.capabilities.checkpoint
        self.view: View  # of the run that `start` begins
        self.memory = memories(subject.invariants)
        self.sent: list[list[Event]] = []
        self._fragile = (
            not self.relation.precise
            or self.relation.clocked
            or any(one.kind in (Kind.DROP, Kind.DUPLICATE) for one in self.externals)
        )
        self.broken = False
        self.violation: Violation | None = None
        self.begun = setup.prefix
        self.steps = 0
        self.re_executed = 0

    # ---- the life of a run

    def start(self) -> None:
        """Go to the initial state: reset, prefix, everything offered.

        A prefix that breaks something ends there: `violation` is then set before any step.
        """
        world, subject = self.world, self.setup.subject
        boot = world.reset(self.setup.seed)
        self.view = world.observe()
        self.memory, self.violation = check_start(subject.invariants, self.view)
        if boot.failure is not None:
            self.violation = Violation(CRASH, boot.failure.detail(), 0)
        self.broken = self.violation is not None
        self.begun = () if self.broken else self.setup.prefix
        self.gate.reset()
        for number, choice in enumerate(self.begun):
            event = world.offer((choice,))[0] if isinstance(choice, External) else choice
            if not world.allowed(event):
                raise DivergenceError(
                    f"step {number + 1} of the beginning is not enabled",
                    remedy=USUAL_CAUSES,
                )
            self._check(world.take(event), number)
            if self.broken:
                self.begun = self.setup.prefix[: number + 1]
                break
        world.offer(self.externals)
        if not len(self.history):
            self.history.boot(boot.sent)

    def enabled(self) -> list[Event]:
        """What may happen next, within the bounds; a fresh list."""
        if self.gate.active:
            return self.gate.passed(self.world.enabled())
        return list(self.world.enabled())

    def advance(self, event: Event) -> tuple[Foot, list[int]]:
        """Take an enabled event; returns what it touched and the positions that it races with."""
        world, relation, history = self.world, self.relation, self.history
        content = relation.content(event) if relation.hook else -1
        watched = relation.watched
        before = self.view.state(event[1]) if watched else None
        self.step = step = world.take(event)
        self.steps += 1
        node = event[1]
        if not relation.tails:
            for sent in step.sent:
                if sent[2] != node and sent[0] == DELIVER and relation.precise:
                    raise NeedWider
        changed = watched and self.view.state(node) != before
        foot = relation.foot(event, step, content, changed)
        races = history.append(event, foot, step)
        self.sent.append(step.sent)
        if self.gate.active:
            self.gate.took(event)
        self.violation = None
        if not self.broken:
            self._check(step, len(self.begun) + len(history) - 1)
        return foot, races

    def take(self, event: Event, at: int) -> None:
        """Take an enabled event, without history: for searches over states.  at: its position."""
        step = self.world.take(event)
        self.steps += 1
        if self.gate.active:
            self.gate.took(event)
        self.violation = None
        if not self.broken:
            self._check(step, at)

    def _check(self, step: Step, at: int) -> None:
        if step.failure is not None:
            self.violation = Violation(CRASH, step.failure.detail(), at)
        elif self.setup.subject.invariants:
            self.violation = check_all(self.setup.subject.invariants, self.view, self.memory, at)
        self.broken = self.violation is not None

    def disabled(self, before: Sequence[Event], after: Sequence[Event]) -> list[Event]:
        """Events that the last step took away without running them: races that leave no trace."""
        step = self.step
        event = step.event
        if not (
            step.cancelled
            or step.failure is not None
            or step.lost
            or self.gate.active
            or (event[0] >= FIRST_FAULT and event[0] != INJECT)
            or self._fragile
        ):
            return []
        left = set(after)
        return [one for one in before if one not in left and one != event]

    def held(self, above: Sequence[Event]) -> list[tuple[int, Event]]:
        """What the last step made possible but for a used-up total, with the step that used it up.

        Called after `enabled`.  above: what was enabled before the step (then the step disabled it).
        The two compete for the budget: a race that leaves no trace.
        """
        if not self.gate.active or not self.gate.held:
            return []
        events, born = self.history.events, self.history.born
        newest = len(events) - 1
        found = []
        for event in self.gate.held:
            if event in above or born.get(event, -1) != newest:
                continue
            users = [at for at, other in enumerate(events) if other[0] == event[0]]
            if users and users[-1] != newest and not self.history.past[newest] >> users[-1] & 1:
                found.append((users[-1], event))
        return found

    # ---- going back

    def save(self) -> object:
        """A mark of where the run is, to come back to."""
        kept = None if self.re_executes else self.world.checkpoint()
        gate = self.gate.save() if self.gate.active else None
        return kept, tuple(self.memory), gate, self.broken

    def load(self, saved: Any, depth: int) -> None:
        """Back to a mark at which `depth` steps had been taken; history is already cut to them."""
        kept, memory, gate, self.broken = saved
        del self.sent[depth:]
        if kept is not None:
            self.world.restore(kept)
        else:
            self._again(depth)
        self.memory[:] = memory
        if gate is not None:
            self.gate.load(gate)

    def forget(self) -> None:
        """The history was emptied; start afresh."""
        self.sent.clear()

    def load_path(self, saved: Any, path: Sequence[Event]) -> None:
        """Back to a mark that `path` leads to (needed where the world has no checkpoints)."""
        kept, memory, gate, self.broken = saved
        if kept is not None:
            self.world.restore(kept)
        else:
            broken = self.broken
            self.start()
            self.broken = broken
            for event in path:
                self.world.take(event)
        self.memory[:] = memory
        if gate is not None:
            self.gate.load(gate)

    def _again(self, depth: int) -> None:
        broken = self.broken
        self.start()
        self.broken = broken
        for position, event in enumerate(self.history.events[:depth]):
            self.re_executed += 1
            self.repeat(position, event)

    def repeat(self, position: int, event: Event) -> Step:
        """Take the event of a position once more.  Raises DivergenceError when it differs."""
        if not self.world.allowed(event):
            raise diverged(self, position, "it is not enabled the second time")
        step = self.world.take(event)
        if step.sent != self.sent[position]:
            told = f"it sent {len(self.sent[position])} messages, then {len(step.sent)}, elsewhere"
            raise diverged(self, position, told)
        return step

    def choices(self) -> tuple[Taken, ...]:
        """The current run as a schedule for `scheduler.execute.record`."""
        world = self.world
        return self.begun + tuple(
            [world.external(e) if e[0] >= FIRST_FAULT else e for e in self.history.events]
        )


def diverged(space: Space, position: int, how: str) -> DivergenceError:
    return DivergenceError(
        f"the target does not repeat: {how}",
        where=f"step {position + 1} of an execution of {space.setup.subject.target.name}",
        remedy=USUAL_CAUSES,
    )

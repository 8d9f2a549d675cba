"""The upper rungs of the oracle, for candidates that a lenient replay gives up.

The one insight: a candidate says what must happen, not that nothing else may; first a few messages that it
does not ask for are let through where it waits for one (DEMi's peek, NSDI'16, section 4), then the orders
of all that can follow its beginning are searched.

Each rung has a budget for each candidate and counts what it accepted.  What it runs counts as replays.
The search is given by the caller, so that no engine imports another.  Not here: lenient replay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from demi.events import Event, External, Program
from demi.interpose.world import Step
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run
from demi.minimizer.search import rerun
from demi.scheduler.execute import Choices, Subject, execute
from demi.scheduler.record import Taken
from demi.scheduler.sts import DELIVER, Lenient, Wanted

PEEK = 10  # messages let through while one is waited for, as in DEMi
NOBODY = -2  # the place of what no candidate asks for
EXECUTIONS = 20  # of a search around one candidate


class Rung(Protocol):
    """One more way to ask whether a candidate fails.  name: as it is told."""

    @property
    def name(self) -> str: ...

    def ask(self, problem: Problem, plan: Plan) -> Run | None:
        """A failing run of the plan, or None.  Raises BudgetSpent."""


# ---- unexpected deliveries


class Peeking(Lenient):
    """Where a message is absent, up to `PEEK` others are delivered if that makes it appear."""

    _queue: Sequence[Event] = ()
    _awaited = -1  # place of the event for which others are let through

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if not self._queue:
            event = super().choose(enabled, last)
            if self._queue:
                self._awaited, self._place = self._place, NOBODY
            return event
        if last is not None:
            self._remember(last)
        event, *self._queue = self._queue
        self._place = NOBODY if self._queue else self._awaited
        return event

    def _match(self, want: Wanted, enabled: Sequence[Event]) -> Event | None:
        event = super()._match(want, enabled)
        if event is not None or want.external is not None or want.is_timer:
            return event
        choice = want.choice
        assert not isinstance(choice, External)
        return self._peek(want, choice)

    def _peek(self, want: Wanted, choice: Event) -> Event | None:
        """Look ahead and come back; the way is then taken step by step."""
        world, way = self._world, list[Event]()
        here = world.checkpoint()
        found: Event | None = None
        while found is None and len(way) < PEEK:
            event = next((e for e in world.enabled() if e[0] == DELIVER), None)
            if event is None:
                break
            if world.take(event).failure is not None:
                break
            way.append(event)
            found = self._delivery(want, choice)
        world.restore(here)
        self._look_again()
        if found is None:
            return None
        self._queue = [*way[1:], found]
        return way[0]


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Lenient replay with some deliveries that the candidate does not ask for."""

    name: str = "unexpected"

    def ask(self, problem: Problem, plan: Plan) -> Run | None:
        able = problem.subject.world.capabilities
        if not (able.exact and able.checkpoint):
            return None
        return problem.attempt(Peeking(plan, problem.subject.target.mask)).run


# ---- a search around the candidate


@dataclass(frozen=True, slots=True)
class Around:
    """What to search: every order of what can follow `prefix` with these externals still to come.

    steps: after the prefix, in the longest run of interest.  executions: at most so many.
    """

    subject: Subject
    program: Program
    prefix: tuple[Taken, ...]
    steps: int
    executions: int
    seed: int


Searcher = Callable[[Around], tuple[Sequence[Taken] | None, int]]
"""(the schedule of a violating run or None, executions made)."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A bounded search that begins with what the candidate could do before something was absent."""

    search: Searcher
    executions: int = EXECUTIONS
    name: str = "search"

    def ask(self, problem: Problem, plan: Plan) -> Run | None:
        strategy = Lenient(plan, problem.subject.target.mask)
        choices = Choices(problem.subject.world)
        execute(problem.subject, strategy, problem.seed, observer=choices)
        first = strategy.absent[0] if strategy.absent else len(plan)
        prefix = choices.taken[: sum(1 for at in strategy.used if at < first)]
        known = {choice.id for choice in prefix if isinstance(choice, External)}
        rest = [want.external for want in plan if want.external is not None]
        program = Program(tuple(external for external in rest if external.id not in known))
        problem.spend(1)
        steps = len(problem.best.plan) - 1 - len(prefix)
        if steps <= 0:
            return None
        found, spent = self.search(
            Around(problem.subject, program, tuple(prefix), steps, self.executions, problem.seed)
        )
        run = None if found is None else rerun(problem, list(found))
        problem.spend(spent)
        return run

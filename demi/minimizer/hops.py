"""Hops: shrink again from runs in the neighbourhood of the best, to leave a local minimum.

The one insight: what deletion cannot shorten is often a longer way to the same end; a run that follows the
best with some noise (events left out, other events of the same classes put in) fails often enough, and
shrunk again it ends in another local minimum, sometimes a smaller one.

Basin hopping with a fixed stream of draws: a hop that ends no larger becomes where the next one starts,
and one that deletion leaves much longer than that is given up at once.
Only classes of events (kind, link, type) that the start holds are put in, so no new input is invented.
Not here: proofs (`search.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demi.events import Event, Kind
from demi.interpose.world import Step, World
from demi.minimizer.problem import Problem, whole
from demi.minimizer.runs import Plan, Run
from demi.minimizer.wildcards import by_cause
from demi.scheduler.strategy import Draws
from demi.scheduler.sts import Lenient

Class = tuple[int, int, int, str]
Shrink = Callable[[Problem, Run, int], Run]
"""Shrink a run; may give up as soon as a pass leaves more events than that."""
DELIVER, TIMER = int(Kind.DELIVER), int(Kind.TIMER)

PURPOSE = 3  # the stream of draws
LENGTH_MAX = 120  # longer runs are far from any minimum: deletion pays better
HOPS = 40
STALE = 20  # hops in a row that gain nothing end the pass
MARGIN = 3  # events more than where the hop began: more hope than that is not worth its replays
REPLAYS_MAX = 3_000  # of a whole minimization, after which no hop begins
PATIENCE = 1.5  # times the replays that led to the best run, likewise
WALKS = 30  # noisy runs per hop, until one fails
NOISE = ((0.15, 0.1), (0.05, 0.25), (0.3, 0.05))  # (put in, left out) per event, in turn
CALM = (0.03, 0.05)  # where all of those pass
CALM_WALKS = 5


def class_of(world: World, event: Event) -> Class:
    """Kind, node, peer or timer, type."""
    return event[0], event[1], event[2], world.label(event)


class Noisy(Lenient):
    """Follow a plan, leaving events out and putting others of known classes in, at random."""

    name = "noisy"

    def __init__(
        self, plan: Plan, known: frozenset[Class], draws: Draws, more: float, less: float, most: int
    ) -> None:
        super().__init__(by_cause(plan))
        self._known = known
        self._draws = draws
        self._more, self._less, self._most = more, less, most

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if self._most <= 0:
            return None
        self._most -= 1
        unit = self._draws.unit
        if last is not None:
            self._remember(last)
        if unit() < self._more:
            others = offers(self._world, enabled, self._known)
            if others:
                self._place = -2  # what it sends is nobody's: no plan asks for it by cause
                return others[self._draws.below(len(others))]
        while self._at < len(self._plan):
            at = self._at
            self._at += 1
            want = self._plan[at]
            if want.external is None and unit() < self._less:
                continue
            event = self._match(want, enabled)
            if event is not None:
                self._place = want.place
                return event
        return None


def offers(world: World, enabled: Sequence[Event], known: frozenset[Class]) -> list[Event]:
    """Internal events of known classes that may happen now, those behind a channel's head included."""
    found = [e for e in enabled if e[0] == TIMER and class_of(world, e) in known]
    for dst, src in world.channels():
        for event in world.in_flight(dst, src):
            if class_of(world, event) in known and world.allowed(event):
                found.append(event)
    return found


def hop(problem: Problem, run: Run, shrink: Shrink) -> Run:
    """The smallest run met; raises BudgetSpent of the problem."""
    if len(run.plan) > LENGTH_MAX:
        return run
    draws = problem.notes.setdefault("draws", Draws(problem.seed, PURPOSE))
    here = best = run
    stale = 0
    for number in range(HOPS):
        if stale >= STALE or problem.replays >= min(REPLAYS_MAX, PATIENCE * problem.reached):
            break
        stale += 1
        other = _other(problem, here, draws, number)
        if other is None:
            continue
        other = shrink(problem, other, len(here.plan) + MARGIN)
        if other.size <= here.size:
            here = other
        if other.size < best.size:
            best, stale = other, 0
    return best


def _other(problem: Problem, run: Run, draws: Draws, number: int) -> Run | None:
    """A failing run near `run`, or None."""
    known = frozenset(
        (want.choice[0], want.choice[1], want.choice[2], want.label)
        for want in run.plan
        if isinstance(want.choice, tuple)
    )
    choices = [want.choice for want in run.plan]
    noises = [NOISE[number % len(NOISE)]] * WALKS + [CALM] * CALM_WALKS
    for more, less in noises:
        strategy = Noisy(run.plan, known, draws, more, less, len(run.plan) * 3 // 2)
        found = problem.attempt(strategy).run
        if found is None or [want.choice for want in found.plan] == choices:
            continue
        if whole(problem, found.plan):
            return found
    return None

"""DEMi's TFB column: STSSched, then type fingerprints with clusters of equal logical clocks.

Rebuilt from the description (NSDI'16, section 4.3 and its supplement).  Every kept delivery that is not
external asks for its type on its link.  The clock of a message is its field `term`.  For the empty cluster
and then for each clock value, ascending: without the messages of that clock, and without nothing or one
more of the timers that move the clock; what fails is kept at once and what was absent leaves with it.

Their ten stages, with the one that does nothing left out: STSSched's two; ddmin over externals whose test
is whether the wildcards fail without nothing or one timer, oldest and newest match; the clusters, oldest
and newest match; the clusters, then that ddmin, with the search over other matches; the channel tails
again.  As there, ddmin over externals is left out where only those are left that begin every run.

One difference: the search had 4 hours a stage, here REPLAYS runs, shared out among its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from demi.events import External
from demi.minimizer.external_ddmin import Positions, atoms
from demi.minimizer.other_matches import search_matches
from demi.minimizer.pipelines.demi_sts import channel_tails, halved, halves
from demi.minimizer.pipelines.pipeline import Pass, Pipeline
from demi.minimizer.problem import Problem, by_content
from demi.minimizer.provenance import provenance
from demi.minimizer.runs import Plan, Run
from demi.scheduler.sts import Match, Wanted

CLOCK = "term"
CLOCK_TIMERS = ("election",)  # those that begin a new term: DEMi was told so too
REPLAYS = 2_000  # of a stage that searches: theirs had some 200,000 schedules in its 4 hours
Ask = Callable[[Problem, Plan], Run | None]
"""A failing run of a plan of wildcards, if one is found."""


def clock_of(want: Wanted) -> Any:
    """The logical clock of a delivery, or None."""
    content = want.content
    clock = content.get(CLOCK) if isinstance(content, dict) else getattr(content, CLOCK, None)
    return clock if isinstance(clock, int) else None


def one_replay(match: Match) -> Callable[[Run], Ask]:
    """One lenient replay with an ambiguity strategy: oldest, or newest (LastOnly)."""

    def asking(run: Run) -> Ask:
        known: dict[int, tuple[Wanted, Wanted]] = {}  # by identity: most plans share their events

        def ask(problem: Problem, plan: Plan) -> Run | None:
            for want in plan:
                if id(want) not in known:
                    known[id(want)] = want, _matched(want, match)
            return problem.test([known[id(want)][1] for want in plan])

        return ask

    return asking


def searching(run: Run) -> Ask:
    """A search over matches for each plan, with its share of the replays of a stage."""
    steps = len(_timers(run.plan)) + len(_clocks(run)) + len(atoms(run))
    share = max(1, REPLAYS // max(1, steps))

    def ask(problem: Problem, plan: Plan) -> Run | None:
        return search_matches(problem, tuple(_matched(w, Match.OLDEST) for w in plan), share)

    return ask


def _matched(want: Wanted, match: Match) -> Wanted:
    return want if want.external is not None else replace(want, match=match)


def _timers(plan: Sequence[Wanted]) -> list[int]:
    """Positions of the timers that move the clock; of all, where no timer is known to."""
    every = [at for at, want in enumerate(plan) if want.is_timer]
    return [at for at in every if plan[at].label in CLOCK_TIMERS] or every


def _clocks(run: Run) -> list[int]:
    return sorted({clock for clock in map(clock_of, run.plan) if clock is not None})


# ---- the clusters of equal clocks


def clusters(asking: Callable[[Run], Ask]) -> Pass:
    """The pass with one way of asking."""

    def remove(problem: Problem, run: Run) -> Run:
        ask = asking(run)
        current: int | None = None  # the empty cluster
        while True:
            run = _cluster(problem, run, current, ask)
            later = [clock for clock in _clocks(run) if current is None or clock > current]
            if not later:
                return run
            current = later[0]

    return remove


def _cluster(problem: Problem, run: Run, clock: int | None, ask: Ask) -> Run:
    """Without one clock, and without nothing or one timer.  All timers for the empty cluster only."""
    rest, timers = _rest(run, clock)
    found = _better(problem, run, rest, ask)
    if found is not None:
        if clock is not None:
            return found
        run = found
        rest, timers = _rest(run, clock)
    at = 0
    while at < len(timers):
        found = _better(problem, run, [i for i in rest if i != timers[at]], ask)
        if found is None:
            at += 1
        elif clock is not None:
            return found
        else:
            run = found
            rest, timers = _rest(run, clock)
    return run


def _rest(run: Run, clock: int | None) -> tuple[list[int], list[int]]:
    """Positions of what does not have this clock, and of timers to leave out."""
    rest = [at for at, want in enumerate(run.plan) if clock is None or clock_of(want) != clock]
    return rest, _timers(run.plan)


def _better(problem: Problem, run: Run, kept: Sequence[int], ask: Ask) -> Run | None:
    found = ask(problem, tuple(run.plan[at] for at in kept))
    return found if found is not None and found.size < run.size else None


# ---- ddmin over externals with the wildcards as its test


def wildcard_ddmin(asking: Callable[[Run], Ask]) -> Pass:
    """ddmin of 1999; a subset fails when its wildcards do, without nothing or without some one timer."""

    def reduce(problem: Problem, run: Run) -> Run:
        if not _drawn(problem, run):
            return run
        fails = _Wildcards(problem, run, asking(run))
        halved(atoms(run), fails)
        return fails.best

    return reduce


class _Wildcards:
    """The test.  best: the smallest failing run met."""

    def __init__(self, problem: Problem, run: Run, ask: Ask) -> None:
        self._problem, self._run, self._ask = problem, run, ask
        self.best = run

    def __call__(self, kept: Sequence[Positions]) -> bool:
        wanted = {at for group in kept for at in group}
        plan = [
            want for at, want in enumerate(self._run.plan) if want.external is None or at in wanted
        ]
        for without in (None, *_timers(plan)):
            found = self._ask(
                self._problem, tuple(want for at, want in enumerate(plan) if at != without)
            )
            if found is not None:
                if found.size < self.best.size:
                    self.best = found
                return True
        return False


def _drawn(problem: Problem, run: Run) -> bool:
    """Is an input left that does not stand at the beginning of every run?"""
    subject = problem.subject
    first = {
        (item.nodes, item.label)
        for item in subject.target.profile(subject.config).prefix
        if isinstance(item, External)
    }
    left = [want.external for want in run.plan if want.external is not None]
    return any((external.nodes, external.label) not in first for external in left)


DEMI_TFB = Pipeline(
    "DEMi's TFB: STSSched, wildcards with clusters of equal terms, a search over their matches",
    once={
        "provenance": provenance,
        "externals": halves,
        "tails": channel_tails,
        "externals, oldest": wildcard_ddmin(one_replay(Match.OLDEST)),
        "externals, newest": wildcard_ddmin(one_replay(Match.NEWEST)),
        "oldest": clusters(one_replay(Match.OLDEST)),
        "newest": clusters(one_replay(Match.NEWEST)),
        "searched": clusters(searching),
        "externals, searched": wildcard_ddmin(searching),
        "tails again": channel_tails,
    },
    oracle=by_content,
)

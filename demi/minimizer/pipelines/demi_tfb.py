"""DEMi's TFB column: STSSched, then type fingerprints with clusters of equal logical clocks.

Rebuilt from the description (NSDI'16, section 4.3 and its supplement).  Every kept delivery that is not
external asks for its type on its link.  The clock of a message is its field `term`, or what a target's
mask hides would be: here the user-declared clock is that field.  For the empty cluster and then for each
clock value, ascending: without the messages of that clock, and without nothing or one timer more; what
fails is kept at once and what was absent leaves with it.

Order of stages: oldest match, newest match; then the channel tails again.  Left out: the stages that
search other matches with a DPOR of their own (4 hours each in the paper), and ddmin over externals with
the wildcard minimizer as its test.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from demi.minimizer.pipelines.demi_sts import channel_tails, halves
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Plan, Problem, Run, by_content
from demi.minimizer.provenance import provenance
from demi.scheduler.sts import Match, Wanted

CLOCK = "term"


def clock_of(want: Wanted) -> Any:
    """The logical clock of a delivery, or None."""
    content = want.content
    clock = content.get(CLOCK) if isinstance(content, dict) else getattr(content, CLOCK, None)
    return clock if isinstance(clock, int) else None


def clusters(match: Match) -> Any:
    """The pass with one ambiguity strategy: oldest, or newest (LastOnly)."""

    def remove(problem: Problem, run: Run) -> Run:
        current: int | None = None  # the empty cluster
        while True:
            run = _cluster(problem, run, current, match)
            clocks = sorted({c for c in map(clock_of, run.plan) if c is not None})
            later = [c for c in clocks if current is None or c > current]
            if not later:
                return run
            current = later[0]

    return remove


def _cluster(problem: Problem, run: Run, clock: int | None, match: Match) -> Run:
    """Without one clock, and without nothing or one timer.  All timers for the empty cluster only."""
    base = [at for at, want in enumerate(run.plan) if clock is None or clock_of(want) != clock]
    found = _better(problem, run, base, match)
    if found is not None:
        run = found
        if clock is not None:
            return run
    at = 0
    while True:
        timers = [i for i, want in enumerate(run.plan) if want.is_timer]
        if at >= len(timers):
            return run
        kept = [
            i
            for i, want in enumerate(run.plan)
            if i != timers[at] and (clock is None or clock_of(want) != clock)
        ]
        found = _better(problem, run, kept, match)
        if found is None:
            at += 1
        else:
            run = found
            if clock is not None:
                return run


def _better(problem: Problem, run: Run, kept: list[int], match: Match) -> Run | None:
    plan: Plan = tuple(
        want if want.external is not None else replace(want, match=match)
        for want in (run.plan[at] for at in kept)
    )
    found = problem.test(plan)
    return found if found is not None and found.size < run.size else None


DEMI_TFB = Pipeline(
    "DEMi's TFB: STSSched, then wildcards with clusters of equal terms, then STSSched's tails",
    once={
        "provenance": provenance,
        "externals": halves,
        "tails": channel_tails,
        "oldest": clusters(Match.OLDEST),
        "newest": clusters(Match.NEWEST),
        "tails again": channel_tails,
    },
    oracle=by_content,
)

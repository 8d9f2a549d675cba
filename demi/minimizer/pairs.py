"""Pairs: remove two internal events at once, when the run is small enough to try them all.

The one insight: a request and its answer, or a timer and the vote it caused elsewhere, are each needed
only because of the other, so a run can be 1-minimal and still hold a removable pair.

n (n - 1) / 2 replays of n events each: under a second for 60 events.
"""

from __future__ import annotations

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Plan, Problem, Run

EVENTS_MAX = 80  # 3,160 pairs at most, about a second of replays


def remove_pairs(problem: Problem, run: Run) -> Run:
    """One sweep over all pairs from the end; after a success it goes on with what is left."""
    if len(run.plan) > EVENTS_MAX:
        return run
    second = len(run.plan) - 1
    while second > 0:
        first = second - 1
        while first >= 0 and second < len(run.plan):
            found = _smaller(problem, run, first, second)
            if found is None:
                first -= 1
            else:
                run = found
        second = min(second, len(run.plan)) - 1
    return run


def _smaller(problem: Problem, run: Run, first: int, second: int) -> Run | None:
    if run.plan[first].external is not None or run.plan[second].external is not None:
        return None
    plan: Plan = run.plan[:first] + run.plan[first + 1 : second] + run.plan[second + 1 :]
    return smaller(problem, run, plan)

"""Inputs later: move each external to the latest place where the run still fails.

The one insight: a random run is asked early for what it needs late, and then everything that keeps the
early answer alive cannot be deleted; moved next to where it matters, it lets go of all that.

Only over events of other inputs' nodes and its own internal ones: externals of one node, and of one atomic
group, keep their order.  The run has no more events than before; what has become useless leaves by the
passes that follow.
"""

from __future__ import annotations

from demi.minimizer.problem import Problem
from demi.minimizer.races import homes_of
from demi.minimizer.rounds import in_rounds
from demi.minimizer.runs import Run
from demi.minimizer.wildcards import by_cause

LENGTH_MAX = 150  # longer runs are still being cut
ROUNDS_MAX = 4  # an input may go on when another has made way


def postpone(problem: Problem, run: Run) -> Run:
    """Each external, the last first, until none moves."""
    if len(run.plan) > LENGTH_MAX:
        return run
    return in_rounds(problem, run, _each, ROUNDS_MAX)


def _each(problem: Problem, run: Run) -> Run:
    left = sum(1 for want in run.plan if want.external is not None)
    while left > 0:
        left -= 1
        outside = [at for at, want in enumerate(run.plan) if want.external is not None]
        if left < len(outside):
            run = _later(problem, run, outside[left])
    return run


def _later(problem: Problem, run: Run, at: int) -> Run:
    plan = run.plan
    homes = homes_of(problem.subject.world.names, plan)
    places = []
    for to in range(at + 1, len(plan)):
        if homes[to] == homes[at]:
            places.append(to)
        if _ordered(run, homes, at, to):
            break
    for to in reversed(places):
        moved = (*plan[:at], *plan[at + 1 : to], plan[at], *plan[to:])
        found = problem.test(by_cause(moved)) if to > at + 1 else None
        if found is not None and found.size <= run.size:
            return found
    return run


def _ordered(run: Run, homes: list[str], at: int, to: int) -> bool:
    """Two externals that keep their order."""
    first, second = run.plan[at].external, run.plan[to].external
    if first is None or second is None:
        return False
    return homes[at] == homes[to] or bool(first.group and first.group == second.group)

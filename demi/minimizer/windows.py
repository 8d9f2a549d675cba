"""Windows: drop everything between two moments of the run, so that a later story starts earlier.

The one insight: a story starts with a timer, an input, or a message that no other event of the run sent;
so of all windows only those are tried that end where one starts, and a short run has few.

With what the outside did in the window, and without.  Small windows are asked for before, because their
failures mostly answer for the large ones (`between.py`).  Not here: windows that leave part of themselves
(`chunks.py` removes single events, `clusters.py` trees).
"""

from __future__ import annotations

from collections.abc import Iterator

from demi.minimizer.ladder import foresee, smaller
from demi.minimizer.problem import Problem, whole
from demi.minimizer.runs import Plan, Run

LENGTH_MAX = 150  # longer runs have too many


def remove_windows(problem: Problem, run: Run) -> Run:
    """Until no window can go: the largest from the first event on, then from the second, ..."""
    if len(run.plan) > LENGTH_MAX:
        return run
    at = 0
    while at < len(run.plan):
        plans = list(_plans(problem, run, at))
        foresee(problem, plans)
        for plan in plans:
            found = smaller(problem, run, plan, 1)
            if found is not None:
                run = found
                break
        else:
            at += 1
    return run


def _plans(problem: Problem, run: Run, at: int) -> Iterator[Plan]:
    """The windows that begin at an event, the largest first."""
    plan = run.plan
    for end in reversed(range(at + 2, len(plan))):
        if not starts(run, end):
            continue
        inside = tuple(want for want in plan[at:end] if want.external is not None)
        if inside and whole(problem, (*plan[:at], *plan[end:])):
            yield (*plan[:at], *plan[end:])
        if len(inside) < end - at:
            yield (*plan[:at], *inside, *plan[end:])


def starts(run: Run, at: int) -> bool:
    """Does a story start there?"""
    return run.plan[at].is_timer or run.causes[at] < 0

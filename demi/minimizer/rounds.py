"""Rounds of a pass that moves events and removes none.

The one insight: such a run is as small as the best one and reads better, so it takes the best's place
without being "smaller".

Not here: what one round does (`order.py`, `postpone.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run


def in_rounds(
    problem: Problem, run: Run, one: Callable[[Problem, Run], Run], rounds_max: int
) -> Run:
    """The run after rounds of `one`, until a round moves nothing; the best is it, if as small."""
    for _ in range(rounds_max):
        before = run
        run = one(problem, run)
        if run is before:
            break
    if run.size == problem.best.size:
        problem.best = run
    return run

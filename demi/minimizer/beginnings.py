"""Beginnings: drop the first k internal events, for every k, the largest first.

The one insight: a random run wanders for long before the part that matters, and its clocks only count how
long; when what remains is matched by cause, a later start gives the same story with smaller clocks.

On long runs the sizes of what is kept grow by a factor; a run of at most DENSE internal events is tried at
every position.  Externals stay: ddmin has them.
"""

from __future__ import annotations

from demi.minimizer.chunks import without
from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem, Run

DENSE = 64
FACTOR = 1.2
SHORTEST = 8  # events kept at least, on long runs


def drop_beginnings(problem: Problem, run: Run) -> Run:
    """Until nothing can be dropped; a success goes on with what is left."""
    while True:
        count = sum(1 for want in run.plan if want.external is None)
        for kept in _sizes(count):
            found = smaller(problem, run, without(run.plan, 0, count - kept), 2)
            if found is not None:
                run = found
                break
        else:
            return run


def _sizes(count: int) -> list[int]:
    """How many internal events to keep, ascending."""
    if count <= DENSE:
        return list(range(1, count))
    sizes, kept = [], float(SHORTEST)
    while kept < count:
        sizes.append(int(kept))
        kept *= FACTOR
    return sizes

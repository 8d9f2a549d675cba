"""Beginnings: drop the first k internal events, for every k, the largest first.

The one insight: a random run wanders for long before the part that matters, and its clocks only count how
long; when what remains is matched by cause, a later start gives the same story with smaller clocks.

The sizes of what is kept grow by a factor.  Externals stay (`externals.py` has them); runs of at most
DENSE internal events are left to `windows.py`, which begins with this one.
"""

from __future__ import annotations

from demi.minimizer.chunks import without
from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run

DENSE = 64
FACTOR = 1.2
SHORTEST = 8  # events kept at least, on long runs


def drop_beginnings(problem: Problem, run: Run) -> Run:
    """Until nothing can be dropped; a success goes on with what is left.

    What failed then answers for the same share of what is left, and for less.
    """
    failed = 0.0  # of the internal events, the most that were kept in vain
    while True:
        count = sum(1 for want in run.plan if want.external is None)
        for kept in _sizes(count):
            if kept <= failed:
                continue
            found = smaller(problem, run, without(run.plan, 0, count - kept), 1)
            if found is not None:
                left = sum(1 for want in found.plan if want.external is None)
                run, failed = found, failed * left / kept
                break
            failed = kept
        else:
            return run


def _sizes(count: int) -> list[int]:
    """How many internal events to keep, ascending."""
    if count <= DENSE:
        return []
    sizes, kept = [], float(SHORTEST)
    while kept < count:
        sizes.append(int(kept))
        kept *= FACTOR
    return sizes

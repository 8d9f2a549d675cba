"""Spans: remove any interval of internal events, longest first, and above all any beginning.

The one insight: what a run did before the part that matters can often go only as a whole, because
clocks (terms, ballots) must stay *equal to each other* and not what they were; halves and single events
break the balance, the right interval keeps it.

Intervals start and end on a grid of at most `GRID` positions, so a pass costs at most GRID^2 / 2 replays
however long the run is; on short runs the grid is every event.
"""

from __future__ import annotations

from collections.abc import Iterator

from demi.minimizer.chunks import without
from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem, Run

GRID = 64


def remove_spans(problem: Problem, run: Run) -> Run:
    """One descent over all lengths; after a success it goes on with spans no longer than that one."""
    longest = len(run.plan)
    while True:
        found = _first(problem, run, longest)
        if found is None:
            return run
        run, longest = found


def _first(problem: Problem, run: Run, longest: int) -> tuple[Run, int] | None:
    count = sum(1 for want in run.plan if want.external is None)
    for start, end in spans(count):
        if end - start > longest:
            continue
        plan = without(run.plan, start, end)
        found = smaller(problem, run, plan, 2)
        if found is not None:
            return found, end - start
    return None


def spans(count: int) -> Iterator[tuple[int, int]]:
    """Intervals [start, end) of 0..count-1 on the grid, longest first, then from the beginning."""
    cells = min(GRID, count)
    bounds = [count * i // cells for i in range(cells + 1)] if cells else []
    for length in range(cells, 0, -1):
        for first in range(cells - length + 1):
            yield bounds[first], bounds[first + length]

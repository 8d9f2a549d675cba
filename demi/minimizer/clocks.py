"""Clock clusters: remove everything that belongs to some values of a logical clock (DEMi's ClockClusterizer).

The one insight: an election that leads nowhere is what carries its term; without it, later terms are
renamed (their ranks stay), and by cause the rest still finds its messages.

The target names its clock (`Target.clock(label, content)`).  An event without one belongs to the first
message with one that it caused, else to the event that caused it.  Ranges of neighbouring values are
tried, the longest first.  Externals stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem, Run

VALUES_MAX = 40  # ranges of values: 820 at most; beyond that, ranges start on a grid


def remove_clocks(problem: Problem, run: Run) -> Run:
    """Ranges of clock values until none can go."""
    longest = VALUES_MAX
    while True:
        found = _first(problem, run, longest)
        if found is None:
            return run
        run, longest = found


def _first(problem: Problem, run: Run, longest: int) -> tuple[Run, int] | None:
    clocks = clocks_of(problem, run)
    for low, high, length in _ranges(sorted({c for c in clocks if c is not None})):
        if length > longest:
            continue
        plan = tuple(
            want
            for want, clock in zip(run.plan, clocks, strict=True)
            if want.external is not None or clock is None or not low <= clock <= high
        )
        found = smaller(problem, run, plan, 2)
        if found is not None:
            return found, length
    return None


def _ranges(values: list[int]) -> Iterator[tuple[int, int, int]]:
    """(lowest, highest, how many) for runs of neighbouring values, longest first."""
    step = max(1, len(values) // VALUES_MAX)
    cells = values[::step]
    for length in range(len(cells) - 1, 0, -1):
        for first in range(len(cells) - length + 1):
            last = min(first + length, len(cells)) * step - 1
            yield cells[first], values[min(last, len(values) - 1)], length


def clocks_of(problem: Problem, run: Run) -> list[int | None]:
    """The clock value of each event of a run; None for events that belong to none."""
    read = problem.subject.target.clock
    if read is None:
        return [None] * len(run.plan)
    own = [None if w.content is None else read(w.label, w.content) for w in run.plan]
    clocks = list(own)
    for at in reversed(range(len(clocks))):  # what it caused first
        cause = run.causes[at]
        if cause >= 0 and clocks[at] is not None and own[cause] is None:
            clocks[cause] = clocks[at]
    for at, cause in enumerate(run.causes):  # what caused it
        if clocks[at] is None and cause >= 0:
            clocks[at] = clocks[cause]
    return clocks

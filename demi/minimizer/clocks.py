"""Clock clusters: remove everything that belongs to some values of a logical clock (DEMi's ClockClusterizer).

The one insight: an election that leads nowhere is what carries its term; without it, later terms are
renamed (their ranks stay), and by cause the rest still finds its messages.

The target names its clock (`Target.clock(label, content)`).  An event without one belongs to the first
message with one that it caused, else to the event that caused it; an external to the value that its node
had seen last, so that what was asked of a leader leaves with its term.  Ranges of neighbouring values are
halved like chunks, from the last to the first; of at most `DENSE` values every range is tried.
"""

from __future__ import annotations

from collections.abc import Iterator

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem, whole
from demi.minimizer.races import homes_of
from demi.minimizer.runs import Plan, Run

DENSE = 7  # values: 28 ranges
ROUNDS_MAX = 4

Clocks = list[int | None]


def remove_clocks(problem: Problem, run: Run) -> Run:
    """Ranges of clock values, in halving sizes, until a round removes none."""
    for _ in range(ROUNDS_MAX):
        before = run.size
        run = _halving(problem, run)
        if run.size == before:
            break
    return _every(problem, run)


def _halving(problem: Problem, run: Run) -> Run:
    size = max(1, len(values_of(problem, run)) // 2)
    while True:
        end = len(values_of(problem, run))
        while end > 0:
            start = max(0, end - size)
            values = values_of(problem, run)
            found = _without(problem, run, values[start], values[min(end, len(values)) - 1])
            if found is not None:
                run = found
                start = min(start, len(values_of(problem, run)))
            end = start
        if size == 1:
            return run
        size = max(1, min(size // 2, len(values_of(problem, run)) // 2))


def _every(problem: Problem, run: Run) -> Run:
    """Of few values: every range, the longest first, until none can go."""
    while len(values_of(problem, run)) <= DENSE:
        for low, high in _ranges(values_of(problem, run)):
            found = _without(problem, run, low, high)
            if found is not None:
                run = found
                break
        else:
            break
    return run


def _ranges(values: list[int]) -> Iterator[tuple[int, int]]:
    for length in range(len(values) - 1, 0, -1):
        for first in range(len(values) - length + 1):
            yield values[first], values[first + length - 1]


def _without(problem: Problem, run: Run, low: int, high: int) -> Run | None:
    """A smaller run without the values low..high, first with their externals gone too."""
    clocks = clocks_of(problem, run)
    plans: list[Plan] = []
    for inside in (True, False):
        plan = tuple(
            want
            for want, clock in zip(run.plan, clocks, strict=True)
            if clock is None or not low <= clock <= high or (want.external is not None and inside)
        )
        if len(plan) < len(run.plan) and plan not in plans and whole(problem, plan):
            plans.insert(0, plan)
    for plan in plans:
        found = smaller(problem, run, plan, 1)
        if found is not None:
            return found
    return None


def values_of(problem: Problem, run: Run) -> list[int]:
    """The clock values of a run, ascending."""
    return sorted({clock for clock in clocks_of(problem, run) if clock is not None})


def clocks_of(problem: Problem, run: Run) -> Clocks:
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
    seen: dict[str, int] = {}
    homes = homes_of(problem.subject.world.names, run.plan)
    for at, cause in enumerate(run.causes):  # what caused it
        if clocks[at] is None and cause >= 0:
            clocks[at] = clocks[cause]
        clock = clocks[at]
        if run.plan[at].external is not None:
            clocks[at] = seen.get(homes[at])
        elif clock is not None:
            seen[homes[at]] = clock
    return clocks

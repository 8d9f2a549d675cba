"""Internal-event removal in chunks before one by one, from the end of the run to its beginning.

The one insight: the prefix of a run replays exactly while its end is being cut, and half of what is
left goes in one replay or costs one replay; DEMi removed one delivery per replay (section 4.2).

Rule for the network model: a removed delivery is simply not asked for.  On a strict fifo channel what is
behind it is then absent too (the prefix rule); on a lossy one, a later message overtakes it and it is
lost (the drop-allowed rule).  Both are runs the model allows.
"""

from __future__ import annotations

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run


def remove_chunks(problem: Problem, run: Run, largest: float = 0.5) -> Run:
    """Sweep with halving chunk sizes, starting with `largest` of the internal events."""
    size = max(1, int(_internal_count(run) * largest))
    while True:
        run = sweep(problem, run, size)
        if size == 1:
            return run
        size = max(1, min(size // 2, _internal_count(run) // 2))


def sweep(problem: Problem, run: Run, size: int) -> Run:
    """One pass from the end: each chunk of `size` internal events is removed if the run still fails.

    Big chunks are matched in the way that pays best, single events in the best two.
    """
    end = _internal_count(run)
    while end > 0:
        start = max(0, end - size)
        plan = without(run.plan, start, end)
        found = smaller(problem, run, plan, 2 if size == 1 else 1)
        if found is not None:
            run = found
            end = min(start, _internal_count(run))
        else:
            end = start
    return run


def without(plan: Plan, start: int, end: int) -> Plan:
    """The plan without its internal events number start..end-1 (externals do not count)."""
    kept = []
    number = 0
    for want in plan:
        if want.external is None:
            number += 1
            if start < number <= end:
                continue
        kept.append(want)
    return tuple(kept)


def _internal_count(run: Run) -> int:
    return sum(1 for want in run.plan if want.external is None)

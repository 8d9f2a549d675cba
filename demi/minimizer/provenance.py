"""Provenance pruning: keep what happens-before the violation (DEMi, NSDI'16 section 4.3).

The one insight: an event concurrent with everything the violating nodes last did cannot have helped.
On chatty consensus traces that is a few events in a thousand; it costs one replay.
"""

from __future__ import annotations

from demi.causality import Causality, members
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run
from demi.scheduler.execute import record


def provenance(problem: Problem, run: Run) -> Run:
    """The run cut to the causal past of the last event at each node the violation names."""
    choices = [want.choice for want in run.plan]
    trace = record(problem.subject, choices, problem.seed, strategy="provenance")
    order = Causality(trace)
    wanted: set[int] = set()
    for node in run.violation.detail.nodes:
        last = max((at for at, e in enumerate(trace) if node in e.name.nodes), default=None)
        if last is not None:
            wanted |= {last, *members(order.past(last))}
    if not wanted or len(wanted) == len(run.plan):
        return run
    found = problem.test(tuple(run.plan[at] for at in sorted(wanted)))
    return found if found is not None and found.size < run.size else run

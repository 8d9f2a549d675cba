"""Simpler inputs: the same bug with inputs that say less, as the target proposes them.

The one insight: what is simpler is only known to the target (two waits in a row are one, one second may be
as good as ten), but whether it still fails is asked like everything else.

`Target.simpler(inputs)` yields candidates, each simpler by a measure that cannot fall for ever; the first
that fails is taken and its own candidates follow.  Not here: leaving inputs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from demi.errors import TargetError
from demi.events import External
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run

ROUNDS_MAX = 200


def simplify(problem: Problem, run: Run) -> Run:
    """Take simpler inputs until none of those proposed fails."""
    propose = problem.subject.target.simpler
    if propose is None:
        return run
    for _ in range(ROUNDS_MAX):
        inputs = [want.external for want in problem.best.plan if want.external is not None]
        for candidate in propose(inputs):
            if _adopted(problem, candidate):
                break
        else:
            break
    return problem.best


def _adopted(problem: Problem, inputs: Sequence[External]) -> bool:
    try:
        found = problem.test(with_inputs(problem.best.plan, inputs))
    except TargetError:
        return False
    if found is None or found.size[0] > problem.best.size[0]:
        return False
    if found is not problem.best:
        problem.better(found)
    return True


def with_inputs(plan: Plan, inputs: Sequence[External]) -> Plan:
    """The plan with these inputs in place of those of the same id; others of its inputs are left out."""
    known = {external.id: external for external in inputs}
    return tuple(
        [
            want if want.external is None else replace(want, choice=known[want.external.id])
            for want in plan
            if want.external is None or want.external.id in known
        ]
    )

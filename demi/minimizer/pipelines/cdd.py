"""Counter-based delta debugging over externals, then over deliveries and timers, by content.

The same as `ddmin` in all but the splitting, so that the two can be compared.
"""

from __future__ import annotations

from demi.minimizer.cdd import cdd
from demi.minimizer.external_ddmin import Trial, atoms
from demi.minimizer.pipelines.ddmin import InternalTrial
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem, by_content
from demi.minimizer.runs import Run


def externals(problem: Problem, run: Run) -> Run:
    """Remove externals; the smallest failing run met."""
    fails = Trial(problem, run)
    cdd(atoms(run), fails)
    return fails.best


def internals(problem: Problem, run: Run) -> Run:
    """Remove deliveries and timers; the smallest failing run met."""
    fails = InternalTrial(problem, run)
    cdd([at for at, want in enumerate(run.plan) if want.external is None], fails)
    return fails.best


CDD = Pipeline(
    "counter-based delta debugging over externals, then over deliveries and timers",
    once={"externals": externals, "internals": internals},
    oracle=by_content,
)

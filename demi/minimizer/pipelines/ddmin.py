"""Plain delta debugging: ddmin of 2002 over externals, then over deliveries and timers, by content.

What anybody would try first; it knows nothing of channels, clocks or causes.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.minimizer.ddmin import ddmin
from demi.minimizer.external_ddmin import external_ddmin
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem, by_content
from demi.minimizer.runs import Run


class InternalTrial:
    """Does the run fail with these internal events only?  best: the smallest failing run met."""

    def __init__(self, problem: Problem, run: Run) -> None:
        self._problem = problem
        self._run = run
        self.best = run

    def __call__(self, kept: Sequence[int]) -> bool:
        wanted = set(kept)
        plan = self._run.plan
        found = self._problem.test(
            [w for at, w in enumerate(plan) if w.external is not None or at in wanted]
        )
        if found is not None and found.size < self.best.size:
            self.best = found
        return found is not None


def internal_ddmin(problem: Problem, run: Run) -> Run:
    """Remove deliveries and timers; the smallest failing run met."""
    fails = InternalTrial(problem, run)
    ddmin([at for at, want in enumerate(run.plan) if want.external is None], fails)
    return fails.best


DDMIN = Pipeline(
    "plain ddmin over externals, then over deliveries and timers",
    once={"externals": external_ddmin, "internals": internal_ddmin},
    oracle=by_content,
)

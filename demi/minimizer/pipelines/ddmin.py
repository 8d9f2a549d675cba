"""Plain delta debugging: ddmin of 2002 over externals, then over deliveries and timers, by content.

What anybody would try first; it knows nothing of channels, clocks or causes.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.minimizer.ddmin import ddmin
from demi.minimizer.external_ddmin import external_ddmin
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem, Run, by_content


def internal_ddmin(problem: Problem, run: Run) -> Run:
    """Remove deliveries and timers; the smallest failing run met."""
    best = run

    def fails(kept: Sequence[int]) -> bool:
        nonlocal best
        wanted = set(kept)
        plan = [w for at, w in enumerate(run.plan) if w.external is not None or at in wanted]
        found = problem.test(plan)
        if found is not None and found.size < best.size:
            best = found
        return found is not None

    ddmin([at for at, want in enumerate(run.plan) if want.external is None], fails)
    return best


DDMIN = Pipeline(
    "plain ddmin over externals, then over deliveries and timers",
    once={"externals": external_ddmin, "internals": internal_ddmin},
    oracle=by_content,
)

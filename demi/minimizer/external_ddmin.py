"""External minimization: ddmin over what the outside did (STS, SIGCOMM'14 section 4; DEMi section 4.1).

The one insight: internal events of a removed input disappear by themselves in a lenient replay, so only
inputs need to be chosen.  Atoms are atomic groups: a crash leaves together with its restart, a cut with
its heal.

Not here: internal events.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.minimizer.ddmin import ddmin
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run

Positions = tuple[int, ...]


def atoms(run: Run) -> list[Positions]:
    """Positions of externals in the plan, one tuple per atomic group, in order of first occurrence."""
    groups: dict[str, list[int]] = {}
    for at, want in enumerate(run.plan):
        external = want.external
        if external is not None:
            groups.setdefault(external.group or external.id, []).append(at)
    return [tuple(positions) for positions in groups.values()]


class Trial:
    """Does the run fail with these groups of externals only?  best: the smallest failing run met."""

    def __init__(self, problem: Problem, run: Run) -> None:
        self._problem = problem
        self._run = run
        self.best = run

    def __call__(self, kept: Sequence[Positions]) -> bool:
        wanted = {at for group in kept for at in group}
        plan = self._run.plan
        found = self._problem.test(
            [w for at, w in enumerate(plan) if w.external is None or at in wanted]
        )
        if found is not None and found.size < self.best.size:
            self.best = found
        return found is not None


def external_ddmin(problem: Problem, run: Run) -> Run:
    """Remove externals; the smallest failing run met."""
    fails = Trial(problem, run)
    ddmin(atoms(run), fails)
    return fails.best

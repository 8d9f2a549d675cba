"""Externals: leave out atomic groups of inputs and faults, in chunks, matched in the way that pays best.

The one insight: internal events of a removed input disappear by themselves in a lenient replay (STS,
SIGCOMM'14 section 4), and without an input later messages have other contents; so the candidate is
matched by cause like any other, and the next one starts from what this one really ran.

Chunks halve from the last group to the first, as for internal events.  After ddmin (Zeller and
Hildebrandt, TSE 2002), without its complements.  Not here: internal events; ddmin itself
(`external_ddmin.py`, which the baselines use).
"""

from __future__ import annotations

from demi.minimizer.external_ddmin import atoms
from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run


def remove_externals(problem: Problem, run: Run) -> Run:
    """Until no single group can go."""
    size = max(1, len(atoms(run)))
    while True:
        before = run.size
        run = _sweep(problem, run, size)
        if size == 1 and run.size == before:
            return run
        size = max(1, min(size // 2, len(atoms(run)) // 2))


def _sweep(problem: Problem, run: Run, size: int) -> Run:
    """Each chunk of `size` groups, from the end; single groups are matched in the best two ways."""
    end = len(atoms(run))
    while end > 0:
        start = max(0, end - size)
        gone = {at for group in atoms(run)[start:end] for at in group}
        plan = tuple(want for at, want in enumerate(run.plan) if at not in gone)
        found = smaller(problem, run, plan, 2 if size == 1 else 1)
        if found is not None:
            run = found
        end = min(start, len(atoms(run)))
    return run

"""Asking sooner: the same run, judged from its beginning on.

The one insight: a hunt may let everything happen before it judges, as a fuzzer without an oracle does, but a
run that is to become short must be judged as soon as it can fail.

What comes after the first failure leaves with it.  The target says how (`Target.sooner`).
Not here: leaving out what comes before.
"""

from __future__ import annotations

import copy

from demi.minimizer.parts import adopted
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run


def ask_sooner(problem: Problem, run: Run) -> Run:
    """The run judged from the start on, if it fails in the same way then."""
    subject = problem.subject
    config = subject.target.sooner(subject.config)
    if config is None:
        return run
    impatient = copy.copy(subject)
    impatient.config = dict(config)
    impatient.invariants = tuple(subject.target.invariants(config))
    adopted(problem, impatient)
    return problem.best

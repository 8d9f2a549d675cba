"""Loops: where the whole system is in a state it was in before, cut what lies between.

The one insight: equal states have equal futures, so the cut is exact and needs no search; a run that
turns in circles (retries, leases, elections without clocks) loses all its turns in one replay.

States are compared by the world's digest (nodes, messages in flight, timers, links).  Logical clocks that
only grow make states differ: `clocks.py` is for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.events import Event
from demi.interpose.world import Step, World
from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem, whole
from demi.minimizer.runs import Run
from demi.scheduler.execute import execute
from demi.scheduler.scripted import Scripted


class Digests:
    """An Observer that keeps the digest after each step; at[0] is the beginning."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.at: list[bytes] = []

    def began(self, boot: Step) -> None:
        self.at = [self._world.digest()]

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        """Nothing."""

    def after(self, step: Step) -> None:
        self.at.append(self._world.digest())


def cut_loops(problem: Problem, run: Run) -> Run:
    """Without every longest stretch that ends where it began."""
    digests = Digests(problem.subject.world)
    choices = [want.choice for want in run.plan]
    execute(problem.subject, Scripted(choices), problem.seed, observer=digests)
    last = {digest: at for at, digest in enumerate(digests.at)}
    kept, at = [], 0
    while at < len(run.plan):
        at = max(at, last.get(digests.at[at], at)) if at < len(digests.at) else at
        if at < len(run.plan):
            kept.append(run.plan[at])
        at += 1
    if len(kept) == len(run.plan) or not whole(problem, kept):
        return run
    return smaller(problem, run, tuple(kept)) or run

"""Causal clusters: remove an event together with everything that was sent because of it.

The one insight: an election that leads nowhere is a timer and its tree of messages; no part of the tree
can go alone without another being missed, and all of it can go at once.  DEMi clustered by a clock that
the user had to name (its ClockClusterizer); the tree of sends needs no help and crosses no clock.

What remains matches exactly, up to the target's mask, and then by type (newest), so that later events
may carry the smaller terms they now get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run

Candidates = Callable[[Run], Iterator[tuple[int, ...]]]
ROOTS_MAX = 40  # pairs of trees: 780 replays at most


def remove_clusters(problem: Problem, run: Run) -> Run:
    """Single trees from the last to the first, then pairs of trees, until none can go."""
    while True:
        before = run
        run = _sweep(problem, run, lambda r: ((at,) for at in reversed(range(len(r.plan)))))
        run = _sweep(problem, run, _root_pairs)
        if run is before:
            return run


def remove_trees(problem: Problem, run: Run) -> Run:
    """Each tree whose root starts something, from the last to the first, once."""
    return _sweep(problem, run, lambda r: ((at,) for at in reversed(_roots(r))))


def _sweep(problem: Problem, run: Run, choose: Candidates) -> Run:
    """Try every set of roots once; after a success go on with what is left."""
    tried = 0
    while True:
        for count, roots in enumerate(choose(run)):
            if count < tried:
                continue
            found = _smaller(problem, run, _without(run, roots))
            if found is not None:
                tried, run = count, found
                break
        else:
            return run


def _root_pairs(run: Run) -> Iterator[tuple[int, ...]]:
    """Pairs of internal events that start something: timers, and answers to externals."""
    roots = _roots(run)
    if len(roots) <= ROOTS_MAX:
        for j in reversed(range(len(roots))):
            for i in reversed(range(j)):
                yield roots[i], roots[j]


def _roots(run: Run) -> list[int]:
    return [
        at
        for at, want in enumerate(run.plan)
        if want.external is None and (want.is_timer or run.causes[at] < 0)
    ]


def _without(run: Run, roots: Iterable[int]) -> Plan:
    """The plan without the trees of sends below the roots; externals stay, ddmin has them."""
    gone = set(roots)
    kept = []
    for at, want in enumerate(run.plan):
        if run.causes[at] in gone:
            gone.add(at)
        if at not in gone or want.external is not None:
            kept.append(want)
    return tuple(kept)


def _smaller(problem: Problem, run: Run, plan: Plan) -> Run | None:
    if len(plan) == len(run.plan):
        return None
    return smaller(problem, run, plan)

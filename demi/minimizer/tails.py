"""Tails: of all that was sent because of one beginning, cut off the end, as much as can go.

The one insight: a story that nobody needs is one tree of sends, and it goes in one replay; of a story
that is needed, what comes after the part that matters is the end of its tree, found by halving.

A tree is what one timer, one input or one message of the start led to, without what other timers did; its
tail is its last internal events in the order of the run.
Not here: trees within trees, pairs of trees (`clusters.py`); what is left in the middle (`chunks.py`).
"""

from __future__ import annotations

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run
from demi.minimizer.windows import starts

LENGTH_MAX = 200  # longer runs have too many beginnings: chunks pay better
LONG = 8  # events; the ends of shorter trees are chunks


def cut_tails(problem: Problem, run: Run) -> Run:
    """Each tree, from the last to the first: all of it, then, of a long one, halving tails."""
    if len(run.plan) > LENGTH_MAX:
        return run
    number = len(trees(run))
    while number > 0:
        number = min(number, len(trees(run))) - 1
        if number >= 0:
            run = _cut(problem, run, number)
    return run


def _cut(problem: Problem, run: Run, number: int) -> Run:
    """The run without the end of one tree."""
    size = whole_tree = len(trees(run)[number])
    while size == whole_tree or (size > 0 and whole_tree >= LONG):
        gone = frozenset(trees(run)[number][-size:])
        plan = tuple([want for at, want in enumerate(run.plan) if at not in gone])
        found = smaller(problem, run, plan, 1)
        if found is not None:
            run = found
            if size == whole_tree or number >= len(trees(run)):
                return run
        size //= 2  # one twice as long could not go
    return run


def trees(run: Run) -> list[list[int]]:
    """The positions of the internal events of each tree, by its beginning."""
    found: dict[int, list[int]] = {}
    beginning: list[int] = []
    for at, want in enumerate(run.plan):
        cause = run.causes[at]
        mine = at if starts(run, at) else beginning[cause]
        beginning.append(mine)
        if want.external is None:
            found.setdefault(mine, []).append(at)
    return list(found.values())

"""Tails: of all that was sent because of one beginning, cut off the end, as much as can go.

The one insight: a story that nobody needs is one tree of sends, and it goes in one replay; of a story
that is needed, what comes after the part that matters is the end of its tree, found by halving.

A tree is what one timer, one input or one message of the start led to, without what other timers did; its
tail is its last internal events in the order of the run.  Short trees are as many as the events of a chunk,
so they only go together.
Not here: trees within trees, pairs of trees (`clusters.py`); what is left in the middle (`chunks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from demi.minimizer.ladder import smaller
from demi.minimizer.problem import Plan, Problem, Run
from demi.minimizer.windows import starts

LENGTH_MAX = 200  # longer runs have too many beginnings: chunks pay better
LONG = 8  # events
PARTS = (1, 2)  # of the short trees, that go together


def cut_tails(problem: Problem, run: Run) -> Run:
    """Each long tree, from the last to the first: all of it, then halving tails; then the short trees."""
    if len(run.plan) > LENGTH_MAX:
        return run
    number = len(trees(run))
    while number > 0:
        number = min(number, len(trees(run))) - 1
        if number >= 0 and len(trees(run)[number]) >= LONG:
            run = _cut(problem, run, number)
    return _short(problem, run)


def _cut(problem: Problem, run: Run, number: int) -> Run:
    """The run without the end of one tree."""
    size = whole_tree = len(trees(run)[number])
    while size > 0:
        found = smaller(problem, run, _without(run, trees(run)[number][-size:]), 1)
        if found is not None:
            run = found
            if size == whole_tree or number >= len(trees(run)):
                return run
        size //= 2  # one twice as long could not go
    return run


def _short(problem: Problem, run: Run) -> Run:
    """The run without all short trees, or without a part of them."""
    for parts in PARTS:
        short = [tree for tree in trees(run) if len(tree) < LONG]
        for part in reversed(range(parts)):
            some = short[len(short) * part // parts : len(short) * (part + 1) // parts]
            found = smaller(problem, run, _without(run, list(chain(*some))), 1) if some else None
            if found is not None:
                return _short(problem, found)
    return run


def _without(run: Run, gone: Sequence[int]) -> Plan:
    left = set(gone)
    return tuple([want for at, want in enumerate(run.plan) if at not in left])


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

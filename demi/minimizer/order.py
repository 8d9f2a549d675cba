"""Order: swap neighbours until the run goes on at one node as long as it can.

The one insight: what is left of a random schedule jumps between nodes for no reason; a run with few
context switches reads as a story, and what still interleaves then is what the bug needs.

A swap is kept when the swapped plan, matched by content alone, executes as it was asked for, breaks the
same, and has fewer context switches (events whose node is not that of the one before).  An event moves
over as many others as it takes to reach its node's neighbour.  Externals keep their order among
themselves.

What would put an event before its cause is not tried.  n events cost at most 2n replays a round; only runs
of at most `EVENTS_MAX` events are reordered.
"""

from __future__ import annotations

import itertools

from demi.minimizer.problem import Problem
from demi.minimizer.races import homes_of
from demi.minimizer.rounds import in_rounds
from demi.minimizer.runs import Plan, Run

EVENTS_MAX = 120
ROUNDS_MAX = 6


def reorder(problem: Problem, run: Run) -> Run:
    """The run with fewest context switches found; never with another set of events."""
    if len(run.plan) > EVENTS_MAX:
        return run
    return in_rounds(problem, run, _round, ROUNDS_MAX)


def _round(problem: Problem, run: Run) -> Run:
    """Every event once: pulled back to behind the last event of its node, and pushed forward."""
    at = 0
    while at < len(run.plan):
        for to in _places(problem, run, at):
            found = _moved(problem, run, at, to)
            if found is not None:
                run = found
                break
        at += 1
    return run


def _places(problem: Problem, run: Run, at: int) -> list[int]:
    """Where an event would stand beside one of its own node: the nearest before and behind."""
    homes = homes_of(problem.subject.world.names, run.plan)
    before = next((i + 1 for i in reversed(range(at)) if homes[i] == homes[at]), None)
    behind = next((i - 1 for i in range(at + 1, len(homes)) if homes[i] == homes[at]), None)
    return [to for to in (before, behind) if to is not None and to != at]


def _moved(problem: Problem, run: Run, at: int, to: int) -> Run | None:
    if _against_causes(run, at, to):
        return None
    moved = list(run.plan)
    moved.insert(to, moved.pop(at))
    plan = tuple(moved)
    if switches(problem, plan) >= switches(problem, run.plan) or _outside(plan) != _outside(
        run.plan
    ):
        return None
    found = problem.test(plan)
    if found is None or len(found.plan) != len(plan):
        return None
    # a lenient replay might have matched other messages by the mask
    same = all(a.label == b.label for a, b in zip(found.plan, plan, strict=True))
    names = problem.subject.world.names
    return found if same and homes_of(names, found.plan) == homes_of(names, plan) else None


def _against_causes(run: Run, at: int, to: int) -> bool:
    """Would the event come before the one that sent or armed it, or behind one that it did?"""
    if to < at:
        return run.causes[at] >= to
    return at in run.causes[at + 1 : to + 1]


def _outside(plan: Plan) -> list[str]:
    return [want.external.id for want in plan if want.external is not None]


def switches(problem: Problem, plan: Plan) -> int:
    """How often the next event is at another node."""
    return sum(
        1 for a, b in itertools.pairwise(homes_of(problem.subject.world.names, plan)) if a != b
    )

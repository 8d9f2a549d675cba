"""Smaller systems: leave out the parts (hosts, links, switches) that a violation does not need.

The one insight: a run of inputs means the same in a smaller system as long as what its inputs name is
there, so parts are removed by ddmin as inputs are, and the trace is recorded anew in what is left.

Events are carried over by the names of their nodes; those of nodes that are gone are left out.  The target
says which parts there are (`Target.parts`).  STS (SIGCOMM'14) had no such step: a bug on a fat tree
kept its twenty switches.  Not here: shrinking inputs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

from demi.errors import TargetError
from demi.events import Event, External
from demi.minimizer.ddmin import ddmin
from demi.minimizer.ladder import Way, exact
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run
from demi.minimizer.wildcards import newest
from demi.scheduler.execute import Subject
from demi.scheduler.sts import Match, Wanted
from demi.target import Parts

LEFT_OUT = "left out"  # the note with the run whose system has no part to spare
LOOSELY = "loosely"  # the note that it was tried by type
FEW = 8  # parts


def leave_out(problem: Problem, run: Run) -> Run:
    """The same violation in a system of as few parts as possible; the run in it, matched by content."""
    return left_out(problem, run, (exact,))


def leave_out_loosely(problem: Problem, run: Run) -> Run:
    """The same where members or counts are part of contents: by content, then by type, the newest first.

    By type only the first time: it takes what is superfluous for the run to go on in other contents.
    """
    ways: tuple[Way, ...] = (exact,) if LOOSELY in problem.notes else (exact, newest)
    problem.notes[LOOSELY] = True
    return left_out(problem, run, ways)


def left_out(problem: Problem, run: Run, ways: Sequence[Way]) -> Run:
    """Each system is tried in these ways of matching, in turn."""
    subject = problem.subject
    parts = subject.target.parts(subject.config)
    if parts is None or problem.notes.get(LEFT_OUT) is run:  # done, and nothing changed since
        return run

    def fails(kept: Sequence[str]) -> bool:
        left = frozenset(kept)
        gone = [name for name in parts.names if name not in left]
        smaller = without(subject, parts, gone)
        return smaller is not None and adopted(problem, smaller, ways)

    if len(parts.names) > FEW:
        ddmin(parts.names, fails)
    else:
        one_by_one(parts.names, fails)
    problem.notes[LEFT_OUT] = problem.best
    return problem.best


def one_by_one(names: Sequence[str], fails: Callable[[Sequence[str]], bool]) -> None:
    """Leave out single parts until none can go: of few, most are needed, and halves hardly ever do."""
    kept, at = list(names), 0
    while at < len(kept):
        rest = kept[:at] + kept[at + 1 :]
        kept, at = (rest, 0) if fails(rest) else (kept, at + 1)


def without(subject: Subject, parts: Parts, gone: Sequence[str]) -> Subject | None:
    """The system less these parts; None where that is none."""
    try:
        config = parts.without(gone)
        smaller = copy.copy(subject)
        smaller.config = dict(config)
        smaller.world = parts.world(subject.world, config)
        smaller.invariants = tuple(subject.target.invariants(config))
    except TargetError:
        return None
    return smaller


def adopted(problem: Problem, smaller: Subject, ways: Sequence[Way] = (exact,)) -> bool:
    """Try the best run in another subject; stay there if it fails as the original did.

    A way of matching by which the run would be one that was already made is not tried.
    """
    before, names = problem.subject, problem.subject.world.names
    plan = carried(problem.best.plan, names, smaller.world.names)
    known: set[Match] = set()
    problem.subject = smaller
    try:
        for way in ways:
            asked = way(plan)
            if (
                known
                and {want.match for want in asked if want.external is None and not want.is_timer}
                <= known
            ):
                continue
            trial = problem.trial(asked)
            if trial.run is not None:
                problem.moved(trial.run)
                return True
            known.update(trial.same)
    except TargetError:  # an input that names what is gone
        pass
    except BaseException:
        problem.subject = before
        raise
    problem.subject = before
    return False


def carried(plan: Plan, names: Sequence[str], to: Sequence[str]) -> Plan:
    """A plan in terms of other node numbers; what names a node that is gone is left out."""
    index = {name: i for i, name in enumerate(to)}
    where = [index.get(name, -1) for name in names]
    kept: list[Wanted] = []
    for want in plan:
        if isinstance(want.choice, External):
            if all(name in index for name in want.choice.nodes):
                kept.append(replace(want, place=-1, source=()))
            continue
        kind, node, peer, n = want.choice
        peer = peer if want.is_timer else where[peer]
        event: Event = (kind, where[node], peer, n)
        if event[1] >= 0 and (want.is_timer or peer >= 0):
            kept.append(replace(want, choice=event, place=-1, source=()))
    return tuple(kept)

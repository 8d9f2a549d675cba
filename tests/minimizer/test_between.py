"""A failed replay answers for the plans between what it used and what it asked for, and for no others."""

from __future__ import annotations

import random
from pathlib import Path

from demi.minimizer.between import Between
from demi.minimizer.budget import Budget
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.problem import Problem
from demi.minimizer.wildcards import matching
from demi.scheduler.execute import Subject
from demi.scheduler.sts import Match, Wanted
from demi.trace_codec import load
from targets.raft import TARGET

TRACES = Path(__file__).parents[2] / "traces" / "raft"


def wanted(place: int) -> Wanted:
    return Wanted("", (2, 0, 1, place), "m", place, place=place)


def test_only_what_lies_between_is_answered() -> None:
    plan = [wanted(place) for place in range(5)]
    known = Between()
    known.add(plan, (0, 3), (Match.EXACT,))
    assert known.answers([plan[0], plan[2], plan[3]], Match.EXACT)
    assert known.answers([plan[0], plan[3]], Match.EXACT)
    assert not known.answers([plan[0], plan[2]], Match.EXACT), "3 was used"
    assert not known.answers([plan[0], plan[3], wanted(7)], Match.EXACT), "7 was not asked for"
    assert not known.answers([plan[0], plan[3]], Match.NEWEST)
    assert not known.answers([plan[3], plan[0]], Match.EXACT), "another order"


def test_its_answers_are_those_of_a_replay() -> None:
    """Random parts of a run that is half shrunk, in every way of matching."""
    trace = load(TRACES / "raft-46.jsonl.gz")
    subject = Subject(TARGET, dict(trace.header.config))
    half = minimize(subject, trace, budget=Budget(replays=60)).trace
    subject = Subject(TARGET, dict(half.header.config))
    run = first_run(subject, half)
    problem = Problem(subject, half, run, Budget())
    draw, known, answered, failing = random.Random(5), Between(), 0, 0
    for _ in range(400):
        match = draw.choice((Match.CAUSE, Match.EXACT, Match.NEWEST))
        share = draw.choice((0.7, 0.95, 0.98))
        asked = matching(tuple([want for want in run.plan if draw.random() < share]), match)
        trial = problem.trial(asked)
        failing += trial.run is not None
        if known.answers(asked, match):
            answered += 1
            assert trial.run is None
        elif trial.run is None:
            known.add(asked, trial.used, trial.same)
    assert answered and failing

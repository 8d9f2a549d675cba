"""Reordering: fewer context switches, the same events, the same bug."""

from __future__ import annotations

from pathlib import Path

import pytest

from demi.minimizer.budget import Budget
from demi.minimizer.minimize import first_run
from demi.minimizer.order import reorder, switches
from demi.minimizer.problem import Problem
from demi.scheduler.execute import Subject
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"


@pytest.mark.parametrize("bug", sorted(RAFT.bugs))
def test_the_same_events_with_fewer_context_switches(bug: str) -> None:
    trace = load(TRACES / f"{bug}.min.jsonl")
    subject = Subject(RAFT, dict(trace.header.config))
    problem = Problem(subject, trace, first_run(subject, trace), Budget())
    before = problem.best
    after = reorder(problem, before)
    assert problem.best is after
    assert after.violation.fingerprint == before.violation.fingerprint
    assert sorted(w.label for w in after.plan) == sorted(w.label for w in before.plan)
    outside = [[w.external.id for w in run.plan if w.external] for run in (before, after)]
    assert outside[0] == outside[1], "the outside acts in its own order"
    assert switches(problem, after.plan) <= switches(problem, before.plan)
    again = problem.replays
    assert reorder(problem, after) is after
    assert problem.replays == again, "a second time finds nothing and tries nothing new"

"""What a minimizer meets: candidates the target cannot run, runs that last, other bugs, other versions."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import Any

import pytest
from systems import inject, program, subject_of

from demi.errors import DivergenceError
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer import budget as budget_module
from demi.minimizer.budget import Budget, BudgetSpent
from demi.minimizer.certify import NOT_ESTABLISHED, NOT_JUDGED, ONE_MINIMAL, WHY, minimality
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.problem import REFUSALS_MAX, Problem
from demi.oracle import Detail, StateInvariant, View
from demi.scheduler.execute import Subject, record

from .test_minimize import recorded


class Guarded(Node):
    """`go` without `guard` breaks the rules of the adapter: it sends to nobody."""

    def on_start(self, ctx: Context) -> None:
        self.seen: tuple[str, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.seen += (msg[0],)
        if msg[0] == "go" and "guard" not in self.seen:
            ctx.send("nobody", "hello")


def guarded(*needed: str) -> Subject:
    """Broken as soon as all of these have been seen."""

    def broken(view: View) -> Detail | None:
        state = view.state(0)
        seen = state["seen"] if state else ()
        return Detail(("n",), "all seen") if set(needed) <= set(seen) else None

    return subject_of(lambda: ActorWorld({"n": Guarded}), StateInvariant("Seen", "", broken))


def a_run(subject: Subject, *labels: str) -> Any:
    """These inputs in this order."""
    items = program(*[inject("n", label) for label in labels])
    return record(subject, list(items.items), 0, strategy="by hand")


def test_candidates_that_the_target_cannot_run_are_counted_and_do_no_harm() -> None:
    subject = guarded("z")
    report = minimize(subject, a_run(subject, "guard", "a", "go", "b", "z"))
    assert [entry.id for entry in report.trace] == ["ext:z(n)#1"]
    assert minimality(report.trace) != NOT_ESTABLISHED


def test_what_could_not_be_judged_establishes_nothing() -> None:
    subject = guarded("go", "z")
    report = minimize(subject, a_run(subject, "guard", "go", "z"))
    assert len(report.trace) == 3
    number, reason = report.refusals
    assert number > 0 and "nobody" in reason
    results = [entry.extra[WHY]["result"] for entry in report.trace]
    assert results[0] == NOT_JUDGED
    assert NOT_JUDGED not in results[1:]
    assert minimality(report.trace) == NOT_ESTABLISHED
    others = minimize(subject, a_run(subject, "guard", "go", "z"), prove=1000)
    assert minimality(others.trace) != ONE_MINIMAL


def test_a_target_that_runs_nothing_any_more_ends_with_the_best_so_far() -> None:
    subject = guarded("go", "z")
    original = a_run(subject, "guard", "go", "z")
    problem = Problem(subject, original, first_run(subject, original), Budget())
    without_guard = problem.best.plan[1:]
    for _ in range(REFUSALS_MAX - 1):
        assert problem.trial(without_guard).refusal
    with pytest.raises(BudgetSpent):
        problem.trial(without_guard)
    problem.trial(problem.best.plan)
    assert problem.trial(without_guard).refusal, "a run in between begins the count anew"


def test_a_time_budget_ends_a_candidate_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = guarded("z")
    original = a_run(subject, *["a"] * 2_000, "z")
    problem = Problem(subject, original, first_run(subject, original), Budget(seconds=5))
    ticks = itertools.count()
    began = time.monotonic()
    monkeypatch.setattr(budget_module.time, "monotonic", lambda: began + next(ticks))
    with pytest.raises(BudgetSpent):
        problem.trial(problem.best.plan)
    state = subject.world.observe().state(0)
    assert 0 < len(state["seen"]) < 2_000
    assert problem.replays == 1


def test_a_trace_of_another_version_says_so_and_offers_the_majority() -> None:
    subject = guarded("z")
    original = a_run(subject, "a", "z")
    changed = guarded("never")
    header = replace(original.header, target_version="1.0")
    with pytest.raises(DivergenceError, match=r"recorded with version 1\.0") as caught:
        minimize(changed, replace(original, header=header))
    assert "--repeat" in caught.value.remedy
    assert "event 2 of 2" in caught.value.where


def test_another_bug_met_on_the_way_is_a_trace_of_its_own() -> None:
    """Without `b`, `a` breaks something else; both runs are kept apart and both replay."""

    def broken(view: View) -> Detail | None:
        state = view.state(0)
        seen = state["seen"] if state else ()
        if "z" not in seen:
            return None
        return Detail(("n",), "", "with b" if "b" in seen else "without")

    subject = subject_of(lambda: ActorWorld({"n": Guarded}), StateInvariant("Seen", "", broken))
    report = minimize(subject, a_run(subject, "a", "b", "z"))
    assert [entry.id for entry in report.trace] == ["ext:b(n)#1", "ext:z(n)#1"]
    (other,) = report.others.values()
    assert [entry.id for entry in other] == ["ext:z(n)#1"]
    assert list(report.others) == ["Seen/without"]
    assert minimality(other) == NOT_ESTABLISHED


def test_minimizing_what_is_minimal_changes_no_event() -> None:
    subject = guarded("a", "z")
    small = minimize(subject, a_run(subject, "b", "a", "c", "z")).trace
    again = minimize(subject, small).trace
    assert again.entries == small.entries
    assert again.footer == small.footer


def test_a_recorded_trace_is_what_the_helper_makes() -> None:
    """The helper of this file and the run loop agree."""
    subject = guarded("z")
    by_hand = a_run(subject, "z")
    assert recorded(subject, 0, program(inject("n", "z"))).entries == by_hand.entries

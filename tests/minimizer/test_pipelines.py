"""The rebuilt baselines: every result fails as the original did and replays; each does what it is for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from systems import inject, lock, never, program, subject_of

from demi.errors import UsageError
from demi.events import Program
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.budget import Budget
from demi.minimizer.certify import NOT_ESTABLISHED, minimality
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.other_matches import Ambiguous, search_matches
from demi.minimizer.pipelines import PIPELINES, find_pipeline
from demi.minimizer.pipelines.demi_sts import channel_tails
from demi.minimizer.pipelines.demi_tfb import clock_of, one_replay, wildcard_ddmin
from demi.minimizer.pipelines.no_diverge import faithful
from demi.minimizer.problem import Problem, by_content
from demi.scheduler.execute import Subject, execute
from demi.scheduler.sts import Match, Wanted
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

from .test_minimize import Term, check, lock_traces, recorded

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"
BASELINES = sorted(set(PIPELINES) - {"default", "inputs"})


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("lossy", [False, True])
def test_every_result_fails_and_replays(name: str, lossy: bool) -> None:
    subject = lock(lossy=lossy)
    for original in lock_traces(lossy)[:8]:
        report = minimize(subject, original, pipeline=name)
        small = check(subject, original, report)
        assert minimality(small) == NOT_ESTABLISHED
        ours = minimize(subject, original).trace
        assert (ours.externals, len(ours)) <= (small.externals, len(small))


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("replays", [1, 3, 10])
def test_a_baseline_keeps_to_its_budget(name: str, replays: int) -> None:
    original = max(lock_traces(False), key=len)
    report = minimize(lock(lossy=False), original, budget=Budget(replays), pipeline=name)
    assert report.exhausted and report.replays <= replays
    check(lock(lossy=False), original, report)


def test_an_unknown_pipeline_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        find_pipeline("demi-stss")
    assert "demi-sts" in caught.value.remedy


def test_plain_ddmin_leaves_nothing_that_can_go_by_content() -> None:
    subject = lock(lossy=False)
    for original in lock_traces(False)[:5]:
        small = minimize(subject, original, pipeline="ddmin").trace
        problem = Problem(subject, small, first_run(subject, small), Budget(), oracle=by_content)
        plan = problem.best.plan
        for at, want in enumerate(plan):
            if want.external is None:
                assert problem.test(plan[:at] + plan[at + 1 :]) is None


def test_only_tails_of_channels_and_timers_are_tried() -> None:
    subject = lock(lossy=False)
    original = max(lock_traces(False), key=len)
    problem = Problem(subject, original, first_run(subject, original), Budget(), oracle=by_content)
    tried: list[tuple[Wanted, ...]] = []
    ask = problem.test

    def listening(plan: tuple[Wanted, ...]) -> object:
        tried.append(tuple(plan))
        return ask(plan)

    problem.test = listening  # type: ignore[method-assign, assignment]
    end = channel_tails(problem, problem.best)
    assert len(end.plan) < len(original)
    base = problem.first.plan
    for plan in tried:
        found = next((b for a, b in zip(plan, base, strict=False) if a is not b), base[-1])
        if len(base) - len(plan) == 1 and not found.is_timer:
            assert isinstance(found.choice, tuple)
            at = next(i for i, one in enumerate(base) if one is found)
            behind = [w.choice for w in base[at + 1 :] if w.external is None]
            assert all(c[:3] != found.choice[:3] for c in behind if isinstance(c, tuple))


def test_wildcards_reach_what_content_alone_does_not() -> None:
    """Each vote carries a term that earlier timers have raised."""
    subject = subject_of(
        lambda: ActorWorld({"a": Term, "b": Term}, network="bag"),
        never(lambda view: view.state(0) is not None and view.state(0)["top"] > 0),
    )
    original = next(
        trace
        for trace in (recorded(subject, seed, Program()) for seed in range(200))
        if trace.violation is not None and trace.entries[-1].msg[1] >= 3
    )
    sizes = {n: len(minimize(subject, original, pipeline=n).trace) for n in BASELINES}
    assert sizes["demi-tfb"] == 3 < sizes["demi-sts"] <= sizes["no-diverge"]


class Voter(Node):
    """`a` offers b three values on `go`; b keeps the first that it gets."""

    def on_start(self, ctx: Context) -> None:
        self.first = 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if sender == "ext":
            for value in (1, 2, 3):
                ctx.send("b", ("vote", value))
        elif not self.first:
            self.first = msg[1]


def test_a_search_over_matches_finds_the_one_between_oldest_and_newest() -> None:
    subject = subject_of(
        lambda: ActorWorld({"a": Voter, "b": Voter}, network="bag"),
        never(lambda view: view.state(1) is not None and view.state(1)["first"] == 2),
    )
    items = program(inject("a", "go"))
    original = next(
        trace
        for trace in (recorded(subject, seed, items) for seed in range(200))
        if trace.violation is not None and len(trace) == 2
    )
    problem = Problem(subject, original, first_run(subject, original), Budget(), oracle=by_content)
    go, vote = problem.best.plan
    for match in (Match.OLDEST, Match.NEWEST):
        assert problem.trial((go, replace(vote, match=match))).run is None
    plan = (go, replace(vote, match=Match.OLDEST))
    before = problem.replays
    found = search_matches(problem, plan, 10)
    assert found is not None and len(found.plan) == 2
    assert problem.replays - before == 3, (
        "the oldest, the newest, the one between: then all is tried"
    )
    assert search_matches(problem, plan, 2) is None, "two replays are not enough"
    strategy = Ambiguous(plan)
    execute(subject, strategy, problem.seed)
    assert [depth for depth, _ in strategy.branches] == [1, 1]
    assert [branch[1].content for _, branch in strategy.branches] == [("vote", 3), ("vote", 2)]


def test_externals_are_reduced_by_wildcards_only_where_some_were_drawn() -> None:
    subject, trace = _raft("raft-45")
    problem = Problem(subject, trace, first_run(subject, trace), Budget(), oracle=by_content)
    reduce = wildcard_ddmin(one_replay(Match.OLDEST))
    assert reduce(problem, problem.best) is problem.best
    assert problem.replays == 0, "bootstraps alone are left"
    subject, trace = _raft("raft-66")
    problem = Problem(subject, trace, first_run(subject, trace), Budget(), oracle=by_content)
    reduce(problem, problem.best)
    assert problem.replays > 0, "there are commands"


def test_a_run_that_leaves_the_original_ends_at_once() -> None:
    subject = Subject(RAFT, dict(load(TRACES / "raft-45.min.jsonl").header.config))
    trace = load(TRACES / "raft-45.min.jsonl")
    problem = Problem(subject, trace, first_run(subject, trace), Budget(), oracle=faithful)
    assert problem.trial(problem.best.plan).run is not None, "the original itself does not diverge"
    plan = problem.best.plan[:4] + problem.best.plan[5:]  # n2's first election is gone
    strategy = faithful(problem, plan)
    execute(subject, strategy, problem.seed)
    assert len(strategy.used) + len(strategy.absent) < len(plan)


def test_the_clock_of_a_message_is_its_term() -> None:
    run = first_run(*_raft("raft-45"))
    clocks = {clock_of(want) for want in run.plan}
    assert clocks == {None, 2}


def _raft(bug: str):  # type: ignore[no-untyped-def]
    trace = load(TRACES / f"{bug}.min.jsonl")
    return Subject(RAFT, dict(trace.header.config)), trace

"""The certificate: every event has its reason, the reasons are true, and strict replay ignores them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from systems import fault, inject, lock, never, program, subject_of

from demi.events import Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.budget import Budget
from demi.minimizer.certify import (
    ANOTHER,
    NOT_ESTABLISHED,
    ONE_MINIMAL,
    WITHIN_BOUND,
    certify,
    explanation,
    minimality,
    without,
)
from demi.minimizer.chunks import sweep
from demi.minimizer.minimize import first_run, minimize
from demi.minimizer.problem import Problem
from demi.minimizer.wildcards import newest
from demi.oracle import Detail, StateInvariant, View
from demi.scheduler.execute import Subject, record
from demi.scheduler.replay import replay
from demi.trace import Trace
from demi.trace_codec import encode, load, loads
from targets.raft import TARGET as RAFT

from .test_minimize import Sum, TwoBugs, lock_traces, recorded

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"

CERTIFIED = (ONE_MINIMAL, WITHIN_BOUND)


def raft(bug: str) -> tuple[Subject, Trace]:
    trace = load(TRACES / f"{bug}.min.jsonl")
    return Subject(RAFT, dict(trace.header.config)), trace


@cache
def minimized(bug: str) -> Trace:
    """The same again, of the raft with that bug; made once."""
    subject, trace = raft(bug)
    return minimize(subject, trace).trace


def problem_of(subject: Subject, trace: Trace) -> Problem:
    return Problem(subject, trace, first_run(subject, trace), Budget())


@pytest.mark.parametrize("bug", ["raft-45", "raft-58b", "raft-42"])
def test_every_event_has_its_reason_and_it_is_true(bug: str) -> None:
    small = minimized(bug)
    assert minimality(small) in CERTIFIED
    problem = problem_of(Subject(RAFT, dict(small.header.config)), small)  # of fewer nodes
    run = problem.best
    for at, entry in enumerate(small):
        why = entry.extra["why"]
        assert explanation(small, at).startswith(f"without {entry.id}: ")
        plan = tuple(run.plan[i] for i in without(run, at))
        trials = [problem.trial(plan), problem.trial(newest(plan))]
        assert all(trial.run is None for trial in trials)
        told = trials[why.get("by_type", False)]
        later = [i for i in range(len(run.plan)) if i != at]
        assert [small.entries[later[i]].id for i in told.absent] == why.get("absent", [])
        assert set(why.get("absent", [])) <= {later.id for later in small.entries[at + 1 :]}


def test_the_certificate_survives_the_file_and_strict_replay_ignores_it() -> None:
    subject, _ = raft("raft-58b")
    small = minimized("raft-58b")
    again = loads(encode(small))
    assert again == small
    assert replay(subject, again).divergence is None
    plain = replace(
        again,
        entries=tuple(type(e)(**{k: getattr(e, k) for k in ("id", "msg")}) for e in again),
    )
    assert [explanation(plain, at) for at in range(len(plain))] == [""] * len(plain)
    assert minimize(subject, again).trace.entries == small.entries, "nothing is left of the old one"


def test_what_one_event_was_for() -> None:
    """The last vote makes the leader; without it n2 stays a candidate."""
    small = minimized("raft-45")
    last = explanation(small, len(small) - 1)
    assert (
        last
        == "without n3>n2:VoteCandidate#2: no violation; n2 ends with role candidate (not leader)"
    )


def test_what_can_go_is_removed_and_certification_starts_again() -> None:
    """A run that was not minimized at all: certifying alone makes it 1-minimal."""
    original = min(lock_traces(False), key=len)
    problem = problem_of(lock(lossy=False), original)
    whys = certify(problem)
    assert len(whys) == len(problem.best.plan) < len(original)


@pytest.mark.parametrize("bug", ["raft-45", "raft-66"])
def test_what_a_pass_asked_of_the_same_run_is_not_asked_again(bug: str) -> None:
    """The answers are those of replays made for the certificate alone."""
    subject, original = raft(bug)
    problem, fresh = problem_of(subject, original), problem_of(*raft(bug))
    assert sweep(problem, problem.best, 1) is problem.best, "recorded as 1-minimal"
    before = problem.replays
    assert certify(problem) == certify(fresh)
    assert problem.replays - before < fresh.replays - len(original) // 2


def test_what_was_asked_of_another_run_is_asked_again() -> None:
    """A run that has become shorter since."""
    original = max(lock_traces(False), key=len)
    problem = problem_of(lock(lossy=False), original)
    sweep(problem, problem.best, 1)
    assert problem.best.size < (original.externals, len(original))
    whys = certify(problem)
    fresh = problem_of(lock(lossy=False), record_of(problem))
    assert certify(fresh) == whys


def record_of(problem: Problem) -> Trace:
    choices = [want.choice for want in problem.best.plan]
    return record(problem.subject, choices, problem.seed, strategy="minimized")


def test_a_group_is_left_out_as_one() -> None:
    subject = subject_of(lambda: ActorWorld({"a": Sum}), never(lambda view: total(view) == 21))
    items = program(
        inject("a", "add", 20, group="p"), inject("a", "add", 0, group="p"), inject("a", "add", 1)
    )
    for seed in range(10):
        small = minimize(subject, recorded(subject, seed, items)).trace
        assert minimality(small) in CERTIFIED
        assert all("why" in entry.extra for entry in small)


def total(view: View) -> int:
    state = view.state(0)
    return state["total"] if state else 0


def test_another_violation_is_named_with_its_fingerprint() -> None:
    """Without the first `a` the same inputs break the invariant in another way."""

    def order(view: View) -> Detail | None:
        seen = (view.state(0) or {"seen": ()})["seen"]
        if "z" not in seen:
            return None
        return Detail(("n",), "order", "hard" if "a" in seen else "easy")

    subject = subject_of(lambda: ActorWorld({"n": TwoBugs}), StateInvariant("Order", "", order))
    for seed in range(20):
        original = recorded(subject, seed, program(inject("n", "a"), inject("n", "z")))
        if original.violation is not None and original.violation.fingerprint == "Order/hard":
            small = minimize(subject, original).trace
            why = small.entries[0].extra["why"]
            assert (why["result"], why["fingerprint"]) == (ANOTHER, "Order/easy")
            assert "another violation (Order/easy)" in explanation(small, 0)
            return
    pytest.fail("no seed gives the order")


@pytest.mark.parametrize("replays", [1, 5, 20])
def test_a_spent_budget_establishes_nothing(replays: int) -> None:
    original = max(lock_traces(False), key=len)
    small = minimize(lock(lossy=False), original, budget=Budget(replays=replays)).trace
    assert minimality(small) == NOT_ESTABLISHED
    assert all("why" not in entry.extra for entry in small)


class Opaque:
    """Not JSON."""


class Holder(Node):
    """Shows something that has no JSON form."""

    def on_start(self, ctx: Context) -> None:
        self.count = 0

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        self.count += 1


def test_states_without_a_json_form_do_no_harm() -> None:
    def seen(node: Holder) -> dict[str, object]:
        return {"count": node.count, "what": Opaque()}

    subject = subject_of(
        lambda: ActorWorld({"a": Holder}, observe=seen),  # type: ignore[arg-type]
        never(lambda view: view.state(0) is not None and view.state(0)["count"] == 2),
    )
    items = program(inject("a", "x"), inject("a", "y"), fault(Kind.CRASH, "a"))
    for seed in range(10):
        original = recorded(subject, seed, items)
        if original.violation is not None:
            assert minimality(minimize(subject, original).trace) in CERTIFIED


@pytest.mark.parametrize(
    "why", [None, 3, [], {}, {"result": 3}, {"result": "x", "ends": {"n": 3}, "absent": 3},
            {"result": "not enabled", "absent": 7, "ends": {"n": {"f": [1]}}}]
)  # fmt: skip
def test_a_strangers_certificate_does_no_harm(why: object) -> None:
    _, trace = raft("raft-45")
    first = trace.entries[0]
    import msgspec

    changed = msgspec.structs.replace(first, extra={"why": why})
    assert isinstance(explanation(replace(trace, entries=(changed,)), 0), str)

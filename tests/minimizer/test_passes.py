"""Matching by cause, clocks, loops, forward search, races, counter-based splitting: exact results."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from systems import inject, never, program, subject_of

from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.minimizer.beginnings import drop_beginnings
from demi.minimizer.budget import Budget
from demi.minimizer.cdd import cdd
from demi.minimizer.clocks import clocks_of, remove_clocks
from demi.minimizer.externals import remove_externals
from demi.minimizer.loops import cut_loops
from demi.minimizer.minimize import Stage, first_run, minimize
from demi.minimizer.pipelines.default import DEFAULT
from demi.minimizer.postpone import postpone
from demi.minimizer.problem import Problem
from demi.minimizer.races import races
from demi.minimizer.runs import Run
from demi.minimizer.search import search
from demi.minimizer.tails import cut_tails, trees
from demi.minimizer.wildcards import by_cause
from demi.minimizer.windows import remove_windows
from demi.minimizer.yields import by_yield
from demi.oracle import View
from demi.scheduler.execute import Subject, record
from demi.trace import Trace
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

from .test_minimize import recorded

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"


def raft(bug: str) -> tuple[Trace, Problem]:
    trace = load(TRACES / f"{bug}.min.jsonl")
    subject = Subject(RAFT, dict(trace.header.config))
    return trace, Problem(subject, trace, first_run(subject, trace), Budget())


def test_a_run_repeats_when_it_is_matched_by_cause() -> None:
    trace, problem = raft("raft-45")
    run = problem.best
    assert problem.test(by_cause(run.plan)) is not None
    places = [want.place for want in run.plan]
    assert places == list(range(len(trace)))
    assert all(
        want.source[0] == cause
        for want, cause in zip(run.plan, run.causes, strict=True)
        if cause >= 0
    )


def test_an_event_without_a_clock_belongs_to_what_it_caused() -> None:
    trace, problem = raft("raft-45")
    clocks = clocks_of(problem, problem.best)
    for entry, clock in zip(trace.entries, clocks, strict=True):
        if "RequestVote" in entry.id:
            assert clock == entry.msg["term"]
        if "BeginElection" in entry.id:
            assert clock is not None


class Relay(Node):
    """Answers a number with the next smaller one, until 0; knows the smallest that it got from `b`."""

    def __init__(self, start: Mapping[str, int]) -> None:
        self.begin = start
        self.least = 99

    def on_start(self, ctx: Context) -> None:
        for to, number in self.begin.items():
            ctx.send(to, number)

    def on_message(self, ctx: Context, sender: str, msg: int) -> None:
        if sender == "b":
            self.least = min(self.least, msg)
        if msg:
            ctx.send(sender, msg - 1)


def test_trees_of_sends_are_cut_back_to_what_matters() -> None:
    """`a` talks to b, c and d; what c and d say never matters, and of b's talk only the beginning."""

    def make() -> ActorWorld:
        others = {name: lambda: Relay({}) for name in "bcd"}
        return ActorWorld({"a": lambda: Relay(dict.fromkeys("bcd", 40)), **others})

    def look(view: View) -> bool:
        states = [view.state(node) for node in range(4)]
        heard = all(state and state["least"] == 99 for state in states[1:])
        return bool(states[0]) and states[0]["least"] <= 33 and heard

    subject = subject_of(make, never(look))
    original = max((recorded(subject, seed, program()) for seed in range(5)), key=len)
    assert original.violation is not None
    problem = Problem(subject, original, first_run(subject, original), Budget())
    stories = trees(problem.best)
    assert len(stories) == 3 and sum(map(len, stories)) == len(original)
    small = cut_tails(problem, problem.best)
    assert len(small.plan) == 8, "40, 39, ..., 33"
    assert problem.replays <= 2 + len(bin(len(original)))


class Turnstile(Node):
    def on_start(self, ctx: Context) -> None:
        self.open = False
        self.seen = 0

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        self.open = not self.open
        if isinstance(msg, dict) and msg["args"] == 2:
            self.seen += 1


def test_a_loop_is_cut_in_one_replay() -> None:
    def make() -> ActorWorld:
        return ActorWorld(
            {"a": Turnstile}, inputs={"turn": lambda args: {"type": "turn", "args": args}}
        )

    subject = subject_of(
        make, never(lambda view: view.state(0) is not None and view.state(0)["seen"] == 1)
    )
    items = program(*[inject("a", "turn", 1) for _ in range(6)], inject("a", "turn", 2))
    for seed in range(20):
        original = recorded(subject, seed, items)
        if original.violation is None or len(original) < 3:
            continue
        problem = Problem(subject, original, first_run(subject, original), Budget())
        small = cut_loops(problem, problem.best)
        assert len(small.plan) == 1 + (len(original) - 1) % 2
        assert problem.replays == 1
        return
    pytest.fail("no run with a loop")


def test_a_world_that_cannot_go_back_is_searched_by_running_it_again() -> None:
    """The same states are exhausted, for more steps."""
    bounds = []
    for back in (True, False):
        _, problem = raft("raft-58b")
        world = problem.subject.world
        capabilities = replace(world.capabilities, checkpoint=back)
        object.__setattr__(world, "capabilities", capabilities)
        problem.prove = 60_000
        search(problem, problem.best, 60_000)
        bounds.append(problem.bound)
    first, second = bounds
    assert first is not None and second is not None
    assert (first.events, first.anchor, first.states) == (second.events, 0, second.states)
    assert second.steps > first.steps


class Steps(Node):
    """Counts the inputs it got since the last reset."""

    def on_start(self, ctx: Context) -> None:
        self.since: tuple[str, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        kind = msg[0] if isinstance(msg, tuple) else ""
        self.since = () if kind == "reset" else (*self.since, str(kind))


def steps_run(needed: tuple[str, ...], *inputs: tuple[str, str]) -> Problem:
    """These inputs in this order; broken when node a has exactly `needed` since its last reset."""

    def broken(view: View) -> bool:
        state = view.state(0)
        return state is not None and state["since"] == needed

    subject = subject_of(lambda: ActorWorld({"a": Steps, "b": Steps}), never(broken))
    items = program(*[inject(node, label) for node, label in inputs])
    original = record(subject, list(items.items), 0, strategy="by hand")
    assert original.violation is not None
    return Problem(subject, original, first_run(subject, original), Budget())


def test_a_window_goes_with_what_happened_in_it() -> None:
    """No single input between the two `x` can go alone: y and its reset only leave together."""
    problem = steps_run(("x", "x"), ("a", "x"), ("a", "y"), ("a", "reset"), ("a", "x"), ("a", "x"))
    small = remove_windows(problem, problem.best)
    assert [want.label for want in small.plan] == ["x", "x"]


def test_inputs_go_where_they_matter_and_keep_their_order_at_a_node() -> None:
    problem = steps_run(("x", "z"), ("a", "x"), ("b", "y"), ("b", "y"), ("a", "z"))
    moved = postpone(problem, problem.best)
    ids = [want.external.id for want in moved.plan if want.external]
    assert ids == ["ext:y(b)#1", "ext:y(b)#2", "ext:x(a)#1", "ext:z(a)#1"]
    assert moved.size == problem.first.size


def test_inputs_leave_whatever_content_later_messages_then_have() -> None:
    trace = load(TRACES / "raft-58b.jsonl.gz")
    subject = Subject(RAFT, dict(trace.header.config))
    problem = Problem(subject, trace, first_run(subject, trace), Budget())
    run = drop_beginnings(problem, problem.best)
    small = remove_externals(problem, run)
    assert small.size[0] <= 10 < run.size[0]
    again = remove_externals(problem, small)
    assert again.size == small.size


def test_ranges_of_clocks_take_their_inputs_along() -> None:
    trace = load(TRACES / "raft-58a.jsonl.gz")
    subject = Subject(RAFT, dict(trace.header.config))
    problem = Problem(subject, trace, first_run(subject, trace), Budget())
    small = remove_clocks(problem, problem.best)
    assert small.size[0] < problem.first.size[0]
    assert len(small.plan) * 3 < len(problem.first.plan)


def test_a_search_from_the_beginning_proves_the_length() -> None:
    """raft-58b: everything shorter is exhausted; with fewer steps, less is said."""
    _, problem = raft("raft-58b")
    assert search(problem, problem.best, 5_000) is problem.best
    assert problem.bound is not None
    assert (problem.bound.events, problem.bound.anchor) == (len(problem.best.plan), 0)
    search(problem, problem.best, 20)
    assert problem.bound is not None and problem.bound.anchor > 0


def test_a_search_finds_the_shorter_run_that_deletion_left() -> None:
    """A plan with one event too many that is still a failing run: the search gives it back without."""
    trace = load(TRACES / "raft-58b.jsonl.gz")
    subject = Subject(RAFT, dict(trace.header.config))
    problem = Problem(subject, trace, first_run(subject, trace), Budget())
    from demi.minimizer.pipelines.default import settle

    settled = settle(problem, drop_beginnings(problem, problem.best), 2_000)
    found = search(problem, settled, 20_000)
    assert len(found.plan) <= len(settled.plan)
    assert problem.bound is not None and problem.bound.events == len(found.plan)


def test_the_races_that_matter_are_named_and_true() -> None:
    trace, problem = raft("raft-58b")
    found = races(problem, problem.best)
    assert found
    for race in found:
        assert race.first < race.second
        assert {trace.entries[at].name.nodes[0] for at in (race.first, race.second)} == {race.node}
        assert race.result in ("no violation", "another violation")
    assert [race.absent for race in found] == sorted(race.absent for race in found)


def test_the_footer_tells_races_chains_and_bound() -> None:
    trace = load(TRACES / "raft-58b.min.jsonl")
    small = minimize(Subject(RAFT, dict(trace.header.config)), trace).trace
    assert small.footer is not None
    told = small.footer.extra["explanation"]
    ids = [entry.id for entry in small]
    for race in told["races"]:
        assert ids.index(race["first"]) < ids.index(race["second"])
    assert {chain["node"] for chain in told["chains"]} == set(small.violation.detail.nodes)  # type: ignore[union-attr]
    assert all(event in ids for chain in told["chains"] for event in chain["events"])
    assert small.footer.extra["minimality"] == "minimal within the bound"
    assert small.footer.extra["bound"]["anchor"] == 0


def test_every_better_run_is_handed_over_before_the_end() -> None:
    trace = load(TRACES / "raft-58b.jsonl.gz")
    kept: list[Trace] = []
    report = minimize(
        Subject(RAFT, dict(trace.header.config)),
        trace,
        budget=Budget(replays=120),
        keep=kept.append,
    )
    sizes = [len(one) for one in kept]
    assert sizes and all(a > b for a, b in itertools.pairwise(sizes))
    assert sizes[-1] >= len(report.trace)
    assert all(one.violation.fingerprint == "LogMatching" for one in kept if one.violation)


@pytest.mark.parametrize("needed", [frozenset(), {3}, {0, 31}, {5, 6, 7, 20}])
def test_counter_based_splitting_finds_exactly_what_is_needed(needed: set[int]) -> None:
    tests = 0

    def fails(kept: object) -> bool:
        nonlocal tests
        tests += 1
        return needed <= set(kept)  # type: ignore[call-overload]

    assert cdd(list(range(32)), fails) == sorted(needed)
    assert tests <= 64


def test_passes_go_by_what_they_gave_per_replay() -> None:
    """Those that keep their place do; without a measurement, and for equal ones, the order stays."""

    def nothing(problem: Problem, run: Run) -> Run:
        return run

    passes = dict.fromkeys(("a", "b", "look", "c", "d"), nothing)
    free = {"a", "b", "c", "d"}

    def order(*done: tuple[str, int, int]) -> list[str]:
        stages = [Stage(name, 100, 100 - gone, replays, 0.0) for name, gone, replays in done]
        return [name for name, _ in by_yield(passes, free, stages)]

    assert order() == ["a", "b", "look", "c", "d"]
    assert order(("a", 5, 10), ("b", 5, 10), ("c", 4, 4), ("d", 0, 9), ("look", 50, 1)) == [
        "c", "a", "look", "b", "d",
    ]  # fmt: skip
    assert order(("c", 4, 4), ("c", 0, 36), ("b", 2, 10)) == ["b", "c", "look", "a", "d"]


def test_the_default_pipeline_names_its_passes() -> None:
    assert DEFAULT.free < set(DEFAULT.rounds)

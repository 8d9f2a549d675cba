"""Hunts: one answer whatever the number of workers, budgets, and nothing found is ever lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from systems import LOCK, LOCK_PROFILE, lock, subject_of

from demi.errors import DivergenceError, TargetError
from demi.fuzz import campaign, parallel
from demi.fuzz.hunt import Found, Plan, Sofar, first_of, hunt, matches, one_run, record_run
from demi.fuzz.parallel import HuntResult, hunt_parallel
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import Detail, StateInvariant, View
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import Profile

PLAN = Plan(LOCK_PROFILE, "random", seed=1000, steps=60)


def stalls(view: View) -> Detail | None:
    """A second, frequent violation: somebody waits."""
    server = view.state(0)
    waits = server is not None and len(server["queue"]) >= 2
    return Detail((), "two wait", "two") if waits else None


BOTH = replace(
    LOCK, invariants=lambda config: (*LOCK.invariants(config), StateInvariant("Stall", "", stalls))
)


def both() -> Subject:
    return Subject(BOTH, dict(LOCK.defaults))


def sequential(plan: Plan, runs: int) -> list[tuple[int, Any]]:
    """The reference: every run one after the other, as (number, outcome)."""
    return list(hunt(both(), plan, iter(range(runs))))


WANTED = replace(PLAN, wanted="OneHolder")
RUNS = 160


@pytest.fixture(scope="module")
def reference() -> list[tuple[int, Any]]:
    outcomes = sequential(WANTED, RUNS)
    assert 3 <= sum(matches(WANTED, o) for _, o in outcomes) <= RUNS // 4, "neither rare nor always"
    return outcomes


def expected(reference: list[tuple[int, Any]], keep: int) -> HuntResult:
    """The answer, computed from the definition."""
    numbers = [number for number, outcome in reference if matches(WANTED, outcome)][:keep]
    limit = numbers[-1] + 1 if len(numbers) == keep else RUNS
    others: dict[str, int] = {}
    for _, outcome in reference[:limit]:
        if outcome.violation is not None and not matches(WANTED, outcome):
            others[outcome.violation.fingerprint] = others.get(outcome.violation.fingerprint, 0) + 1
    found = tuple(
        Found(n, WANTED.seed + n, reference[n][1].violation, reference[n][1].steps) for n in numbers
    )
    return HuntResult(limit, sum(o.steps for _, o in reference[:limit]), found, others)


@pytest.fixture(params=["whole blocks", "torn blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks that come back unfinished after every run are the slowest machine there is."""
    monkeypatch.setattr(parallel, "BLOCK_RUNS", 20)
    if request.param == "torn blocks":
        monkeypatch.setattr(campaign, "BLOCK_SECONDS", 0.0)
    yield


@pytest.mark.parametrize("keep", [1, 2, 1000])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_answer_does_not_depend_on_workers_or_timing(
    workers: int, keep: int, reference: list[tuple[int, Any]], blocks: None
) -> None:
    got = hunt_parallel(both, WANTED, runs=RUNS, seconds=0, keep=keep, workers=workers)
    assert got == expected(reference, keep)
    assert first_of(got.found) == got.found[0]


def test_runs_depend_on_their_number_only(reference: list[tuple[int, Any]]) -> None:
    subject = both()
    for number in (7, 0, 33, 7):
        assert one_run(subject, WANTED, number) == reference[number][1]


def test_wanted_is_a_prefix_and_short_runs_may_be_passed_over(
    reference: list[tuple[int, Any]],
) -> None:
    number, outcome = next((n, o) for n, o in reference if matches(WANTED, o))
    assert matches(replace(WANTED, wanted=""), outcome) and matches(
        replace(WANTED, wanted="One"), outcome
    )
    assert not matches(replace(WANTED, wanted="Stall"), outcome)
    assert matches(replace(WANTED, deliveries_min=outcome.steps), outcome)
    assert not matches(replace(WANTED, deliveries_min=outcome.steps + 1), outcome)
    assert number < RUNS


def test_nothing_found_says_how_far_it_looked() -> None:
    got = hunt_parallel(lambda: lock(careful=True), PLAN, runs=30, seconds=0)
    assert (got.runs, got.found, got.others) == (30, (), {})
    assert not got.timed_out and not got.interrupted
    assert hunt_parallel(lock, PLAN, runs=0, seconds=0).runs == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_spent_time_budget_stops_and_says_so(workers: int) -> None:
    got = hunt_parallel(lambda: lock(careful=True), PLAN, runs=10**9, seconds=0.3, workers=workers)
    assert got.timed_out and not got.interrupted and got.found == ()
    assert got.runs > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_what_was_found(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "BLOCK_RUNS", 40)
    seen = []

    def progress(now: Sofar) -> None:
        seen.append((now.runs, now.steps))
        if now.runs >= 80:
            raise KeyboardInterrupt

    got = hunt_parallel(
        both, WANTED, runs=RUNS, seconds=0, keep=1000, workers=workers, progress=progress
    )
    assert got.interrupted and not got.timed_out
    assert seen[-1][0] >= 80
    numbers = [number for number, o in sequential(WANTED, 80) if matches(WANTED, o)]
    if workers == 1:
        assert [one.number for one in got.found] == numbers and got.runs == 80
    else:
        assert got.found, "blocks that came back count"


def test_ctrl_c_inside_a_block_loses_nothing() -> None:
    """The run after the second wanted violation is interrupted, in the middle of a block."""
    subject = both()
    numbers = [number for number, o in sequential(WANTED, RUNS) if matches(WANTED, o)]
    stop_at = numbers[1] + 1
    runs_begun = [0]

    def look(view: View) -> Detail | None:
        if runs_begun[0] > stop_at:
            raise KeyboardInterrupt
        return None

    class Counting:
        name, doc = "Counting", ""

        def start(self) -> None:
            runs_begun[0] += 1

        def check(self, view: View, memory: None) -> tuple[None, Detail | None]:
            return None, look(view)

    subject.invariants = (Counting(), *subject.invariants)
    got = hunt_parallel(lambda: subject, WANTED, runs=RUNS, seconds=0, keep=1000)
    assert got.interrupted
    assert [one.number for one in got.found] == numbers[:2]
    assert got.runs == stop_at


def test_progress_counts_runs_and_steps(reference: list[tuple[int, Any]]) -> None:
    seen: list[tuple[int, int]] = []
    hunt_parallel(
        both,
        WANTED,
        runs=RUNS,
        seconds=0,
        keep=1000,
        progress=lambda now: seen.append((now.runs, now.steps)),
    )
    assert seen == sorted(seen) and seen[-1] == (RUNS, sum(o.steps for _, o in reference))


# ---- recording what was found


def test_a_found_run_is_recorded_and_replays() -> None:
    subject = lock()
    (found,) = hunt_parallel(lock, PLAN, runs=RUNS, seconds=0).found
    trace = record_run(subject, PLAN, found.number)
    assert trace.violation == found.violation and len(trace) == found.steps
    assert trace.header.seed == found.seed == PLAN.seed + found.number
    assert replay(subject, trace).divergence is None


def test_a_run_that_does_not_repeat_is_refused() -> None:
    """It fails once and never again, so nobody may be shown a trace of it."""
    left = [1]

    class Once(Node):
        def on_start(self, ctx: Context) -> None:
            ctx.send(ctx.name, 1)

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            if left:
                left.pop()
                raise ValueError("once")

    subject = subject_of(lambda: ActorWorld({"a": Once}))
    plan = Plan(Profile(), "random")
    with pytest.raises(DivergenceError, match=r"step 1, a>a:int#1: fail differs") as caught:
        record_run(subject, plan, 0)
    assert "ValueError" in caught.value.what
    assert "iteration over a set" in caught.value.remedy


def test_a_run_that_does_not_repeat_says_which_step_and_what_led_to_it() -> None:
    """The third message is sent once and never again."""
    left = [1]

    class Once(Node):
        def on_start(self, ctx: Context) -> None:
            ctx.send(ctx.name, 1)

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            if msg < 2 or left:
                ctx.send(ctx.name, msg + 1)
            if msg == 2 and left:
                left.pop()
            if msg == 3:
                raise ValueError

    with pytest.raises(DivergenceError) as caught:
        record_run(subject_of(lambda: ActorWorld({"a": Once})), Plan(Profile(), "random"), 0)
    assert "step 2, a>a:int#2: out differs" in caught.value.what
    assert "led by a>a:int#1" in caught.value.what


# ---- errors in workers


class Broken(Node):
    """Breaks its contract in one run of several."""

    def on_start(self, ctx: Context) -> None:
        ctx.send(ctx.name, ctx.random.randrange(40))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg == 0:
            ctx.send("nobody", 1)
        if msg == 1:
            raise KeyError("found")


def broken() -> Subject:
    return subject_of(lambda: ActorWorld({"a": Broken}))


def what_happens(seed: int, workers: int, keep: int = 1) -> str:
    plan = Plan(Profile(), "random", seed=seed)
    result = hunt_parallel(broken, plan, runs=100, seconds=0, keep=keep, workers=workers)
    refused = [f"{one.count} from {one.number}: {one.error.what}" for one in result.refused]
    return f"{[one.number for one in result.found]} of {result.runs}, {refused}"


def test_errors_before_the_answer_are_counted_and_do_not_end_the_hunt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parallel, "BLOCK_RUNS", 5)
    alone = [what_happens(seed, 1) for seed in range(0, 600, 100)]
    assert {"nobody" in answer for answer in alone} == {True, False}, "both happen"
    for workers in (2, 3):
        assert [what_happens(seed, workers) for seed in range(0, 600, 100)] == alone


class Hopeless(Broken):
    """Breaks its contract in all runs but that of one seed in forty."""

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send("nobody" if msg > 0 else ctx.name, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hunt_is_given_up_after_many_errors_in_a_row(workers: int) -> None:
    plan = Plan(Profile(), "random", seed=42, steps=1)  # whose run, and no other to 62, is without
    result = hunt_parallel(
        lambda: subject_of(lambda: ActorWorld({"a": Hopeless})),
        plan, runs=10_000, seconds=0, workers=workers,
    )  # fmt: skip
    assert result.gave_up
    assert result.runs == 21
    assert (result.lost, result.refused[0].number) == (20, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_loses_nothing_that_was_found_before_it(workers: int) -> None:
    plan = Plan(Profile(), "random", seed=0)
    result = hunt_parallel(broken, plan, runs=1000, seconds=0, keep=1000, workers=workers)
    assert result.found
    assert result.error is None
    assert not result.gave_up
    assert result.runs == 1000
    (refused,) = result.refused
    assert "nobody" in refused.error.what
    assert refused.count == result.lost > 5
    assert [one.number for one in result.found] == sorted({one.number for one in result.found})
    assert result.found[-1].number > refused.number


@pytest.mark.parametrize("workers", [1, 2])
def test_a_world_that_cannot_be_built_is_told_as_itself(workers: int) -> None:
    def make() -> Subject:
        raise TargetError("no such world", remedy="build it")

    with pytest.raises(TargetError, match="no such world"):
        hunt_parallel(make, PLAN, runs=10, seconds=0, workers=workers)


def test_a_worker_that_dies_is_an_error_with_a_remedy() -> None:
    class Deadly(Node):
        def on_start(self, ctx: Context) -> None:
            if os.getpid() != PARENT:
                os._exit(9)

    with pytest.raises(TargetError, match="worker process died") as caught:
        hunt_parallel(
            lambda: subject_of(lambda: ActorWorld({"a": Deadly})),
            Plan(Profile(), "random"), runs=10, seconds=0, workers=2,
        )  # fmt: skip
    assert "--workers 1" in caught.value.remedy


PARENT = os.getpid()

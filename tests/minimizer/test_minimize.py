"""Minimizing: known minima, groups, budgets, Ctrl-C, and never another bug than the one given."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import LOCK_PROFILE, Relay, fault, field_is, inject, lock, never, program, subject_of

from demi.errors import DivergenceError, UsageError
from demi.events import External, Kind, Program, Wait
from demi.fuzz.program import generate
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import World
from demi.minimizer.budget import Budget
from demi.minimizer.external_ddmin import atoms
from demi.minimizer.minimize import Report, first_run, minimize
from demi.oracle import Detail, StateInvariant, View, check_all, memories
from demi.scheduler.execute import Choices, Subject, execute, record
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.replay import replay
from demi.trace import Trace
from demi.trace_codec import digest


def recorded(subject: Subject, seed: int, items: Program, steps: int = 150) -> Trace:
    choices = Choices(subject.world)
    execute(subject, RandomWalk(), seed, program=items, steps=steps, observer=choices)
    return record(subject, choices.taken, seed, strategy="random")


def check(subject: Subject, original: Trace, report: Report) -> Trace:
    """What every result promises."""
    small = report.trace
    assert original.violation is not None and small.violation is not None
    assert small.violation.fingerprint == original.violation.fingerprint
    assert small.violation.step == len(small) - 1
    assert small.header.parent == digest(original) and small.header.seed == original.header.seed
    assert len(small) <= len(original) and small.externals <= original.externals
    kept = [entry.id for entry in small if entry.is_external]
    assert kept == [entry.id for entry in original if entry.id in set(kept)], "in the same order"
    assert replay(subject, small).divergence is None
    assert report.verified >= 1
    assert all(stage.after <= stage.before for stage in report.stages)
    assert sum(stage.replays for stage in report.stages) == report.replays
    return small


LOCKS = {lossy: lock(lossy=lossy) for lossy in (False, True)}


@cache
def lock_traces(lossy: bool) -> tuple[Trace, ...]:
    """Violating runs of the lock service, with much that does not matter."""
    subject, found = LOCKS[lossy], []
    for seed in range(400):
        items = generate(replace(LOCK_PROFILE, items=(6, 10)), subject.world.names, seed)
        trace = recorded(subject, seed, items)
        if trace.violation is not None:
            found.append(trace)
    assert len(found) > 40
    return tuple(found[:40])


# ---- minima known by brute force


def shortest(subject: Subject, externals: list[External], depth: int) -> int | None:
    """The length of the shortest violating run in which each external may happen once."""
    world: World = subject.world
    world.reset(0)
    world.offer(externals)
    layer, seen = [world.checkpoint()], {world.digest()}
    for length in range(1, depth + 1):
        following = []
        for saved in layer:
            world.restore(saved)
            for event in list(world.enabled()):
                world.restore(saved)
                world.take(event)
                view = world.observe()
                if check_all(subject.invariants, view, memories(subject.invariants), 0) is not None:
                    return length
                state = world.digest()
                if state not in seen:
                    seen.add(state)
                    following.append(world.checkpoint())
        layer = following
    return None


BOUNCE = [fault(Kind.CRASH, "server"), fault(Kind.RESTART, "server")]
LOCK_MINIMUM = 8  # ask, Ask, Grant; crash, restart; ask, Ask, Grant


def test_the_minimum_of_the_lock_service() -> None:
    subject = lock(clients=2)
    asks = [inject("c1", "ask"), inject("c2", "ask")]
    assert shortest(subject, asks + BOUNCE, 9) == LOCK_MINIMUM
    assert shortest(subject, asks, 9) is None, "without the crash there is no bug"
    assert shortest(subject, [asks[0], *BOUNCE], 9) is None


def crossed(trace: Trace) -> bool:
    """Do two bounces interleave, so that one restarts what the other crashed?"""
    groups = [entry.group for entry in trace if entry.group.startswith("bounce")]
    return any(groups[i] != groups[i + 1] for i in range(0, len(groups) - 1, 2))


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("number", range(20))
def test_lock_traces_are_minimized_to_the_minimum(number: int, lossy: bool) -> None:
    subject, original = LOCKS[lossy], lock_traces(lossy)[number]
    small = check(subject, original, minimize(subject, original))
    if crossed(small):  # neither of two groups that lean on each other can leave alone
        assert crossed(original) and len(small) <= LOCK_MINIMUM + 2
        return
    assert (len(small), small.externals) == (LOCK_MINIMUM, 4)
    words = [entry.id.split(":")[1].split("#")[0].split("(")[0] for entry in small]
    assert sorted(words) == sorted(
        ["ask", "Ask", "Grant", "crash", "restart", "ask", "Ask", "Grant"]
    )


@settings(max_examples=12)
@given(st.integers(0, 39), st.booleans())
def test_minimizing_again_does_not_grow(number: int, lossy: bool) -> None:
    subject, original = LOCKS[lossy], lock_traces(lossy)[number]
    once = check(subject, original, minimize(subject, original))
    twice = check(subject, once, minimize(subject, once))
    assert (twice.externals, len(twice)) <= (once.externals, len(once))
    assert LOCK_MINIMUM <= len(once) <= LOCK_MINIMUM + 2 * crossed(once)


@pytest.mark.parametrize("network", ["bag", "causal", "mailbox"])
def test_every_network_model_is_minimized_to_the_minimum(network: str) -> None:
    subject = lock(network=network)
    items = program(
        inject("c3", "ask"), Wait(steps=8), *BOUNCE, Wait(steps=8), inject("c2", "ask"),
        inject("c1", "ask"), Wait(steps=20),
    )  # fmt: skip
    done = 0
    for seed in range(60):
        original = recorded(subject, seed, items)
        if original.violation is not None:
            assert len(check(subject, original, minimize(subject, original))) == LOCK_MINIMUM
            done += 1
    assert done >= 3


class Sum(Node):
    """Adds up what it is given; wrong at exactly the total `bad`."""

    bad = 21

    def on_start(self, ctx: Context) -> None:
        self.total = 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.total += msg[1]


@settings(max_examples=25)
@given(st.lists(st.integers(1, 9), min_size=4, max_size=10), st.integers(0, 1000))
def test_inputs_that_add_up_are_minimal_by_brute_force(numbers: list[int], seed: int) -> None:
    """No input can go alone: the result is 1-minimal, and its inputs do add up to the wrong total."""
    subject = subject_of(lambda: ActorWorld({"a": Sum}), never(field_is(0, "total", Sum.bad)))
    original = recorded(subject, seed, program(*[inject("a", "add", n) for n in numbers]))
    if original.violation is None:
        return
    small = check(subject, original, minimize(subject, original))
    kept = [entry.msg for entry in small]
    assert sum(kept) == Sum.bad
    sums = [sum(kept) - n for n in kept]
    assert Sum.bad not in sums, "all are positive, so none can go"


# ---- atomic groups


def test_atoms_are_groups_in_order() -> None:
    subject = lock()
    items = program(
        inject("c1", "ask"),
        Wait(),
        fault(Kind.CRASH, "server", group="g"),
        inject("c2", "ask", group="h"),
        Wait(steps=30),
        inject("c3", "ask", group="h"),
        fault(Kind.RESTART, "server", group="g"),
    )
    trace = recorded(subject, 3, items, 60)
    choices = [entry for entry in trace if entry.is_external]
    planned = first_run_of(subject, trace)
    grouped = [
        tuple(want.external.id for at in positions for want in [planned.plan[at]] if want.external)
        for positions in atoms(planned)
    ]
    assert sorted(map(sorted, grouped)) == sorted(
        [
            sorted(e.id for e in choices if e.group == group)
            for group in {e.group for e in choices if e.group}
        ]
        + [[e.id] for e in choices if not e.group]
    )
    firsts = [trace_at(trace, names[0]) for names in grouped]
    assert firsts == sorted(firsts)


def trace_at(trace: Trace, name: str) -> int:
    return [entry.id for entry in trace].index(name)


def first_run_of(subject: Subject, trace: Trace) -> Any:
    """The run behind a trace, as minimizing sees it; any trace will do here."""
    steps = len(trace) - 1

    class AtEnd:
        name, doc = "End", ""

        def start(self) -> int:
            return 0

        def check(self, view: View, memory: int) -> tuple[int, Detail | None]:
            return memory + 1, Detail((), "end") if memory == steps else None

    subject.invariants = (AtEnd(),)
    again = recorded_choices(subject, trace)
    return first_run(subject, again)


def recorded_choices(subject: Subject, trace: Trace) -> Trace:
    plain = replace(trace, footer=None)
    return record(subject, replay(subject, plain).choices, trace.header.seed, strategy="x")


def test_a_group_stays_or_leaves_as_one() -> None:
    """Only one of a pair is needed; the other comes along."""
    subject = subject_of(lambda: ActorWorld({"a": Sum}), never(field_is(0, "total", 21)))
    pairs = [inject("a", "add", 20, group="p"), inject("a", "add", 0, group="p")]
    rest = [
        inject("a", "add", 1, group="q"),
        inject("a", "add", 0, group="q"),
        inject("a", "add", 0),
    ]
    items = program(*pairs, *rest)
    for seed in range(30):
        original = recorded(subject, seed, items)
        small = check(subject, original, minimize(subject, original))
        groups = [entry.group for entry in small]
        in_original = [entry.group for entry in original]
        assert set(groups) == {"p", "q"}, "and not the one without a group"
        for group in "pq":
            assert groups.count(group) == in_original.count(group), (
                "as many as before the violation"
            )


# ---- what each pass is for


class Chatter(Relay):
    """Talks to its peer for ever."""

    def on_start(self, ctx: Context) -> None:
        if ctx.name in ("x", "y"):
            ctx.send("y" if ctx.name == "x" else "x", "talk")

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.got = (sender,)
        if msg == "talk":
            ctx.send(sender, "talk")
        if ctx.name == "a" and sender == "ext":
            ctx.send("b", "hit")
        self.hit = msg == "hit"


def test_provenance_removes_what_is_concurrent_in_one_replay() -> None:
    def look(view: View) -> Detail | None:
        return Detail(("b",), "hit") if (view.state(1) or {}).get("hit") else None

    subject = subject_of(
        lambda: ActorWorld(dict.fromkeys("abxy", Chatter)), StateInvariant("Hit", "", look)
    )
    original = recorded(subject, 3, program(Wait(steps=40), inject("a", "go")))
    assert original.violation is not None and len(original) > 40
    report = minimize(subject, original)
    first = report.stages[0]
    assert (first.name, first.after, first.replays) == ("provenance", 2, 1)
    assert [entry.id for entry in check(subject, original, report)] == ["ext:go(a)#1", "a>b:hit#1"]


class Term(Node):
    """Every message carries a term that each earlier timer has raised."""

    def on_start(self, ctx: Context) -> None:
        self.term, self.top = 0, 0
        if ctx.name == "a":
            ctx.set_timer("t", 1.0)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.term += 1
        ctx.set_timer("t", 1.0)
        ctx.send("b", ("vote", self.term))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if sender == "b":
            self.top = msg[1]
        else:
            ctx.send("a", ("ok", msg[1]))


def test_wildcards_let_the_rest_of_the_run_follow_smaller_terms() -> None:
    """By content the tenth vote needs ten timers; by type the first vote will do."""
    subject = subject_of(
        lambda: ActorWorld({"a": Term, "b": Term}, network="bag"),
        never(lambda view: view.state(0) is not None and view.state(0)["top"] > 0),
    )
    original = next(
        trace
        for trace in (recorded(subject, seed, Program()) for seed in range(200))
        if trace.violation is not None and trace.entries[-1].msg[1] >= 3
    )
    small = check(subject, original, minimize(subject, original))
    assert [entry.id for entry in small] == ["a!t#1", "a>b:vote#1", "b>a:ok#1"]


# ---- one bug in, the same bug out


class TwoBugs(Node):
    """Two roles of one invariant and a crash, all near each other."""

    def on_start(self, ctx: Context) -> None:
        self.seen: tuple[str, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.seen += (msg[0],)
        if self.seen[-2:] == ("b", "boom"):
            raise ValueError("boom after b")


def order(view: View) -> Detail | None:
    state = view.state(0)
    seen = state["seen"] if state else ()
    if "z" in seen:
        easy, hard = seen.count("a") == 0, seen.count("a") >= 2
        if easy or hard:
            return Detail(("n",), "order", "easy" if easy else "hard")
    return None


@pytest.mark.parametrize("fingerprint", ["Order/easy", "Order/hard", "crash/ValueError@on_message"])
def test_the_fingerprint_never_slips(fingerprint: str) -> None:
    sizes = {"Order/easy": 1, "Order/hard": 3, "crash/ValueError@on_message": 2}
    subject = subject_of(lambda: ActorWorld({"n": TwoBugs}), StateInvariant("Order", "", order))
    items = program(*[inject("n", label) for label in ("a", "b", "boom", "a", "b", "z", "a", "b")])
    done = 0
    for seed in range(60):
        original = recorded(subject, seed, items)
        if original.violation is not None and original.violation.fingerprint == fingerprint:
            small = check(subject, original, minimize(subject, original))
            assert len(small) == sizes[fingerprint]
            done += 1
    assert done >= 3


# ---- stopping at any time


@pytest.mark.parametrize("replays", [1, 2, 3, 5, 8, 13, 21, 1000])
def test_a_spent_budget_gives_the_best_so_far_verified(replays: int) -> None:
    subject = LOCKS[False]
    original = max(lock_traces(False), key=len)
    report = minimize(subject, original, budget=Budget(replays=replays))
    small = check(subject, original, report)
    assert report.replays <= replays
    assert report.exhausted == (replays < 1000) and not report.interrupted
    assert (len(small) == LOCK_MINIMUM) or report.exhausted


def test_more_budget_is_never_worse() -> None:
    subject = LOCKS[False]
    original = max(lock_traces(False), key=len)
    sizes = []
    for replays in range(1, 30, 4):
        trace = minimize(subject, original, budget=Budget(replays=replays)).trace
        sizes.append((trace.externals, len(trace)))
    assert sizes == sorted(sizes, reverse=True)


def test_a_spent_time_budget_gives_a_result_too() -> None:
    subject = LOCKS[False]
    original = lock_traces(False)[0]
    report = minimize(subject, original, budget=Budget(seconds=1e-9))
    assert report.exhausted and report.replays == 0
    assert len(check(subject, original, report)) == len(original)


@pytest.mark.parametrize("after", [1, 2, 4, 9, 20])
def test_ctrl_c_gives_the_best_so_far_verified(after: int) -> None:
    subject = LOCKS[False]
    original = max(lock_traces(False), key=len)
    left: list[int] = []

    def progress(stage: str, events: int, replays: int) -> None:
        left.append(events)
        if replays >= after:
            raise KeyboardInterrupt

    report = minimize(subject, original, progress=progress)
    assert report.interrupted and not report.exhausted and report.replays == after
    assert len(check(subject, original, report)) == left[-1]
    assert left == sorted(left, reverse=True)


def test_the_same_schedule_is_not_tried_twice() -> None:
    subject = LOCKS[False]
    tries = [minimize(subject, original).replays for original in lock_traces(False)[:5]]
    assert tries == [minimize(subject, original).replays for original in lock_traces(False)[:5]]
    small = minimize(subject, lock_traces(False)[0]).trace
    again = minimize(subject, small)
    assert again.replays <= 120, "8 events: 28 pairs, 8 singles, 4 inputs, by content and by type"


# ---- what cannot be minimized


def test_a_trace_without_a_violation_is_refused() -> None:
    subject = lock(careful=True)
    trace = recorded(subject, 0, program(inject("c1", "ask")), 20)
    with pytest.raises(UsageError, match="no violation") as caught:
        minimize(subject, trace)
    assert caught.value.remedy.endswith("demi fuzz lock") or "tiny" in caught.value.remedy
    assert trace.header.target in caught.value.remedy


def test_a_trace_that_does_not_replay_is_refused() -> None:
    original = lock_traces(False)[0]
    with pytest.raises(DivergenceError, match="does not replay"):
        minimize(lock(careful=True), original)
    entries = original.entries[:3] + original.entries[4:]
    with pytest.raises(DivergenceError, match="does not replay"):
        minimize(LOCKS[False], replace(original, entries=entries))


def test_a_trace_that_claims_another_violation_is_refused() -> None:
    original = lock_traces(False)[0]
    assert original.footer is not None and original.violation is not None
    claimed = replace(original.violation, invariant="Other")
    changed = replace(original, footer=replace(original.footer, violation=claimed))
    with pytest.raises(DivergenceError, match="records Other but shows OneHolder"):
        minimize(LOCKS[False], changed)

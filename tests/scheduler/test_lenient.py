"""Lenient replay: a subsequence is a request; what matches what, and what is absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import LOCK_PROFILE, fault, inject, lock, program, relays, subject_of

from demi.events import Kind, Program, Wait
from demi.fuzz.program import generate
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.scheduler.execute import Subject, execute
from demi.scheduler.fifo import Fifo
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.run import Observers
from demi.scheduler.sts import Lenient, Match, Planner, Wanted

NOTHING = Program()


def plan(
    subject: Subject, items: Program = NOTHING, seed: int = 0, steps: int = 40
) -> list[Wanted]:
    planner = Planner(subject.world)
    strategy = RandomWalk() if seed else Fifo()
    execute(subject, strategy, seed, program=items, steps=steps, observer=planner)
    return list(planner.plan)


def follow(
    subject: Subject, wanted: Sequence[Wanted], seed: int = 0, **options: Any
) -> tuple[Lenient, list[Wanted]]:
    strategy, planner = Lenient(wanted, **options), Planner(subject.world)
    execute(subject, strategy, seed, observer=Observers(planner))
    return strategy, list(planner.plan)


def matched(wanted: Sequence[Wanted], match: Match) -> list[Wanted]:
    return [Wanted(w.name, w.choice, w.label, w.content, match) for w in wanted]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sets(st.integers(0, 39)), st.booleans())
def test_a_subsequence_gives_a_run_that_follows_itself(
    seed: int, gone: set[int], lossy: bool
) -> None:
    subject = LOCKS[lossy]
    items = generate(LOCK_PROFILE, subject.world.names, seed)
    whole = plan(subject, items, seed)
    assert follow(subject, whole, seed)[0].absent == [], "all of it is possible"
    wanted = [w for at, w in enumerate(whole) if at not in gone]
    strategy, got = follow(subject, wanted, seed)
    answered = sorted(strategy.used + strategy.absent)
    assert answered == list(range(len(answered))), "in order, each position once"
    assert len(got) == len(strategy.used)
    assert len(answered) == len(wanted) or violated(subject)
    again, second = follow(subject, got, seed)
    assert again.absent == [] and second == got, "what was executed is a schedule"


LOCKS = {lossy: lock(lossy=lossy) for lossy in (False, True)}


def violated(subject: Subject) -> bool:
    """The run was cut short, so the end of the plan was not asked for."""
    view = subject.world.observe()
    return sum(bool((view.state(n) or {}).get("holds")) for n in range(len(view.names))) > 1


class Stamper(Node):
    """Answers each input with its own count: removing one input changes every later content."""

    def on_start(self, ctx: Context) -> None:
        self.count = 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.count += 1
        ctx.send("b", ("stamp", self.count))


class Keeper(Node):
    def on_start(self, ctx: Context) -> None:
        self.got: tuple[Any, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.got += (msg[1],)


def stamps(**options: Any) -> Subject:
    return subject_of(lambda: ActorWorld({"a": Stamper, "b": Keeper}, **options))


THREE = program(inject("a", "x"), inject("a", "x"), inject("a", "x"))


def got(subject: Subject) -> tuple[int, ...]:
    state = subject.world.observe().state(1)
    return state["got"]  # type: ignore[no-any-return]


def test_exact_matching_skips_content_that_never_came() -> None:
    subject = stamps()
    whole = plan(subject, THREE)
    assert [w.label for w in whole] == ["x", "x", "x", "stamp", "stamp", "stamp"]
    strategy, _ = follow(subject, whole[1:])
    assert (strategy.used, strategy.absent) == ([0, 1, 2, 3], [4])
    assert got(subject) == (1, 2), "stamp 3 does not exist without the third input"


def test_a_mask_makes_different_contents_equal() -> None:
    subject = stamps()
    whole = plan(subject, THREE)
    masked, _ = follow(subject, [*whole[2:3], whole[5]], mask=lambda label, packet: label)
    assert (masked.used, got(subject)) == ([0, 1], (1,)), "stamp 3 is asked for, stamp 1 comes"
    exact, _ = follow(subject, [*whole[2:3], whole[5]])
    assert (exact.used, exact.absent) == ([0], [1])


def test_exact_is_preferred_to_masked_and_oldest_goes_first() -> None:
    subject = stamps(network="bag")
    whole = plan(subject, THREE)
    follow(subject, [*whole[:3], whole[5]], mask=lambda label, packet: label)
    assert got(subject) == (3,), "content 3 is there"
    follow(subject, [*whole[:3], whole[5], whole[5]], mask=lambda label, packet: label)
    assert got(subject) == (3, 1), "then the oldest of what the mask makes equal"


@pytest.mark.parametrize(
    ("match", "expected"),
    [(Match.NEWEST, (3, 2, 1)), (Match.OLDEST, (1, 2, 3)), (Match.EXACT, (2,))],
)
def test_wildcards_choose_by_type(match: Match, expected: tuple[int, ...]) -> None:
    subject = stamps(network="bag")
    whole = plan(subject, THREE)
    second = next(w for w in whole if w.content == ("stamp", 2))
    follow(subject, [*whole[:3], *matched([second] * 3, match)])
    assert got(subject) == expected


def test_the_newest_on_a_lossy_channel_loses_the_older() -> None:
    subject = stamps(lossy=True)
    whole = plan(subject, THREE)
    strategy, _ = follow(subject, [*whole[:3], *matched(whole[3:5], Match.NEWEST)])
    assert (got(subject), strategy.absent) == ((3,), [4])


def test_the_newest_on_a_strict_channel_is_its_head() -> None:
    subject = stamps()
    whole = plan(subject, THREE)
    follow(subject, [*whole[:3], *matched(whole[3:5], Match.NEWEST)])
    assert got(subject) == (1, 2)


def test_removing_from_a_strict_channel_removes_all_that_follows() -> None:
    """The prefix rule and the drop-allowed rule, on one channel of five messages."""
    first = {"a": [("b", k) for k in range(5)], "b": []}
    strict, lossy = subject_of(lambda: relays(first)), subject_of(lambda: relays(first, lossy=True))
    for subject, left in ((strict, [0, 1]), (lossy, [0, 1, 3, 4])):
        whole = plan(subject)
        strategy, executed = follow(subject, [w for at, w in enumerate(whole) if at != 2])
        assert [w.content for w in executed] == left
        assert strategy.absent == ([] if subject is lossy else [2, 3])


class Ping(NamedTuple):
    n: int


class Pong(NamedTuple):
    n: int


def test_equal_records_of_different_types_do_not_match() -> None:
    """`Ping(1) == Pong(1)` in Python, since both are tuples."""
    first = {"a": [("b", Ping(1)), ("b", Pong(1))], "b": []}
    subject = subject_of(lambda: relays(first, network="bag"))
    whole = plan(subject)
    pong = next(w for w in whole if w.label == "Pong")
    _, executed = follow(subject, [pong, pong])
    assert [w.label for w in executed] == ["Pong"]


def test_externals_without_their_precondition_are_absent() -> None:
    subject = lock()
    crash, restart, again = (
        fault(Kind.CRASH, "server"), fault(Kind.RESTART, "server"), fault(Kind.HEAL, "server", "c1")
    )  # fmt: skip
    wanted = [Wanted(e.id, e, "") for e in (restart, again, crash, crash, restart, restart)]
    strategy, executed = follow(subject, wanted)
    assert strategy.used == [2, 4] and strategy.absent == [0, 1, 3, 5]
    assert [w.name for w in executed] == ["ext:crash(server)#1", "ext:restart(server)#1"]
    assert subject.world.enabled() == [e for e in subject.world.enabled() if e[0] < Kind.START], (
        "what was absent does not stay on offer"
    )


def test_timers_match_whatever_their_generation() -> None:
    subject = lock()
    items = program(Wait(steps=1))
    whole = [w for w in plan(subject, items, steps=30) if w.is_timer]
    assert [w.choice[3] for w in whole[:3]] == [0, 1, 2]  # type: ignore[index]
    strategy, executed = follow(subject, whole[2:4])
    assert strategy.absent == [] and [w.choice[3] for w in executed] == [0, 1]  # type: ignore[index]


def test_timers_of_a_crashed_node_are_absent() -> None:
    subject = lock()
    tick = next(w for w in plan(subject, steps=10) if w.is_timer)
    crash = fault(Kind.CRASH, "server")
    strategy, _ = follow(subject, [Wanted(crash.id, crash, ""), tick])
    assert strategy.absent == [1]


def test_what_is_not_wanted_is_not_delivered() -> None:
    subject = subject_of(lambda: relays({"a": [("b", k) for k in range(5)], "b": []}))
    _, executed = follow(subject, plan(subject)[:2])
    assert len(executed) == 2 and len(subject.world.enabled()) == 1


def test_mutable_messages_match_by_content() -> None:
    class Sender(Node):
        def on_start(self, ctx: Context) -> None:
            ctx.send("b", {"type": "m", "s": {"x", "y"}})
            ctx.send("b", {"type": "m", "s": {"z"}})

    subject = subject_of(lambda: ActorWorld({"a": Sender, "b": Node}, network="bag"))
    whole = plan(subject)
    strategy, executed = follow(subject, whole[::-1])
    asked = [(w.choice, w.label) for w in whole]
    assert strategy.absent == [] and [(w.choice, w.label) for w in executed] == asked[::-1]


def test_a_planner_says_what_caused_what() -> None:
    subject = lock()
    planner = Planner(subject.world)
    items = program(inject("c1", "ask"))
    execute(subject, Fifo(), 0, program=items, steps=20, observer=planner)
    labels = [w.label for w in planner.plan]
    for at, cause in enumerate(planner.causes):
        if labels[at] == "Grant":
            assert labels[cause] == "Ask"
        if labels[at] == "Ask":
            assert planner.plan[cause].external is not None
        if labels[at] == "ping":
            assert labels[cause] == "tick"
        if planner.plan[at].external is not None:
            assert cause == -1
    assert "Grant" in labels


def test_a_message_that_holds_no_number_matches_itself() -> None:
    class Mean(NamedTuple):
        values: tuple[float, ...]
        label: str

    class Source(Node):
        def on_start(self, ctx: Context) -> None:
            for dividend in (0.0, 1.0):
                ctx.send("b", Mean((dividend, float("nan")), "mean"))

    subject = subject_of(lambda: ActorWorld({"a": Source, "b": Node}))
    whole = plan(subject)
    assert len(whole) == 2
    strategy, got = follow(subject, whole)
    assert (strategy.absent, got) == ([], whole)
    first, second = whole
    assert first.content != second.content

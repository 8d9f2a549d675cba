"""Scripts: when externals are offered, what ends a wait, and how a run ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from systems import fault, field_is, inject, never, program, relays, subject_of

from demi.errors import TargetError
from demi.events import Event, External, Item, Kind, Nudge, Wait
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step
from demi.oracle import Detail, View
from demi.scheduler.execute import Choices, Subject, execute, record
from demi.scheduler.fifo import Fifo
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.run import ExitReason, Outcome


class Offers:
    """An Observer: which externals were enabled before each step."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.seen: list[list[str]] = []
        self.taken: list[str] = []

    def began(self, boot: Step) -> None:
        """Nothing yet."""

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        world = self.subject.world
        self.seen.append([world.external(e).id for e in enabled if e[0] >= Kind.START])
        external = event[0] >= Kind.START
        self.taken.append(world.external(event).id if external else world.label(event))

    def after(self, step: Step) -> None:
        """Nothing."""


def ring(**rest: Any) -> Subject:
    """A token goes round for ever."""
    then = {"b": {"t": [("a", "t")]}, "a": {"t": [("b", "t")]}}
    return subject_of(lambda: relays({"a": [("b", "t")], "b": []}, then), **rest)


def still(**rest: Any) -> Subject:
    """Nothing happens by itself."""
    return subject_of(lambda: relays({"a": [], "b": []}), **rest)


def go(subject: Subject, *items: Item, steps: int = 12) -> tuple[Offers, Outcome]:
    offers = Offers(subject)
    outcome = execute(subject, Fifo(), 0, program=program(*items), steps=steps, observer=offers)
    return offers, outcome


X, Y, Z = (inject("a", label) for label in "xyz")
IDS = {label: f"ext:{label}(a)#1" for label in "xyz"}


def first_offer(offers: Offers, label: str) -> int:
    return next(at for at, seen in enumerate(offers.seen) if IDS[label] in seen)


def test_waits_count_steps() -> None:
    offers, outcome = go(ring(), Wait(steps=3), X, Wait(steps=4), Y)
    assert (first_offer(offers, "x"), first_offer(offers, "y")) == (3, 7)
    assert (outcome.reason, outcome.steps) == (ExitReason.STEPS, 12)


def test_externals_between_two_waits_are_offered_together() -> None:
    offers, _ = go(ring(), Wait(steps=2), X, Y, Z, Wait(steps=2))
    assert offers.seen[1] == [] and set(offers.seen[2]) == set(IDS.values())


def test_without_a_wait_all_is_offered_before_the_first_step() -> None:
    offers, _ = go(ring(), X, Y)
    assert set(offers.seen[0]) == {IDS["x"], IDS["y"]}


def test_a_bare_wait_is_over_at_quiescence() -> None:
    offers, outcome = go(still(), X, Wait(), Y, Wait(), Z)
    assert offers.seen == [[IDS["x"]], [IDS["y"]], [IDS["z"]]]
    assert (outcome.reason, outcome.steps) == (ExitReason.QUIESCENCE, 3)


def test_a_bare_wait_never_ends_while_something_moves() -> None:
    offers, outcome = go(ring(), Wait(), X)
    assert all(not seen for seen in offers.seen) and outcome.reason is ExitReason.STEPS


def test_quiescence_ends_a_long_wait_early_too() -> None:
    offers, outcome = go(still(), X, Wait(steps=100), Wait(steps=100), Y)
    assert offers.taken == [IDS["x"], IDS["y"]] and outcome.steps == 2


def heard(n: int) -> Callable[[View], bool]:
    return lambda view: len(view.state(0)["got"]) >= n


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (Wait(condition="two"), 4),
        (Wait(steps=2, condition="two"), 2),
        (Wait(steps=50, condition="two"), 4),
        (Wait(steps=5, condition="never"), 5),
        (Wait(condition="already"), 0),
    ],
)
def test_conditions_end_a_wait_and_steps_cap_them(wait: Wait, expected: int) -> None:
    conditions: Mapping[str, Callable[[View], bool]] = {
        "two": heard(2),
        "never": lambda view: False,
        "already": lambda view: True,
    }
    offers, _ = go(ring(conditions=conditions), wait, X)
    assert first_offer(offers, "x") == expected


def test_a_condition_at_quiescence_does_not_hang() -> None:
    offers, outcome = go(still(conditions={"never": lambda v: False}), Wait(condition="never"), X)
    assert offers.taken == [IDS["x"]] and outcome.reason is ExitReason.QUIESCENCE


@pytest.mark.parametrize("item", [Wait(condition="tow"), Nudge("tow")])
def test_unknown_words_are_refused_with_the_nearest(item: Item) -> None:
    subject = still(conditions={"two": lambda v: True}, selectors={"two": lambda w: None})
    with pytest.raises(TargetError, match="tow") as caught:
        go(subject, item)
    assert "did you mean 'two'" in caught.value.remedy


def last(world: Any) -> Any:
    return world.enabled()[-1] if world.enabled() else None


def test_a_nudge_takes_one_chosen_event_now() -> None:
    offers, _ = go(ring(selectors={"last": last}), Wait(steps=2), X, Y, Nudge("last"), Z, steps=5)
    assert offers.taken[:2] == ["t", "t"]
    assert offers.taken[2] == IDS["y"], "offered first, then nudged"
    assert IDS["z"] in offers.seen[3], "the program goes on after the step"


def test_a_nudge_that_finds_nothing_is_passed_over() -> None:
    offers, outcome = go(
        still(selectors={"none": lambda world: None}), Nudge("none"), X, Nudge("none")
    )
    assert offers.taken == [IDS["x"]] and outcome.reason is ExitReason.QUIESCENCE


def test_a_selector_must_choose_what_is_enabled() -> None:
    subject = still(selectors={"bad": lambda world: (int(Kind.DELIVER), 0, 1, 5)})
    with pytest.raises(TargetError, match="'bad' chose an event that is not enabled"):
        go(subject, Nudge("bad"))


def test_an_atomic_group_is_offered_together() -> None:
    pair = fault(Kind.CRASH, "b", group="g"), fault(Kind.RESTART, "b", group="g")
    offers, _ = go(ring(), Wait(steps=1), *pair, Wait(steps=3), X)
    assert offers.seen[1] == ["ext:crash(b)#1"], "the restart waits for its precondition"
    at = offers.taken.index("ext:crash(b)#1")
    assert "ext:restart(b)#1" in offers.seen[at + 1]


# ---- ends


def test_a_run_ends_at_its_first_violation() -> None:
    subject = ring()
    subject.invariants = (never(heard(2), "Two", key="role"), never(heard(1), "One"))
    _, outcome = go(subject)
    assert (outcome.reason, outcome.steps) == (ExitReason.VIOLATION, 2)
    assert outcome.violation is not None
    assert (outcome.violation.fingerprint, outcome.violation.step) == ("One", 1)
    subject.invariants = (never(heard(2), "Two", key="role"),)
    assert go(subject)[1].violation.fingerprint == "Two/role"  # type: ignore[union-attr]


def test_the_first_of_several_invariants_wins() -> None:
    subject = ring()
    subject.invariants = (never(heard(1), "B"), never(heard(1), "A"))
    assert go(subject)[1].violation.invariant == "B"  # type: ignore[union-attr]


def test_a_crash_is_a_violation_and_wins_over_invariants() -> None:
    class Bomb(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            raise KeyError(msg)

    down = never(lambda view: view.state(0) is None)
    subject = subject_of(lambda: ActorWorld({"a": Bomb}), down)
    _, outcome = go(subject, X)
    assert outcome.violation is not None
    assert outcome.violation.fingerprint == "crash/KeyError@on_message"
    assert outcome.violation.detail.nodes == ("a",)


def test_a_crash_at_the_start_is_a_violation_of_an_empty_run() -> None:
    class Bomb(Node):
        def on_start(self, ctx: Context) -> None:
            raise KeyError("early")

    _, outcome = go(subject_of(lambda: ActorWorld({"a": Bomb})), X)
    assert (outcome.steps, outcome.violation.fingerprint) == (0, "crash/KeyError@on_start")  # type: ignore[union-attr]


def test_the_starting_state_is_checked() -> None:
    subject = ring()
    subject.invariants = (never(lambda view: True),)
    _, outcome = go(subject)
    assert (outcome.steps, outcome.violation.step) == (0, 0)  # type: ignore[union-attr]
    assert record(subject, (), 0, strategy="none").violation == outcome.violation


class Memory:
    """Remembers how many states it saw; broken at the fourth, the third step.  A value, not a field."""

    name, doc = "Third", ""

    def start(self) -> int:
        return 0

    def check(self, view: View, memory: int) -> tuple[int, Detail | None]:
        return memory + 1, Detail((), "third") if memory == 3 else None


def test_memory_starts_over_with_every_run() -> None:
    subject = ring()
    subject.invariants = (Memory(),)
    for _ in range(3):
        assert go(subject)[1].steps == 3


def test_touched_is_the_node_of_the_step() -> None:
    touched: list[tuple[int, ...]] = []

    def look(view: View) -> bool:
        touched.append(tuple(view.touched))
        return False

    subject = ring()
    subject.invariants = (never(look),)
    go(subject, steps=3)
    assert touched == [(0, 1), (1,), (0,), (1,)]


def test_a_strategy_that_ends_and_one_that_does_not_begin() -> None:
    class Two(RandomWalk):
        def __init__(self, go: bool) -> None:
            super().__init__()
            self.go, self.n = go, 0

        def begin(self, world: Any, seed: int, boot: Step) -> bool:
            return self.go and super().begin(world, seed, boot)

        def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
            self.n += 1
            return super().choose(enabled, last) if self.n < 3 else None

    assert execute(ring(), Two(True), 0) == Outcome(ExitReason.STRATEGY, 2)
    assert execute(ring(), Two(False), 0) == Outcome(ExitReason.STRATEGY, 0)


def test_choices_are_a_schedule() -> None:
    subject = ring()
    choices = Choices(subject.world)
    execute(subject, Fifo(), 0, program=program(X), steps=3, observer=choices)
    assert [type(one) for one in choices.taken].count(External) == 1
    assert field_is(0, "got", ())(subject.world.observe()) is False

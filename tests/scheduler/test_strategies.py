"""Every strategy in the registry: repeatable, honest about what is enabled, and good at its trade."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from systems import (
    LOCK_PROFILE,
    Relay,
    fault,
    field_is,
    in_process,
    inject,
    lock,
    never,
    pick,
    program,
    relays,
    subject_of,
)

from demi.errors import UsageError
from demi.events import Event, Kind, Nudge, Program, Wait
from demi.fuzz.program import generate
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step, World
from demi.scheduler.execute import Choices, Subject, execute
from demi.scheduler.registry import STRATEGIES, make_strategy
from demi.scheduler.run import ExitReason
from demi.scheduler.strategy import Draws, Strategy
from demi.target import Profile

ALL = sorted(STRATEGIES)
RANDOM = [name for name in ALL if name != "fifo"]


class Watched:
    """Checks each choice of another strategy against what was enabled."""

    offers = False

    def __init__(self, inner: Strategy) -> None:
        self.inner, self.name = inner, inner.name
        self.sizes: list[int] = []

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self.world = world
        return self.inner.begin(world, seed, boot)

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        before = list(enabled)
        assert before == sorted(before), "canonical order"
        chosen = self.inner.choose(enabled, last)
        assert chosen in before and self.world.allowed(chosen)  # type: ignore[arg-type]
        assert list(enabled) == before, "choosing changes nothing"
        self.sizes.append(len(before))
        return chosen

    def draw(self, kind: str, bound: int) -> int:
        return self.inner.draw(kind, bound)


@pytest.mark.parametrize("network", ["fifo", "bag", "causal", "mailbox"])
@pytest.mark.parametrize("name", ALL)
def test_always_chooses_something_enabled(name: str, network: str) -> None:
    subject = lock(network=network)
    for seed in range(12):
        watched = Watched(make_strategy(name, LOCK_PROFILE))
        items = generate(LOCK_PROFILE, subject.world.names, seed)
        outcome = execute(subject, watched, seed, program=items, steps=60)
        assert len(watched.sizes) == outcome.steps > 0
        assert max(watched.sizes) > 1, "there was something to choose"


def taken(subject: Subject, name: str, seed: int, items: Program, steps: int = 60) -> list[Any]:
    choices = Choices(subject.world)
    execute(
        subject,
        make_strategy(name, LOCK_PROFILE),
        seed,
        program=items,
        steps=steps,
        observer=choices,
    )
    return list(choices.taken)


CODE = """
from systems import LOCK_PROFILE, lock
from demi.fuzz.program import generate
from demi.scheduler.execute import Choices, execute
from demi.scheduler.registry import STRATEGIES, make_strategy
subject = lock()
for name in sorted(STRATEGIES):
    for seed in range(4):
        choices = Choices(subject.world)
        items = generate(LOCK_PROFILE, subject.world.names, seed)
        execute(subject, make_strategy(name, LOCK_PROFILE), seed, program=items, steps=60, observer=choices)
        print(name, seed, choices.taken)
"""


def test_the_same_seed_makes_the_same_choices_under_every_hash_seed() -> None:
    first, second = in_process(CODE, 1), in_process(CODE, 99)
    assert first == second
    assert len(set(first.splitlines())) == 4 * len(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_strategy_starts_over_and_other_seeds_differ(name: str) -> None:
    subject = lock()
    items = program(inject("c1", "ask"), inject("c2", "ask"), Wait(steps=6), inject("c3", "ask"))
    runs = [taken(subject, name, seed, items, steps=20) for seed in (0, 1, 2, 0)]
    assert runs[0] == runs[3]
    assert (len({str(run) for run in runs}) > 1) == (name != "fifo"), "fifo has no choice to make"


@pytest.mark.parametrize("name", ALL)
def test_quiescence_is_reached_and_said(name: str) -> None:
    subject = subject_of(lambda: relays({"a": [("b", k) for k in range(5)], "b": []}))
    outcome = execute(subject, make_strategy(name, Profile()), 0)
    assert (outcome.reason, outcome.steps) == (ExitReason.QUIESCENCE, 5)
    outcome = execute(subject, make_strategy(name, Profile()), 0, steps=3)
    assert (outcome.reason, outcome.steps) == (ExitReason.STEPS, 3)


def test_unknown_strategies_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="randm") as caught:
        make_strategy("randm", Profile())
    assert "random" in caught.value.remedy


# ---- fifo


def test_fifo_is_arrival_order_also_for_what_the_outside_offers() -> None:
    subject = subject_of(
        lambda: relays(
            {"a": [("b", 1)], "b": [("a", "x")]}, {"b": {1: [("b", "y")]}, "a": {"x": [("a", "z")]}}
        )
    )
    items = program(Wait(steps=1), inject("a", "in"))
    world = subject.world
    got = [
        item if isinstance(item, tuple) else item.id for item in taken(subject, "fifo", 0, items)
    ]
    assert got == [
        pick(world, "b", "a"), pick(world, "a", "b"), pick(world, "b", "b"), "ext:in(a)#1",
        pick(world, "a", "a"),
    ]  # fmt: skip


class Ticker(Node):
    def on_start(self, ctx: Context) -> None:
        self.ticks = 0
        ctx.set_timer("t", 1.0)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.ticks += 1
        ctx.set_timer("t", 1.0)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.cancel_timer("t")


@pytest.mark.parametrize("name", ALL)
def test_a_timer_that_always_rearms_starves_nobody(name: str) -> None:
    subject = subject_of(lambda: ActorWorld({"a": Ticker}))
    items = program(Wait(steps=5), inject("a", "stop"))
    for seed in range(5):
        outcome = execute(
            subject, make_strategy(name, Profile(steps=200)), seed, program=items, steps=200
        )
        assert outcome.reason is ExitReason.QUIESCENCE, "the input was taken at some time"


# ---- nudges are steps that a strategy is not asked about


@pytest.mark.parametrize("network", ["fifo", "bag"])
@pytest.mark.parametrize("name", ALL)
def test_nudges_do_not_confuse_a_strategy(name: str, network: str) -> None:
    """After each nudge the strategy meets a world in which something happened behind its back."""

    def busy() -> ActorWorld:
        first = {"a": [("b", k) for k in range(12)], "b": [], "c": []}
        return relays(first, {"b": {1: [("c", 1)]}}, network=network)

    def last_delivery(world: World) -> Event | None:
        return max((e for e in world.enabled() if e[0] == Kind.DELIVER), default=None)

    subject = subject_of(busy, selectors={"last": last_delivery})
    nudges = [item for _ in range(5) for item in (Wait(steps=1), Nudge("last"))]
    items = program(Nudge("last"), *[inject("c", "late") for _ in range(12)], *nudges)
    for seed in range(20):
        watched = Watched(make_strategy(name, Profile()))
        outcome = execute(subject, watched, seed, program=items)
        assert (outcome.reason, outcome.steps) == (ExitReason.QUIESCENCE, 25), (
            "12 + 1 messages and 12 inputs"
        )


def test_fifo_does_not_forget_what_was_sent_just_before_a_nudge() -> None:
    """The timer re-arms for ever; the message must still have its turn."""

    class Teller(Ticker):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            if sender == "ext":
                ctx.send("b", "told")

    subject = subject_of(
        lambda: ActorWorld({"a": Teller, "b": Node}),
        selectors={"timer": lambda world: world.enabled()[-1]},
    )
    items = program(inject("a", "tell"), Wait(steps=2), Nudge("timer"))
    order = taken(subject, "fifo", 0, items, steps=6)
    assert order[1] == next(items.externals()), "then the nudge"
    assert pick(subject.world, "b", "a") in order


# ---- distributions


def chi_square(counts: Counter[Any], expected: dict[Any, float]) -> float:
    total = sum(counts.values())
    assert set(counts) <= set(expected)
    return sum((counts[key] - total * p) ** 2 / (total * p) for key, p in expected.items())


def first_choices(subject: Subject, strategy: Strategy, runs: int, items: Program) -> Counter[str]:
    """What the first step was, by receiver (or word of the external)."""
    counts: Counter[str] = Counter()
    for seed in range(runs):
        choices = Choices(subject.world)
        execute(subject, strategy, seed, program=items, steps=1, observer=choices)
        (first,) = choices.taken
        counts[subject.world.names[first[1]] if isinstance(first, tuple) else first.stem] += 1
    return counts


def star(**options: Any) -> Subject:
    """s sends 6 messages to x and 2 to y; nothing else happens."""
    first = [("x", k) for k in range(6)] + [("y", k) for k in range(2)]
    return subject_of(lambda: relays({"s": first, "x": [], "y": []}, **options))


EMPTY = Program()
RUNS = 3000


def test_random_is_uniform_over_events() -> None:
    bag = first_choices(star(network="bag"), make_strategy("random", Profile()), RUNS, EMPTY)
    assert chi_square(bag, {"x": 0.75, "y": 0.25}) < 10.8, "one degree of freedom, p = 0.001"
    fifo = first_choices(star(), make_strategy("random", Profile()), RUNS, EMPTY)
    assert chi_square(fifo, {"x": 0.5, "y": 0.5}) < 10.8


def test_srcdstfifo_is_uniform_over_channels_whatever_they_hold() -> None:
    for network in ("fifo", "bag"):
        counts = first_choices(
            star(network=network), make_strategy("srcdstfifo", Profile()), RUNS, EMPTY
        )
        assert chi_square(counts, {"x": 0.5, "y": 0.5}) < 10.8


def test_srcdstfifo_weighs_timers_and_externals_against_all_that_is_in_flight() -> None:
    """8 messages and 2 externals pending: an external 2 times in 10, then uniform among them."""
    items = program(inject("x", "one"), fault(Kind.CRASH, "y"))
    counts = first_choices(star(), make_strategy("srcdstfifo", Profile()), RUNS, items)
    expected = {"x": 0.4, "y": 0.4, "ext:one(x)": 0.1, "ext:crash(y)": 0.1}
    assert chi_square(counts, expected) < 16.3, "three degrees"


def test_srcdstfifo_delivers_the_oldest_of_a_channel_in_the_bag_too() -> None:
    subject = star(network="bag")
    for seed in range(20):
        for node in (1, 2):
            order = [e[3] for e in taken(subject, "srcdstfifo", seed, EMPTY) if e[1] == node]
            assert order == sorted(order)


@pytest.mark.parametrize("name", ["random", "srcdstfifo", "pos"])
def test_weights_are_honoured(name: str) -> None:
    """Equal chances but for weights 1 (the input), 0.2 and 3: kept in that relation."""
    profile = Profile(weights={"crash": 0.2, "two": 3.0})
    subject = subject_of(lambda: relays({"a": [], "b": []}))
    items = program(inject("a", "one"), fault(Kind.CRASH, "a"), inject("a", "two"))
    counts = first_choices(subject, make_strategy(name, profile), RUNS, items)
    expected = {"ext:one(a)": 1 / 4.2, "ext:crash(a)": 0.2 / 4.2, "ext:two(a)": 3 / 4.2}
    assert chi_square(counts, expected) < 13.9, "two degrees"


def test_weights_know_timers_and_message_types() -> None:
    class Mixed(Node):
        def on_start(self, ctx: Context) -> None:
            ctx.set_timer("t", 1.0)
            ctx.send("b", ("rare", 1))

    subject = subject_of(lambda: ActorWorld({"a": Mixed, "b": Node}))
    only = make_strategy("random", Profile(weights={"!t": 0.0, "rare": 1.0}))
    assert set(first_choices(subject, only, 200, EMPTY)) == {"b"}
    only = make_strategy("random", Profile(weights={"rare": 0.0}))
    assert set(first_choices(subject, only, 200, EMPTY)) == {"a"}


def test_what_has_no_weight_happens_when_nothing_else_can() -> None:
    subject = subject_of(lambda: relays({"a": [("a", "only")]}))
    profile = Profile(weights={"only": 0.0})
    for name in ("random", "srcdstfifo"):
        outcome = execute(subject, make_strategy(name, profile), 0)
        assert outcome.reason is ExitReason.QUIESCENCE and outcome.steps == 1


def test_pos_samples_all_orders_of_racing_events() -> None:
    """Three senders, one receiver: all 3! orders, about equally often."""
    subject = subject_of(
        lambda: relays({"x": [("r", 1)], "y": [("r", 1)], "z": [("r", 1)], "r": []})
    )
    counts: Counter[str] = Counter()
    for seed in range(RUNS):
        order = taken(subject, "pos", seed, EMPTY)
        counts["".join(subject.world.names[e[2]] for e in order)] += 1
    expected = dict.fromkeys(("xyz", "xzy", "yxz", "yzx", "zxy", "zyx"), 1 / 6)
    assert chi_square(counts, expected) < 20.5, "five degrees"


def test_pos_draws_again_for_what_races() -> None:
    """x sends two, y one.  Kept priorities would give x1 y x2 in a sixth of the runs, not a quarter."""
    subject = subject_of(lambda: relays({"x": [("r", 1), ("r", 2)], "y": [("r", 1)], "r": []}))
    counts: Counter[str] = Counter()
    for seed in range(RUNS):
        order = taken(subject, "pos", seed, EMPTY)
        counts["".join(subject.world.names[e[2]] for e in order)] += 1
    assert chi_square(counts, {"yxx": 0.5, "xyx": 0.25, "xxy": 0.25}) < 13.9, "two degrees"


def test_draws_are_uniform_and_streams_are_apart() -> None:
    draws = Draws(7)
    counts = Counter(draws.below(5) for _ in range(5000))
    assert chi_square(counts, dict.fromkeys(range(5), 0.2)) < 18.5
    assert all(0 <= Draws(seed).unit() < 1 for seed in range(100))
    firsts = {
        (seed, purpose): Draws(seed, purpose).unit() for seed in range(50) for purpose in (0, 1)
    }
    assert len(set(firsts.values())) == 100
    assert Draws(7).below(10**9) == Draws(7).below(10**9)


# ---- depth


class Winner(Node):
    """Sees whether the one late message came after all of a long chain elsewhere."""

    def __init__(self) -> None:
        self.late = False
        self.chain = 0

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg == "early":
            self.late = self.chain >= 12
        else:
            self.chain = msg


class Chain(Node):
    """Passes a count to itself and tells w."""

    def on_start(self, ctx: Context) -> None:
        if ctx.name == "c":
            ctx.send("c", 1)
        if ctx.name == "e":
            ctx.send("w", "early")

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        ctx.send("w", msg)
        if msg < 12:
            ctx.send("c", msg + 1)


def hits(name: str, depth: int, runs: int) -> int:
    """How often the message sent first of all arrives last of all: depth 1, but 24 coin flips."""
    subject = subject_of(
        lambda: ActorWorld({"c": Chain, "e": Chain, "w": Winner}), never(field_is(2, "late", True))
    )
    profile = Profile(steps=25)
    return sum(
        execute(subject, make_strategy(name, profile, depth), seed).violation is not None
        for seed in range(runs)
    )


def test_pct_starves_where_a_walk_flips_coins() -> None:
    runs = 300
    pct, walk = hits("pct", 1, runs), hits("random", 1, runs)
    assert pct >= runs / 4, (
        "at least 1 / (channels) of the runs: the channel e>w is the lowest of 3"
    )
    assert walk < pct / 10


def sequence_hits(name: str, depth: int, runs: int) -> int:
    """A bug of depth 2: x1 before y1, and y2 before x2, on two channels of 8 messages each."""

    class Order(Relay):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.got += ((sender, msg),)
            mine = [who for who, _ in self.got]
            self.bad = (
                mine[0] == "x" and mine.count("y") == 8 and mine.count("x") == 1 and sender == "y"
            )

    def make() -> ActorWorld:
        eight = [("r", k) for k in range(8)]
        return ActorWorld(
            {"x": lambda: Relay(eight), "y": lambda: Relay(eight), "r": Order},
        )

    subject = subject_of(make, never(field_is(2, "bad", True)))
    profile = Profile(steps=16)
    strategy = make_strategy(name, profile, depth)
    return sum(execute(subject, strategy, seed).violation is not None for seed in range(runs))


def test_pct_of_depth_two_finds_what_needs_one_switch() -> None:
    """Bound: 1 / (n * k) = 1 / 32 of the runs.  A walk needs 1 + 8 right coins: 1 in 512."""
    runs = 1500
    assert sequence_hits("pct", 1, runs) == 0, "without a change point it cannot switch"
    pct, walk = sequence_hits("pct", 2, runs), sequence_hits("random", 2, runs)
    assert pct >= runs / 32 * 0.7
    assert walk < pct / 3

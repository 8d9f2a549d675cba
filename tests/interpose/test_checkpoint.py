"""Checkpoint and restore: any order, any number of times, and nothing leaks from one future to another."""

from __future__ import annotations

import itertools
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import complete_runs, fault, inject, lock, pick, relays

from demi.errors import ContractError
from demi.events import Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.canon import canonical

# ---- whole worlds


class Slotted:
    """An object with slots, one of them private."""

    __slots__ = ("__secret", "seen")

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.__secret: list[Any] = []

    def note(self, value: Any) -> None:
        self.seen.append(value)
        self.__secret.append(value)

    def secret(self) -> list[Any]:
        return self.__secret


class Keyed:
    """Hashes by what it holds, so that it may be in sets and be a key."""

    def __init__(self, name: str) -> None:
        self.name, self.hits = name, 0

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keyed) and other.name == self.name


class Book(dict[str, Any]):
    """A dict with a field."""

    writes = 0


class Hoarder(Node):
    """State of every shape that demi promises to save."""

    def on_start(self, ctx: Context) -> None:
        self.items: list[Any] = []
        self.alias = self.items
        self.map: dict[str, list[int]] = {"x": []}
        self.inner = self.map["x"]
        self.recent: deque[Any] = deque(maxlen=3)
        self.set: set[Any] = set()
        self.by: defaultdict[str, list[int]] = defaultdict(list)
        self.tally: Counter[str] = Counter()
        self.order: OrderedDict[str, int] = OrderedDict()
        self.raw = bytearray(b"")
        self.slotted = Slotted()
        self.loop: list[Any] = []
        self.loop.append((self.loop, 1))
        self.owner = {"me": self}
        self.key = Keyed("k")
        self.keys = {self.key}
        self.by_key = {self.key: [self.key]}
        self.book = Book(a=[1])
        self.ctx, self.rng, self.disk = ctx, ctx.random, ctx.durable
        self.react = self.quiet
        self.money = Decimal("1.5")
        ctx.set_timer("t", 1.0)

    def quiet(self, msg: Any) -> None:
        self.items.append(msg)
        self.react = self.loud

    def loud(self, msg: Any) -> None:
        self.items.append(("LOUD", msg))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.react(msg)
        n = self.rng.randrange(1000)
        self.inner.append(n)
        self.recent.append((msg, [n]))
        self.set.add(("s", n % 5))
        self.by[sender].append(n)
        self.tally[sender] += 1
        self.order[str(n % 3)] = n
        self.order.move_to_end(str(n % 3), last=bool(n % 2))
        self.raw += bytes([n % 256])
        self.slotted.note(n)
        self.loop.append(n)
        self.key.hits += 1
        self.book["a"].append(n)
        self.book.writes += 1
        self.disk["n"] = [n, ctx.random.gauss()]
        if n % 3:
            self.ctx.send(ctx.peers[n % len(ctx.peers)], n % 7)

    def on_timer(self, ctx: Context, name: str) -> None:
        ctx.set_timer("t", 1.0)
        self.on_message(ctx, "", "tick")


def digest_of(world: ActorWorld) -> tuple[Any, ...]:
    views = [canonical(world.observe().state(node)) for node in range(len(world.names))]
    return world.digest(), tuple(world.enabled()), tuple(views)


def follow(world: ActorWorld, choices: list[int]) -> list[Any]:
    """Take the (choice mod enabled)-th event each time; everything that the steps did."""
    told: list[Any] = []
    for choice in choices:
        events = world.enabled()
        if not events:
            break
        step = world.take(events[choice % len(events)])
        told.append(
            (
                step.event,
                step.sent,
                step.armed,
                step.cancelled,
                step.lost,
                step.received,
                step.failure,
            )
        )
    told.append(digest_of(world))
    return told


def hoarders(network: str, timers: str) -> ActorWorld:
    world = ActorWorld(dict.fromkeys("abc", Hoarder), network=network, timers=timers)
    offer_faults(world)
    return world


def offer_faults(world: ActorWorld) -> None:
    world.offer(
        [
            *[inject(node, "hello", {"n": [1]}) for node in "abc"],
            fault(Kind.CRASH, "b"), fault(Kind.RESTART, "b"), fault(Kind.CUT, "a", "c"),
            fault(Kind.HEAL, "a", "c"), fault(Kind.DUPLICATE, "a", "b"), fault(Kind.DROP, "b", "c"),
        ]
    )  # fmt: skip


@settings(max_examples=8)
@given(
    st.sampled_from(["fifo", "bag", "causal", "mailbox"]),
    st.sampled_from(["free", "bounded(1)", "ordered"]),
    st.lists(st.integers(0, 99), min_size=5, max_size=20),
    st.sets(st.integers(0, 24), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_any_checkpoint_any_order_same_future(
    network: str, timers: str, walk: list[int], stops: set[int], shuffler: Any
) -> None:
    world = hoarders(network, timers)
    kept = []
    for at, choice in enumerate(walk):
        if at in stops:
            kept.append((world.checkpoint(), digest_of(world), at))
        follow(world, [choice])
    futures = {}
    for saved, before, at in shuffler.sample(kept * 2, 2 * len(kept)):
        world.restore(saved)
        assert digest_of(world) == before
        future = follow(world, walk[at:])
        assert futures.setdefault(at, future) == future, "the same choices do the same again"
        if shuffler.random() < 0.3:
            world.reset(shuffler.randrange(3))  # a checkpoint outlives the run it was made in
            offer_faults(world)
            follow(world, walk[:3])


def test_a_restored_run_equals_one_that_was_never_interrupted() -> None:
    walk = [7 * k % 23 for k in range(30)]
    straight = hoarders("fifo", "free")
    world = hoarders("fifo", "free")
    for choice in walk:
        saved = world.checkpoint()
        follow(world, walk[::-1][:4])
        world.restore(saved)
        assert follow(world, [choice]) == follow(straight, [choice])


def test_every_shape_is_the_same_after_a_restore() -> None:
    world = hoarders("fifo", "free")
    world.reset(1)
    walk = [3, 1, 4, 1, 5, 9, 2, 6]
    follow(world, walk)
    node = world._nodes[0]
    saved = world.checkpoint()
    before = canonical(node)
    follow(world, walk)
    assert canonical(node) != before
    world.restore(saved)
    back: Any = world._nodes[0]
    assert back is not node and canonical(back) == before
    assert back.alias is back.items
    assert back.inner is back.map["x"]
    assert back.owner["me"] is back
    assert back.loop[0][0] is back.loop
    assert back.react.__self__ is back
    (key,) = back.keys
    assert key is back.key is next(iter(back.by_key)) is back.by_key[key][0]
    assert back.recent.maxlen == 3 and back.by.default_factory is list
    assert type(back.tally) is Counter and type(back.order) is OrderedDict
    assert type(back.book) is Book and back.book.writes == len(back.book["a"]) - 1
    assert (
        back.slotted.secret() == back.slotted.seen
        and back.slotted.seen is not back.slotted.secret()
    )
    assert back.ctx is world._contexts[0] and back.rng is back.ctx.random


def test_what_was_observed_does_not_follow_the_old_future() -> None:
    world = relays({"a": [("b", 1), ("b", 2)], "b": []}, observe=vars)
    view = world.observe()
    world.take(pick(world, "b", "a"))
    assert view.state(1)["got"] == (("a", 1),)
    saved = world.checkpoint()
    world.take(pick(world, "b", "a", 1))
    assert len(view.state(1)["got"]) == 2
    world.restore(saved)
    assert view.state(1)["got"] == (("a", 1),)
    assert world.observe() is view


def test_default_observation_is_a_copy() -> None:
    world = hoarders("fifo", "free")
    seen = world.observe().state(0)
    follow(world, [0] * 10)
    assert seen["items"] == [] and world.observe().state(0)["items"] != []


def test_restoring_undoes_faults_offers_and_withdrawals() -> None:
    world = relays({"a": [("b", 1)], "b": []})
    kept, gone = world.offer([fault(Kind.CRASH, "b"), fault(Kind.CUT, "a", "b")])
    saved, before = world.checkpoint(), digest_of(world)
    world.step(kept)
    world.step(gone)
    world.offer([inject("a", "x")])
    world.step(pick(world, "b", "a"))
    world.restore(saved)
    assert digest_of(world) == before
    world.withdraw(gone)
    assert digest_of(world) != before
    world.restore(saved)
    assert digest_of(world) == before
    assert world.external(gone) == fault(Kind.CUT, "a", "b")


def test_the_search_stack_of_the_lock_service_returns_to_where_it_was() -> None:
    world = lock().world
    assert isinstance(world, ActorWorld)
    world.offer([inject("c1", "ask"), inject("c2", "ask"), fault(Kind.CRASH, "server")])
    before = digest_of(world)
    start = world.checkpoint()

    def search(depth: int) -> int:
        if depth == 0:
            return 1
        here, total = world.checkpoint(), 0
        for event in list(world.enabled()):
            world.restore(here)
            world.take(event)
            total += search(depth - 1)
        return total

    first = search(4)
    world.restore(start)
    assert digest_of(world) == before
    assert search(4) == first


def test_mutable_messages_in_flight_are_as_they_were_sent() -> None:
    class Sender(Node):
        def on_start(self, ctx: Context) -> None:
            ctx.send("b", {"type": "list", "values": [1]})
            ctx.send("b", {"type": "list", "values": [2]})

    class Eater(Node):
        def on_start(self, ctx: Context) -> None:
            self.ate: list[Any] = []

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.ate.append(msg["values"].pop())

    world = ActorWorld({"a": Sender, "b": Eater}, network="bag")
    assert len(complete_runs(world)) == 2
    assert sorted(world.observe().state(1)["ate"]) == [1, 2]


# ---- hooks and refusals


class Hooked(Node):
    """Saves itself, and counts how often."""

    def on_start(self, ctx: Context) -> None:
        self.items: list[int] = []
        self.lock = threading.Lock()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.items.append(msg)

    def snapshot(self) -> Any:
        return tuple(self.items)

    def restore(self, saved: Any) -> None:
        self.items = list(saved)
        self.lock = threading.Lock()


def test_snapshot_and_restore_hooks() -> None:
    world = ActorWorld({"a": Hooked}, observe=lambda node: tuple(node.items))
    events = world.offer([inject("a", "x"), inject("a", "y")])
    saved, before = world.checkpoint(), world.digest()
    world.take(events[0])
    assert world.digest() != before
    world.restore(saved)
    assert world.digest() == before and world.observe().state(0) == ()
    world.take(events[1])
    assert world.observe().state(0) == (("y", None),)


def test_a_field_called_snapshot_is_no_hook() -> None:
    class Raftish(Node):
        def on_start(self, ctx: Context) -> None:
            self.snapshot = {"index": 3}
            self.restore = "a word"

    world = ActorWorld({"a": Raftish})
    world.restore(world.checkpoint())
    assert world.observe().state(0)["snapshot"] == {"index": 3}


def _closure() -> Callable[[], list[int]]:
    hidden = [1]
    return lambda: hidden


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (threading.Lock, "lock"),
        (lambda: open("/dev/null"), "TextIOWrapper"),  # noqa: SIM115
        (lambda: (n for n in [1]), "generator"),
        (itertools.count, "count"),
        (_closure, "closes over a list"),
        (lambda: [{"deep": (threading.Event(),)}], "Event"),
    ],
)
def test_what_cannot_be_saved_is_refused_by_name(make: Callable[[], Any], named: str) -> None:
    class Holder(Node):
        def on_start(self, ctx: Context) -> None:
            self.thing = make()

    world = ActorWorld({"a": Holder})
    with pytest.raises(ContractError, match=named) as caught:
        world.checkpoint()
    assert ".thing" in caught.value.what and caught.value.remedy


class Term(int):
    """An int with a name and a __dict__."""


class Pair(NamedTuple):
    left: Any
    right: Any


def test_subclasses_of_values_and_tuples() -> None:
    class Holder(Node):
        def on_start(self, ctx: Context) -> None:
            self.term = Term(3)
            self.pair = Pair([1], (2,))
            self.plain = frozenset({Keyed("a")})

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.pair.left.append(2)
            for one in self.plain:
                one.hits += 1

    world = ActorWorld({"a": Holder})
    (event,) = world.offer([inject("a", "x")])
    saved, before = world.checkpoint(), digest_of(world)
    world.take(event)
    world.restore(saved)
    assert digest_of(world) == before
    back: Any = world._nodes[0]
    assert type(back.term) is Term and type(back.pair) is Pair and back.pair.left == [1]


def test_node_slots_are_saved() -> None:
    class Small(Node):
        __slots__ = ("count",)

        def on_start(self, ctx: Context) -> None:
            self.count = [0]

        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            self.count[0] += 1

    world = ActorWorld({"a": Small}, observe=lambda node: tuple(node.count))
    (event,) = world.offer([inject("a", "x")])
    saved, before = world.checkpoint(), world.digest()
    world.take(event)
    assert world.digest() != before
    world.restore(saved)
    assert world.digest() == before and world.observe().state(0) == (0,)


# ---- randomness


class Dice(Node):
    """Rolls in every way."""

    def on_start(self, ctx: Context) -> None:
        self.rolls: tuple[Any, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        r = ctx.random
        self.rolls += (
            r.random(), r.randrange(10**30), r.gauss(0, 1), r.choice("abc"), r.getrandbits(130),
            tuple(r.sample(range(50), 5)), r.expovariate(1.0), r.randbytes(3),
        )  # fmt: skip


def test_random_streams_are_restored_even_between_the_halves_of_a_gauss() -> None:
    world = ActorWorld({"a": Dice, "b": Dice})
    first, second, third = world.offer([inject("a", "x") for _ in range(3)])
    untouched = world.checkpoint()
    world.take(first)
    saved = world.checkpoint()
    world.take(second)
    straight = world.observe().state(0)["rolls"]
    world.restore(saved)
    world.take(second)
    assert world.observe().state(0)["rolls"] == straight
    world.restore(untouched)
    for event in (third, second):
        world.take(event)
    assert world.observe().state(0)["rolls"] == straight, "from the very beginning of the stream"


def rolls(seed: int, *nodes: str) -> dict[str, Any]:
    world = ActorWorld({"a": Dice, "b": Dice})
    world.reset(seed)
    for event in world.offer([inject(node, "x") for node in nodes]):
        world.take(event)
    return {name: world.observe().state(i)["rolls"] for i, name in enumerate("ab")}


def test_each_node_has_its_own_stream() -> None:
    assert rolls(5, "a", "b", "b")["a"] == rolls(5, "a")["a"], "b's draws never shift a's"
    both = rolls(5, "a", "b")
    assert both["a"] != both["b"]
    assert rolls(6, "a")["a"] != both["a"]


def test_streams_look_random() -> None:
    world = ActorWorld({"a": Dice})
    stream = world._contexts[0].random
    counts = Counter(stream.randrange(6) for _ in range(6000))
    assert sum((n - 1000) ** 2 / 1000 for n in counts.values()) < 20.5, (
        "chi-square, 5 degrees, p=0.001"
    )

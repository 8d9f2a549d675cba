"""Network models: exactly the runs that their definitions allow, counted by exhaustive search."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from systems import Relay, Sends, complete_runs, drain, fault, names, pick, relays

from demi.errors import TargetError
from demi.events import Event, Kind
from demi.interpose.actor_world import ActorWorld

MODELS = ("fifo", "bag", "causal", "mailbox")
TWO_BY_TWO: dict[str, Sends] = {"a": [("r", 1), ("r", 2)], "b": [("r", 3), ("r", 4)], "r": []}


def count(
    first: Mapping[str, Sends], then: Mapping[str, Mapping[Any, Sends]] | None, model: str
) -> int:
    runs = complete_runs(relays(first, then, network=model))
    assert len(set(runs)) == len(runs), "no run twice"
    return len(runs)


@pytest.mark.parametrize(
    ("model", "expected"), [("fifo", 6), ("bag", 24), ("causal", 6), ("mailbox", 1)]
)
def test_two_senders_of_two_messages(model: str, expected: int) -> None:
    assert count(TWO_BY_TWO, None, model) == expected


@pytest.mark.parametrize("sizes", [(1, 1), (3, 2), (2, 2, 1), (1, 1, 1, 1)])
def test_independent_senders_give_multinomials(sizes: tuple[int, ...]) -> None:
    first: dict[str, Sends] = {f"s{i}": [("r", k) for k in range(n)] for i, n in enumerate(sizes)}
    first["r"] = []
    total = math.factorial(sum(sizes))
    assert count(first, None, "bag") == total
    assert count(first, None, "fifo") == total // math.prod(math.factorial(n) for n in sizes)


@pytest.mark.parametrize(
    ("model", "expected"), [("fifo", 3), ("bag", 3), ("causal", 2), ("mailbox", 2)]
)
def test_triangle(model: str, expected: int) -> None:
    """a tells b, then c; c tells b: the causal model alone knows that b hears a first."""
    first: dict[str, Sends] = {"a": [("b", "x"), ("c", "go")], "b": [], "c": []}
    then = {"c": {"go": [("b", "y")]}}
    assert count(first, then, model) == expected


@pytest.mark.parametrize(
    ("model", "expected"), [("fifo", 3), ("bag", 3), ("causal", 3), ("mailbox", 2)]
)
def test_triangle_with_the_sends_swapped(model: str, expected: int) -> None:
    """a tells c first: nothing causal orders b's two messages, only an inbox does."""
    first: dict[str, Sends] = {"a": [("c", "go"), ("b", "x")], "b": [], "c": []}
    then = {"c": {"go": [("b", "y")]}}
    assert count(first, then, model) == expected


# ---- the same from the definitions, without clocks or queues


@dataclass(frozen=True)
class Message:
    """One message of the reference: `past` holds every message sent causally before it."""

    at: int
    src: str
    dst: str
    msg: Any
    past: frozenset[int]


def reference(
    first: Mapping[str, Sends], then: Mapping[str, Mapping[Any, Sends]], model: str
) -> set[tuple[str, ...]]:
    """Complete runs as (src>dst#k) sequences, straight from the definitions of the models."""
    runs: set[tuple[str, ...]] = set()

    def send(all_: list[Message], known: dict[str, frozenset[int]], src: str, out: Sends) -> None:
        for dst, msg in out:
            made = Message(len(all_), src, dst, msg, known[src])
            all_.append(made)
            known[src] |= {made.at}

    def blocked(m: Message, flying: list[Message]) -> bool:
        others = [o for o in flying if o.dst == m.dst and o.at < m.at]
        if model == "bag":
            return False
        if model == "mailbox":
            return bool(others)
        if model == "fifo":
            return any(o.src == m.src for o in others)
        return any(o.at in m.past for o in others)

    def search(
        all_: list[Message], done: frozenset[int], known: dict[str, frozenset[int]],
        path: tuple[str, ...],
    ) -> None:  # fmt: skip
        flying = [m for m in all_ if m.at not in done]
        if not flying:
            runs.add(path)
        for m in flying:
            if blocked(m, flying):
                continue
            more, learnt = list(all_), dict(known)
            learnt[m.dst] |= m.past | {m.at}
            send(more, learnt, m.dst, then.get(m.dst, {}).get(m.msg, ()))
            nth = sum(1 for o in all_[: m.at + 1] if (o.src, o.dst) == (m.src, m.dst))
            search(more, done | {m.at}, learnt, (*path, f"{m.src}>{m.dst}#{nth}"))

    start: list[Message] = []
    known: dict[str, frozenset[int]] = {name: frozenset() for name in first}
    for name, out in first.items():
        send(start, known, name, out)
    search(start, frozenset(), known, ())
    return runs


NODES = ("a", "b", "c")
sends = st.lists(st.tuples(st.sampled_from(NODES), st.integers(0, 2)), max_size=2)
reactions = st.dictionaries(
    st.sampled_from(NODES),
    st.dictionaries(
        st.integers(0, 2), st.lists(st.tuples(st.sampled_from(NODES), st.just(9)), max_size=2)
    ),
)


def few(first: Any, then: Any) -> None:
    """All orders of a bag are enumerated: six messages have at most 720."""
    sent = [message for out in first for message in out]
    answers = [len(then.get(dst, {}).get(msg, ())) for dst, msg in sent]
    assume(len(sent) + sum(answers) <= 6)


@settings(max_examples=35)
@given(st.tuples(sends, sends, sends).filter(lambda s: sum(map(len, s)) <= 4), reactions)
@pytest.mark.parametrize("model", MODELS)
def test_runs_are_those_of_the_definition(model: str, first: Any, then: Any) -> None:
    few(first, then)
    starting = dict(zip(NODES, first, strict=True))
    expected = reference(starting, then, model)
    world = relays(starting, then, network=model)
    assert {tuple(names(world, run)) for run in complete_runs(world)} == expected


@settings(max_examples=40)
@given(st.tuples(sends, sends, sends).filter(lambda s: sum(map(len, s)) <= 4), reactions)
def test_models_are_ordered_by_what_they_allow(first: Any, then: Any) -> None:
    few(first, then)
    starting = dict(zip(NODES, first, strict=True))
    bag, fifo, causal, mailbox = [
        reference(starting, then, model) for model in ("bag", "fifo", "causal", "mailbox")
    ]
    assert mailbox <= causal <= fifo <= bag, "the reference itself is sane"


# ---- loss, duplication


def heard(world: ActorWorld, node: str) -> list[Any]:
    state = world.observe().state(list(world.names).index(node))
    return [msg for _, msg in state["got"]]


def test_strict_fifo_refuses_to_skip_and_lossy_loses_what_is_overtaken() -> None:
    first: dict[str, Sends] = {"a": [("r", k) for k in range(4)], "r": []}
    strict, lossy = relays(first), relays(first, lossy=True)
    third = pick(strict, "r", "a", 2)
    before = strict.digest()
    assert not strict.step(third).enabled
    assert strict.digest() == before, "a step that is not enabled changes nothing"
    assert list(lossy.enabled()) == [pick(lossy, "r", "a", 0)], "search itself loses nothing"
    step = lossy.step(third)
    assert step.enabled
    assert step.lost == [pick(lossy, "r", "a", 0), pick(lossy, "r", "a", 1)]
    assert not lossy.step(pick(lossy, "r", "a", 1)).enabled, "gone for good"
    assert drain(lossy) == [pick(lossy, "r", "a", 3)]
    assert heard(lossy, "r") == [2, 3], "order is kept"


@pytest.mark.parametrize("keep", [kept for n in range(4) for kept in permutations(range(3), n)])
def test_lossy_fifo_allows_exactly_the_increasing_subsequences(keep: tuple[int, ...]) -> None:
    world = relays({"a": [("r", k) for k in range(3)], "r": []}, lossy=True)
    allowed = all(world.step(pick(world, "r", "a", k)).enabled for k in keep)
    assert allowed == (list(keep) == sorted(keep))


def offer(world: ActorWorld, kind: Kind) -> Event:
    return world.offer([fault(kind, "a", "r")])[0]


@pytest.mark.parametrize("model", MODELS)
def test_drop_loses_the_oldest_and_duplicate_repeats_it(model: str) -> None:
    world = relays({"a": [("r", 1), ("r", 2)], "r": []}, network=model)
    step = world.step(offer(world, Kind.DROP))
    assert step.enabled and step.lost == [pick(world, "r", "a", 0)]
    step = world.step(offer(world, Kind.DUPLICATE))
    assert step.sent == [pick(world, "r", "a", 2)], "a copy of message 2, behind it"
    drain(world)
    assert heard(world, "r") == [2, 2]
    assert not world.step(offer(world, Kind.DROP)).enabled, "nothing is in flight"


@pytest.mark.parametrize("model", MODELS)
def test_drop_waits_for_something_to_drop(model: str) -> None:
    world = relays({"a": [], "b": [("a", "go")], "r": []}, {"a": {"go": [("r", 1)]}}, network=model)
    event = offer(world, Kind.DROP)
    assert event not in world.enabled()
    world.step(pick(world, "a", "b"))
    assert event in world.enabled(), "the delivery put a message on the link"
    world.step(pick(world, "r", "a"))
    assert event not in world.enabled()


@pytest.mark.parametrize("model", MODELS)
def test_search_with_a_drop_and_a_duplicate(model: str) -> None:
    """One message, one drop, one duplicate, in all orders: counted by hand.

    deliver: then neither fault has anything to act on: 1.  drop: likewise: 1.  duplicate, then two
    equal messages with a drop still on offer: deliver deliver; deliver drop; drop deliver.  In the bag
    either of the two may come first, so `deliver` has two forms while both are there: 4.
    """
    world = relays({"a": [("r", 1)], "r": []}, network=model)
    world.offer([fault(Kind.DROP, "a", "r"), fault(Kind.DUPLICATE, "a", "r")])
    assert len(complete_runs(world)) == 2 + (5 if model == "bag" else 3)


@pytest.mark.parametrize("model", ["bag", "causal", "mailbox", "Fifo", ""])
def test_models_that_cannot_be_are_refused(model: str) -> None:
    with pytest.raises(TargetError):
        relays({"a": []}, network=model, lossy=True)


def test_order_of_an_inbox_is_part_of_the_state() -> None:
    """The same messages wait, the same one is next, but what comes after it differs."""
    go: dict[str, Sends] = {
        "d": [("a", "one"), ("b", "go"), ("a", "two")],
        "a": [],
        "b": [],
        "r": [],
    }
    then = {
        "a": {"one": [("r", 1)], "two": [("r", 2)]},
        "b": {"go": [("r", 3)]},
        "r": {},
    }
    left, right = relays(go, then, network="mailbox"), relays(go, then, network="mailbox")
    for world, order in ((left, "aab"), (right, "aba")):
        for at, node in enumerate(order):
            world.step(pick(world, node, "d", order[:at].count(node)))
        assert heard(world, "a") == ["one", "two"]
    assert list(left.enabled()) == list(right.enabled())
    assert left.digest() != right.digest()


def test_what_orders_causal_messages_is_part_of_the_state() -> None:
    """Equal contents in flight, all enabled, but one sender knows of the other's message."""

    def reach(knows: bool) -> ActorWorld:
        first: dict[str, Sends] = {
            "a": [("r", "x"), ("c", "hi")] if knows else [("c", "hi"), ("r", "x")],
            "c": [],
            "r": [],
        }
        world = ActorWorld(
            {name: partial(Forgetful, out) for name, out in first.items()},
            network="causal",
        )
        world.step(pick(world, "c", "a"))
        return world

    one, two = reach(True), reach(False)
    assert list(one.enabled()) == list(two.enabled())
    assert one.digest() != two.digest(), (
        "c's next message to r must wait in one and not in the other"
    )


class Forgetful(Relay):
    """Its fields do not tell what it sent at the start."""

    def on_start(self, ctx: Any) -> None:
        super().on_start(ctx)
        self.first = ()

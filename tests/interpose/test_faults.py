"""Crashes, restarts, cuts: what is lost, what survives, what a step reports."""

from __future__ import annotations

from typing import Any

import pytest
from systems import drain, fault, inject, names, pick, relays

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step


class Store(Node):
    """Keeps everything it hears, in memory and durably."""

    def on_start(self, ctx: Context) -> None:
        self.life = "started"
        self.volatile: list[Any] = []

    def on_restart(self, ctx: Context) -> None:
        self.life = "restarted"
        self.volatile = []

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.volatile.append(msg)
        ctx.durable["log"] = self.volatile
        if msg == "tell":
            ctx.send("b", "told")


def stores(**options: Any) -> ActorWorld:
    return ActorWorld({"a": Store, "b": Store}, **options)


def act(world: ActorWorld, *externals: External) -> list[Step]:
    return [world.step(event) for event in world.offer(externals)]


def say(node: str, text: str) -> External:
    return inject(node, "say", text)


def state(world: ActorWorld, node: int = 0) -> Any:
    return world.observe().state(node)


def durable(world: ActorWorld, node: int = 0) -> dict[str, Any]:
    return dict(world._contexts[node].durable)


def test_crash_loses_what_is_volatile_and_keeps_what_is_durable() -> None:
    world = stores(inputs={"say": lambda args: args})
    act(world, say("a", "one"), fault(Kind.CRASH, "a"))
    assert state(world) is None
    assert durable(world) == {"log": ["one"]}
    act(world, fault(Kind.RESTART, "a"))
    assert state(world) == {"life": "restarted", "volatile": []}
    assert durable(world) == {"log": ["one"]}
    assert state(world, 1) == {"life": "started", "volatile": []}


def test_later_mutation_does_not_leak_into_what_is_durable() -> None:
    world = stores(inputs={"say": lambda args: args})
    act(world, say("a", "one"))
    kept = world._contexts[0].durable["log"]
    kept.append("mine")
    world._nodes[0].volatile.append("leak")  # type: ignore[union-attr]
    assert durable(world) == {"log": ["one"]}


def test_durable_is_empty_in_the_next_run() -> None:
    world = stores(inputs={"say": lambda args: args})
    act(world, say("a", "one"))
    world.reset(0)
    assert durable(world) == {}


def test_what_a_crashed_node_left_durable_is_part_of_the_state() -> None:
    digests = []
    for text in ("one", "two"):
        world = stores(inputs={"say": lambda args: args})
        act(world, say("a", text), fault(Kind.CRASH, "a"))
        digests.append((world.digest(), world.node_digest(0)))
    assert digests[0][0] != digests[1][0] and digests[0][1] != digests[1][1]


def test_preconditions_enable_and_disable_faults() -> None:
    world = stores()
    crash, restart, start = world.offer(
        [fault(Kind.CRASH, "a"), fault(Kind.RESTART, "a"), fault(Kind.START, "a")]
    )
    assert list(world.enabled()) == [crash]
    assert not world.step(restart).enabled
    world.step(crash)
    assert list(world.enabled()) == [start, restart]
    world.step(restart)
    assert list(world.enabled()) == [], "up again; the crash was taken"
    again = world.offer([fault(Kind.CRASH, "a")])[0]
    assert world.step(again).enabled
    assert list(world.enabled()) == [start]
    world.withdraw(start)
    assert list(world.enabled()) == []
    assert not world.step(start).enabled


def test_inputs_wait_for_a_node_that_is_up() -> None:
    world = stores()
    crash, talk, restart = world.offer(
        [fault(Kind.CRASH, "a"), inject("a", "say"), fault(Kind.RESTART, "a")]
    )
    assert {crash, talk} == set(world.enabled())
    world.step(crash)
    assert list(world.enabled()) == [restart]
    world.step(restart)
    assert list(world.enabled()) == [talk]


def test_without_autostart_nodes_wait_to_be_started() -> None:
    world = stores(autostart=False)
    assert [state(world, node) for node in (0, 1)] == [None, None]
    start, restart = world.offer([fault(Kind.START, "a"), fault(Kind.RESTART, "b")])
    assert world.step(start).enabled and state(world)["life"] == "started"
    assert world.step(restart).enabled and state(world, 1)["life"] == "restarted"


def test_a_message_to_a_node_that_is_down_is_lost_and_reported() -> None:
    world = relays({"a": [("b", 1), ("b", 2)], "b": []})
    (crash,) = act(world, fault(Kind.CRASH, "b"))
    assert crash.received and crash.lost == [], "what is in flight stays in flight"
    step = world.step(pick(world, "b", "a"))
    assert step.enabled and not step.received and step.sent == []
    act(world, fault(Kind.RESTART, "b"))
    assert world.step(pick(world, "b", "a", 1)).received
    assert state(world, 1)["got"] == (("a", 2),)


def links(world: ActorWorld) -> set[str]:
    """Which of a>b and b>a still deliver."""
    received = {}
    for event in drain(world):
        received[names(world, [event])[0]] = True
    got = {(node, sender) for node in (0, 1) for sender, _ in state(world, node)["got"]}
    return {f"{sender}>{world.names[node]}" for node, sender in got}


@pytest.mark.parametrize(
    ("faults", "open_"),
    [
        ([], {"a>b", "b>a"}),
        ([(Kind.CUT, False)], set()),
        ([(Kind.CUT, True)], {"b>a"}),
        ([(Kind.CUT, False), (Kind.HEAL, True)], {"a>b"}),
        ([(Kind.CUT, True), (Kind.HEAL, False)], {"a>b", "b>a"}),
        ([(Kind.CUT, True), (Kind.CUT, False), (Kind.HEAL, True)], {"a>b"}),
    ],
)
def test_cuts_and_heals(faults: list[tuple[Kind, bool]], open_: set[str]) -> None:
    world = relays({"a": [("b", 1)], "b": [("a", 2)]})
    for kind, one_way in faults:
        (step,) = act(world, fault(kind, "a", "b", one_way=one_way))
        assert step.enabled
    assert links(world) == open_


def test_a_cut_loses_what_arrives_during_it_and_nothing_else() -> None:
    world = relays({"a": [("b", 1), ("b", 2), ("a", 3)], "b": []})
    cut, heal = world.offer([fault(Kind.CUT, "a", "b"), fault(Kind.HEAL, "a", "b")])
    assert heal not in world.enabled()
    world.step(cut)
    assert heal in world.enabled()
    step = world.step(pick(world, "b", "a"))
    assert step.enabled and not step.received
    assert world.step(pick(world, "a", "a")).received, "a node always reaches itself"
    world.step(heal)
    assert world.step(pick(world, "b", "a", 1)).received
    assert state(world, 1)["got"] == (("a", 2),)


def test_a_second_cut_of_the_same_link_is_not_enabled() -> None:
    world = relays({"a": [], "b": []})
    (first,) = act(world, fault(Kind.CUT, "a", "b"))
    (second,) = act(world, fault(Kind.CUT, "b", "a"))
    assert first.enabled and not second.enabled


@pytest.mark.parametrize(
    ("external", "message"),
    [
        (fault(Kind.CRASH, "zed"), "no node 'zed'"),
        (fault(Kind.CUT, "a"), "needs 2"),
        (fault(Kind.CRASH), "needs 1"),
        (inject("a", "sya"), "no input 'sya'"),
        (inject("a", "say", (1, 2)), "plain JSON"),
        (inject("a", "say", {1: "x"}), "plain JSON"),
        (inject("a", "say", float("nan")), "plain JSON"),
        (inject("a", "say", {"x": b"bytes"}), "plain JSON"),
    ],
)
def test_externals_that_cannot_be_are_refused_when_offered(
    external: External, message: str
) -> None:
    world = stores(inputs={"say": lambda args: args})
    with pytest.raises(TargetError, match=message):
        world.offer([external])


def test_a_node_cannot_change_the_program_through_its_input() -> None:
    class Greedy(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            msg[1]["taken"] = True
            self.msg = msg

    world = ActorWorld({"a": Greedy})
    external = inject("a", "give", {"taken": False})
    act(world, external)
    assert external.args == {"taken": False}
    assert state(world)["msg"][1] == {"taken": True}


def test_a_step_that_is_not_enabled_is_reported_and_changes_nothing() -> None:
    world = relays({"a": [("b", 1)], "b": []}, lossy=True)
    before = world.digest(), list(world.enabled())
    strange: list[Event] = [
        (int(Kind.DELIVER), 1, 0, 7),
        (int(Kind.DELIVER), 0, 1, 0),
        (int(Kind.TIMER), 0, 1, 0),
        (int(Kind.CRASH), 0, 0, 0),
        (int(Kind.INJECT), 1, 3, 0),
    ]
    for event in strange:
        step = world.step(event)
        assert not step.enabled and not step.sent and not step.lost
    assert (world.digest(), list(world.enabled())) == before

"""Timers: who may fire when, generations, cancelling, and what a crash does to them."""

from __future__ import annotations

from typing import Any

import pytest
from systems import fault, names, pick

from demi.errors import ContractError, TargetError
from demi.events import Event, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.timers import DELIVERY_SECONDS, timer_slot


class Alarm(Node):
    """Arms what it is told to; a message is a list of ("set", name, after) and ("cancel", name)."""

    def __init__(self, *start: tuple[Any, ...], hear: tuple[tuple[Any, ...], ...] = ()) -> None:
        self.start, self.hear = start, hear
        self.fired: tuple[tuple[str, float], ...] = ()

    def do(self, ctx: Context, orders: Any) -> None:
        for order in orders:
            if order[0] == "set":
                ctx.set_timer(order[1], order[2])
            elif order[0] == "cancel":
                ctx.cancel_timer(order[1])
            else:
                ctx.send(order[1], order[2])

    def on_start(self, ctx: Context) -> None:
        self.do(ctx, self.start)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.do(ctx, self.hear)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.fired += ((name, ctx.now),)


def world_of(timers: str, **nodes: Alarm) -> ActorWorld:
    def remake(node: Alarm) -> Any:
        return lambda: Alarm(*node.start, hear=node.hear)

    return ActorWorld({name: remake(node) for name, node in nodes.items()}, timers=timers)


def enabled(world: ActorWorld) -> list[str]:
    return names(world, world.enabled())


def timer(world: ActorWorld, node: str, name: str, n: int = 0) -> Event:
    return int(Kind.TIMER), list(world.names).index(node), timer_slot(name), n


def fired(world: ActorWorld, node: int = 0) -> list[str]:
    return [name for name, _ in world.observe().state(node)["fired"]]


THREE = Alarm(("set", "late", 3.0), ("set", "soon", 1.0), ("set", "mid", 2.0))


def test_free_lets_any_armed_timer_fire_in_any_order() -> None:
    world = world_of("free", a=THREE)
    assert set(enabled(world)) == {"a!late#1", "a!soon#1", "a!mid#1"}
    assert list(world.enabled()) == sorted(world.enabled())
    for name in ("late", "soon", "mid"):
        assert world.step(timer(world, "a", name)).enabled
    assert fired(world) == ["late", "soon", "mid"]
    assert enabled(world) == []


def test_ordered_fires_the_earliest_and_only_when_nothing_can_be_delivered() -> None:
    world = world_of("ordered", a=THREE, b=Alarm(("send", "b", "x")))
    assert enabled(world) == ["b>b#1"]
    assert not world.step(timer(world, "a", "soon")).enabled
    world.step(pick(world, "b", "b"))
    for name in ("soon", "mid", "late"):
        assert enabled(world) == [f"a!{name}#1"]
        world.step(world.enabled()[0])
    times = [now for _, now in world.observe().state(0)["fired"]]
    assert times == sorted(times) and times[0] == pytest.approx(1.0), "virtual time follows"


def test_ordered_offers_equal_deadlines_together() -> None:
    world = world_of("ordered", a=Alarm(("set", "x", 1.0)), b=Alarm(("set", "x", 1.0)))
    assert enabled(world) == ["a!x#1", "b!x#1"]


@pytest.mark.parametrize(
    ("horizon", "expected"),
    [("0.5", []), ("1", ["soon"]), ("2", ["soon", "mid"]), ("3.5", ["soon", "mid", "late"])],
)
def test_bounded_lets_timers_overtake_messages_within_the_horizon(
    horizon: str, expected: list[str]
) -> None:
    world = world_of(f"bounded({horizon})", a=THREE, b=Alarm(("send", "b", "x")))
    due = {f"a!{name}#1" for name in expected}
    assert set(enabled(world)) == {"b>b#1"} | due
    world.step(pick(world, "b", "b"))
    assert set(enabled(world)) >= {"a!soon#1"} | due, (
        "without messages the earliest may always fire"
    )


def test_time_moves_so_that_bounded_timers_become_due() -> None:
    world = world_of(
        "bounded(0.5)", a=Alarm(("set", "x", 0.5 + DELIVERY_SECONDS), ("send", "a", 1))
    )
    assert enabled(world) == ["a>a#1"]
    world.step(pick(world, "a", "a"))
    assert enabled(world) == ["a!x#1"]


def test_under_free_timers_each_node_has_its_own_clock() -> None:
    world = world_of("free", a=Alarm(("set", "x", 100.0)), b=Alarm(("set", "y", 1.0)))
    world.step(timer(world, "a", "x"))
    world.step(timer(world, "b", "y"))
    assert world.observe().state(0)["fired"] == (("x", pytest.approx(100.0)),)
    assert world.observe().state(1)["fired"] == (("y", pytest.approx(1.0)),)


def test_rearming_makes_a_new_generation_and_cancels_the_old() -> None:
    world = world_of(
        "free", a=Alarm(("set", "x", 1.0), ("send", "a", 1), hear=(("set", "x", 2.0),))
    )
    step = world.step(pick(world, "a", "a"))
    assert (step.armed, step.cancelled) == (
        [timer(world, "a", "x", 1)],
        [timer(world, "a", "x", 0)],
    )
    assert enabled(world) == ["a!x#2"]
    assert not world.step(timer(world, "a", "x", 0)).enabled, "the old arming never fires"
    assert world.step(timer(world, "a", "x", 1)).enabled
    assert fired(world) == ["x"]


def test_cancelling() -> None:
    orders = (("cancel", "x"), ("cancel", "never armed"), ("set", "y", 1.0), ("cancel", "y"))
    world = world_of("free", a=Alarm(("set", "x", 1.0), ("send", "a", 1), hear=orders))
    step = world.step(pick(world, "a", "a"))
    assert step.cancelled == [timer(world, "a", "x"), timer(world, "a", "y")]
    assert step.armed == [timer(world, "a", "y")]
    assert enabled(world) == []


@pytest.mark.parametrize("policy", ["free", "ordered", "bounded(1)"])
def test_crash_disarms_and_restart_begins_a_new_generation(policy: str) -> None:
    world = world_of(policy, a=Alarm(("set", "x", 1.0)), b=Alarm(("set", "x", 1.0)))
    step = world.step(world.offer([fault(Kind.CRASH, "a")])[0])
    assert step.cancelled == [timer(world, "a", "x")]
    assert enabled(world) == ["b!x#1"]
    step = world.step(world.offer([fault(Kind.RESTART, "a")])[0])
    assert step.armed == [timer(world, "a", "x", 1)], "not the arming that was lost"
    assert not world.step(timer(world, "a", "x", 0)).enabled


def test_deadlines_belong_to_their_timers_in_the_digest() -> None:
    one = world_of("ordered", a=Alarm(("set", "x", 1.0), ("set", "y", 2.0)))
    two = world_of("ordered", a=Alarm(("set", "y", 1.0), ("set", "x", 2.0)))
    for world in (one, two):
        world._nodes[0].start = ()  # type: ignore[union-attr]  # the same state but for the deadlines
    assert one.digest() != two.digest()


@pytest.mark.parametrize(
    "policy", ["", "FREE", "bounded", "bounded(-1)", "bounded(x)", "bounded(1"]
)
def test_unknown_policies_are_refused(policy: str) -> None:
    with pytest.raises(TargetError, match="timer policy"):
        world_of(policy, a=Alarm())


@pytest.mark.parametrize("name", ["", "a#b", "a\nb", 5, "\ud800"])
def test_a_timer_that_could_not_be_named_in_a_trace_is_refused(name: Any) -> None:
    with pytest.raises(ContractError, match="timer name"):
        world_of("free", a=Alarm(("set", name, 1.0)))


def test_two_timers_that_would_share_a_slot_are_refused() -> None:
    """These two words have the same CRC-32: one would silently replace the other."""
    with pytest.raises(ContractError, match="share a slot"):
        world_of("free", a=Alarm(("set", "plumless", 1.0), ("set", "buckeroo", 1.0)))

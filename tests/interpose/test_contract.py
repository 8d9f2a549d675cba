"""What a node may not do, and what happens when it raises: named errors, never a traceback of ours."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from systems import fault, inject, pick

from demi.errors import ContractError, TargetError
from demi.events import Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.oracle import CRASH


class Doer(Node):
    """Runs a function when it hears something."""

    def __init__(self, do: Callable[[Doer, Context], None]) -> None:
        self.do = do

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        self.do(self, ctx)


def after(do: Callable[[Any, Context], None], **options: Any) -> ActorWorld:
    """A world in which a has run `do`; b does nothing."""
    world = ActorWorld({"a": lambda: Doer(do), "b": Node}, **options)
    world.take(world.offer([inject("a", "go")])[0])
    return world


# ---- broken contracts


def test_sending_to_an_unknown_node_names_both_and_the_known_ones() -> None:
    with pytest.raises(ContractError) as caught:
        after(lambda node, ctx: ctx.send("zed", 1))
    error = caught.value
    assert "a sends to unknown node 'zed'" in error.what
    assert error.where == "step inject at a" and error.remedy == "nodes: a, b"


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyError("x")])
def test_a_constructor_that_raises_is_a_target_error(error: BaseException) -> None:
    def make() -> Node:
        raise error

    with pytest.raises(TargetError) as caught:
        ActorWorld({"a": Node, "b": make})
    assert (
        "constructor of node b" in caught.value.what and type(error).__name__ in caught.value.what
    )
    assert "/" not in caught.value.where and caught.value.where.startswith("test_a_constructor")


@pytest.mark.parametrize("name", ["", "1a", "a b", "a>b", "a#1", "é"])
def test_node_names_that_could_not_be_in_an_id_are_refused(name: str) -> None:
    with pytest.raises(TargetError, match="node name"):
        ActorWorld({name: Node})


@dataclasses.dataclass
class Letter:
    words: list[str]


@dataclasses.dataclass(frozen=True)
class Frozen:
    words: Any


class Thawed(Frozen):
    """A subclass of a frozen dataclass that is no dataclass: its own fields may change."""


def thawed() -> Thawed:
    made = Thawed(1)
    made.extra = ["x"]  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: ["x"], lambda msg: msg.append("y")),
        (lambda: {"k": {"deep": [1]}}, lambda msg: msg["k"]["deep"].append(2)),
        (lambda: Letter(["x"]), lambda msg: msg.words.append("y")),
        (lambda: ("t", [1]), lambda msg: msg[1].append(2)),
        (lambda: Frozen({"a"}), lambda msg: msg.words.add("b")),
        (thawed, lambda msg: msg.extra.append("y")),
        (lambda: bytearray(b"x"), lambda msg: msg.extend(b"y")),
    ],
)
@pytest.mark.parametrize("change_it", [False, True])
def test_a_message_changed_after_the_send(
    make: Callable[[], Any], change: Callable[[Any], None], change_it: bool
) -> None:
    sent = []

    def do(node: Doer, ctx: Context) -> None:
        msg = make()
        ctx.send("b", msg)
        sent.append(msg)
        if change_it:
            change(msg)

    world = after(do)
    event = pick(world, "b", "a")
    if change_it:
        with pytest.raises(ContractError, match="a mutated a message after sending it to b"):
            world.take(event)
    else:
        assert world.take(event).received


def test_receivers_of_one_message_do_not_share_it() -> None:
    got = []

    class Eater(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            msg.append(ctx.name)
            got.append(msg)

    class Caster(Node):
        def on_start(self, ctx: Context) -> None:
            msg: list[str] = []
            for peer in ctx.peers:
                ctx.send(peer, msg)

    world = ActorWorld({"a": Caster, "b": Eater, "c": Eater})
    world.take(pick(world, "b", "a"))
    world.take(pick(world, "c", "a"))
    assert got == [["b"], ["c"]]


def test_an_immutable_message_is_not_copied() -> None:
    msg = Frozen(("x", frozenset({1}), Kind.CRASH))
    got = []

    class Keeper(Node):
        def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
            got.append(msg)

    world = ActorWorld({"a": lambda: Doer(lambda n, ctx: ctx.send("b", msg)), "b": Keeper})
    world.take(world.offer([inject("a", "go")])[0])
    world.take(pick(world, "b", "a"))
    assert got[0] is msg


@pytest.mark.parametrize("bad", [threading.Lock, lambda: [lambda: 1], lambda: sys.stderr])
def test_a_message_that_cannot_be_serialized(bad: Callable[[], Any]) -> None:
    with pytest.raises(ContractError, match="cannot be serialized") as caught:
        after(lambda node, ctx: ctx.send("b", bad()))
    assert caught.value.where == "sent by a in step inject at a"


def test_durable_refuses_what_cannot_be_serialized_and_names_the_key() -> None:
    with pytest.raises(ContractError) as caught:
        after(lambda node, ctx: ctx.durable.__setitem__("log", threading.Lock()))
    assert caught.value.where == "durable['log']"


# ---- a handler that raises


class Odd(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")


def boom(node: Doer, ctx: Context) -> None:
    ctx.send("b", "before")
    ctx.set_timer("t", 1.0)
    ctx.durable["kept"] = 1
    raise KeyError("boom", node)


def test_an_exception_crashes_the_node_and_keeps_what_it_did_before() -> None:
    world = after(boom)
    step = world.current
    failure = step.failure
    assert failure is not None
    assert (failure.node, failure.error, failure.function) == ("a", "KeyError", "boom")
    assert step.sent == [pick(world, "b", "a")]
    assert step.cancelled and step.cancelled == step.armed, "its timers die with it"
    assert not world.alive(0) and world.observe().state(0) is None
    assert world.take(pick(world, "b", "a")).received, "what it sent is in flight"
    assert dict(world._contexts[0].durable) == {"kept": 1}
    assert world.take(world.offer([fault(Kind.RESTART, "a")])[0]).enabled


def test_the_violation_says_where_without_paths_or_addresses() -> None:
    failure = after(boom).current.failure
    assert failure is not None
    detail = failure.detail()
    assert detail.key == "KeyError@boom" and detail.nodes == ("a",)
    where, line = failure.where.rsplit(":", 1)
    assert where == "boom" and line.isdigit()
    assert "/" not in detail.text and ".py" not in detail.text
    assert "0x..." in detail.text, "the object's address is masked: it differs in every process"
    assert CRASH == "crash"


class Deep(Node):
    def on_start(self, ctx: Context) -> None:
        ctx.set_timer("t", 1.0)

    def on_timer(self, ctx: Context, name: str) -> None:
        self.helper()

    def helper(self) -> None:
        raise ZeroDivisionError("multi\n   line")


def test_the_place_is_the_innermost_function() -> None:
    world = ActorWorld({"a": Deep})
    failure = world.take(world.enabled()[0]).failure
    assert failure is not None
    assert failure.where.startswith("Deep.helper:") and failure.function == "helper"
    assert failure.message == "multi line"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SystemExit(3), "3"),
        (GeneratorExit(), ""),
        (RecursionError("deep"), "deep"),
        (MemoryError(), ""),
        (Odd(), "(its text raised RuntimeError)"),
        (ValueError("x" * 1000), "x" * 200),
    ],
)
def test_whatever_is_raised_is_a_crash_of_the_node(error: BaseException, text: str) -> None:
    def do(node: Doer, ctx: Context) -> None:
        raise error

    failure = after(do).current.failure
    assert failure is not None
    assert (failure.error, failure.message) == (type(error).__name__, text)


def test_ctrl_c_in_a_handler_is_ours() -> None:
    def do(node: Doer, ctx: Context) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        after(do)


def test_a_crash_at_the_start_is_reported_by_reset() -> None:
    class Early(Node):
        def on_start(self, ctx: Context) -> None:
            raise ValueError("early")

    world = ActorWorld({"a": Early, "b": Node})
    boot = world.reset(0)
    assert boot.failure is not None and boot.failure.error == "ValueError"
    assert not world.alive(0) and world.alive(1)


def test_a_crash_on_restart() -> None:
    class Late(Node):
        def on_restart(self, ctx: Context) -> None:
            raise ValueError("late")

    world = ActorWorld({"a": Late})
    crash, restart = world.offer([fault(Kind.CRASH, "a"), fault(Kind.RESTART, "a")])
    assert world.take(crash).failure is None, "a crash by the outside is no failure"
    step = world.take(restart)
    assert step.failure is not None and not world.alive(0)


# ---- keeping what demi hands out


def test_a_node_may_keep_its_context_and_its_digest_ignores_it() -> None:
    def do(node: Any, ctx: Context) -> None:
        node.ctx, node.rng, node.disk = ctx, ctx.random, ctx.durable

    world = after(do)
    assert len(world.digest()) == 16
    world.restore(world.checkpoint())
    assert world._nodes[0].ctx is world._contexts[0]  # type: ignore[union-attr]

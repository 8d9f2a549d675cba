"""A node's digest is remembered part by part and yet says what is there now."""

from __future__ import annotations

import random
from typing import Any

import pytest

from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.canon import Canon
from demi.interpose.payload import Freezer


class Bag(Node):
    """Any fields; `how` is done to it by each message."""

    def __init__(self) -> None:
        self.number: Any = 1
        self.items: list[Any] = []
        self.table: dict[Any, Any] = {}
        self.fixed: tuple[Any, ...] = (1, ("a", 2))

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        msg[1](self)


class Slotted(Bag):
    __slots__ = ("extra",)


class Saved(Bag):
    """Says itself what it consists of."""

    def snapshot(self) -> Any:
        return self.number, tuple(self.items), tuple(self.table.items()), self.fixed

    def restore(self, saved: Any) -> None:
        self.number, items, table, self.fixed = saved
        self.items, self.table = list(items), dict(table)


def changed(bag: Bag, draw: random.Random) -> None:
    """One change of any kind, of a value to an equal one of another type included."""
    kind = draw.randrange(9)
    if kind == 0:
        bag.number = draw.choice([1, True, 1.0, 2, None, "1"])
    elif kind == 1:
        bag.items.append(draw.randrange(3))
    elif kind == 2 and bag.items:
        bag.items.pop()
    elif kind == 3:
        bag.table[draw.choice("ab")] = [draw.randrange(2)]
    elif kind == 4:
        for kept in bag.table.values():
            kept.append(0)  # deep inside, in place
    elif kind == 5:
        bag.fixed = (draw.randrange(2), ("a", draw.randrange(2)))
    elif kind == 6:
        bag.items = list(bag.items)
    elif kind == 7 and not isinstance(bag, Saved):
        bag.late = draw.randrange(2)  # type: ignore[attr-defined]
    elif isinstance(bag, Slotted):
        bag.extra = draw.randrange(2)


@pytest.mark.parametrize("kind", [Bag, Slotted, Saved])
def test_what_is_remembered_is_what_is_written_afresh(kind: type[Bag]) -> None:
    draw = random.Random(5)
    for _ in range(30):
        canon, bags = Canon(Freezer()), [kind(), kind()]
        for _ in range(40):
            at = draw.randrange(2)
            changed(bags[at], draw)
            assert canon.node(bags[at], at) == Canon(Freezer()).node(bags[at], at)


def test_equal_values_of_another_type_are_another_state() -> None:
    world = ActorWorld({"a": Bag})
    digests = set()
    for value in (1, True, 1.0):
        world._nodes[0].number = value  # type: ignore[union-attr]
        digests.add(world.node_digest(0))
    assert len(digests) == 3


def test_the_text_is_that_of_traces_recorded_before() -> None:
    bag = Bag()
    bag.table = {"b": 1, "a": [2]}
    text = "Bag<fixed,items,number,table=(1,('a',2))|[]|1|{'a':[2],'b':1}>"
    assert Canon(Freezer()).node(bag, 0) == text

"""Canonical text and JSON of payloads: equal everywhere, whatever is thrown at them."""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict, deque
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from systems import in_process

from demi.errors import ContractError
from demi.interpose.canon import canonical
from demi.interpose.payload import DEPTH_MAX, Freezer, label_of, serialize, to_json
from demi.trace_check import NESTING_MAX


class Color(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


class Bits(Flag):
    A = 1
    B = 2


class Vote(NamedTuple):
    term: int
    who: str


@dataclasses.dataclass(frozen=True)
class Entry:
    term: int
    items: Any = ()


class Thing:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Private:
    __slots__ = ("__x", "y")

    def __init__(self, x: int, y: int) -> None:
        self.__x, self.y = x, y


class Text(str):
    pass


class Number(int):
    def __add__(self, other: Any) -> Number:
        return self

    def __str__(self) -> str:
        return "lies"


class Ratio(float):
    def __add__(self, other: Any) -> Ratio:
        return self


HOSTILE: list[tuple[Any, Any]] = [
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (-0.0, -0.0),
    (2**63 - 1, 2**63 - 1),
    (2**63, str(2**63)),
    (-(2**63) - 1, str(-(2**63) - 1)),
    (10**5000, hex(10**5000)),
    (b"\x00\xff", "00ff"),
    (bytearray(b"a"), "61"),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ({("x", 1), ("a", 2)}, [["a", 2], ["x", 1]]),
    (Color.RED, "RED"),
    (Level.LOW, "LOW"),
    (Vote(1, "n1"), {"term": 1, "who": "n1"}),
    (Entry(1, (Vote(2, "x"),)), {"term": 1, "items": [{"term": 2, "who": "x"}]}),
    ({2: "b", 1: "a", None: 0}, {"1": "a", "2": "b", "None": 0}),
    (deque([1, 2]), [1, 2]),
    (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
    (Text("x"), "x"),
    (Number(7), 7),
    (Ratio(0.5), 0.5),
    (Number(2**70), str(2**70)),
    (True, True),
    (Decimal("1.50"), "1.50"),
    (date(2020, 1, 2), "2020-01-02"),
    (Thing(x=1), "<Thing>"),
    (1j, "<complex>"),
    (int, "<type>"),
]


@pytest.mark.parametrize(("value", "expected"), HOSTILE, ids=[str(i) for i in range(len(HOSTILE))])
def test_json_of_hostile_values(value: Any, expected: Any) -> None:
    got = to_json(value)
    assert got == expected and type(got) is type(expected)
    assert msgspec.json.decode(msgspec.json.encode(got)) == got, "and it survives the file"


def cycle() -> list[Any]:
    around: list[Any] = [1]
    around.append({"again": around})
    return around


def test_json_of_what_contains_itself_ends() -> None:
    assert to_json(cycle()) == [1, {"again": "<list>"}]
    one = [0]
    assert to_json([one, one]) == [[0], [0]], "twice is not inside itself"


def test_json_is_never_nested_deeper_than_a_reader_accepts() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    text = json.dumps(to_json(deep))
    assert text.count("[") == DEPTH_MAX < NESTING_MAX


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5)
hashable = st.recursive(
    leaves, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=8
)
values = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(hashable, inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@given(values)
def test_json_can_always_be_written(value: Any) -> None:
    got = to_json(value)
    again = json.loads(json.dumps(got, allow_nan=False))
    assert again == got


@given(values)
def test_canonical_text_is_the_same_for_an_equal_copy(value: Any) -> None:
    assert canonical(serialize(value, "").open()) == canonical(value)


@given(values, values)
def test_canonical_text_tells_values_apart(one: Any, two: Any) -> None:
    """Different text for different values; floats and ints that are equal may differ in text."""
    if canonical(one) == canonical(two):
        assert repr_sorted(one) == repr_sorted(two)


def repr_sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return ("dict", sorted(repr((repr_sorted(k), repr_sorted(v))) for k, v in value.items()))
    if isinstance(value, (set, frozenset)):
        return ("set", sorted(repr(repr_sorted(part)) for part in value))
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, [repr_sorted(part) for part in value])
    return repr(value)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Private(1, 2), Private(3, 2)),
        (Vote(1, "a"), (1, "a")),
        (Entry(1), Entry(2)),
        (Thing(a=1), Thing(a="1")),
        ([1, 2], [2, 1]),
        ([Thing.__init__], [Private.__init__]),
        ([Thing], [Private]),
        (Thing(f="x".upper), Thing(f="x")),
        (Decimal("1"), Decimal("2")),
        (timedelta(1), timedelta(2)),
        (range(3), range(4)),
        ([10**5000], [10**5000 + 1]),
        ([Color.RED], [Level.LOW]),
        (0, False),
    ],
)
def test_different_states_have_different_text(one: Any, two: Any) -> None:
    assert canonical(one) != canonical(two)


def test_canonical_text_of_cycles_is_finite_and_equal_for_equal_shapes() -> None:
    assert canonical(cycle()) == canonical(cycle())
    parent = Thing(children=[])
    parent.children = [Thing(parent=parent, name=i) for i in range(3)]
    text = canonical(parent)
    assert text.count("^") == 3
    parent.children[1].name = 9
    assert canonical(parent) != text


def test_canonical_text_of_a_tangle_is_refused_instead_of_taking_for_ever() -> None:
    things = [Thing() for _ in range(20)]
    for thing in things:
        thing.all = list(things)
    with pytest.raises(ContractError, match="too many ways"):
        canonical(things)


CODE = """
import dataclasses, enum
from demi.interpose.canon import canonical
from demi.interpose.payload import to_json
from systems import Ask, relays, lock, inject
class E(enum.Enum):
    A = "a"; B = "b"
words = {"apple", "pear", "plum", ("x", 1), ("y", 2), b"z", None, 3.5}
value = {"set": words, "by": {w: {str(w), "q"} for w in sorted(map(str, words))},
         "enums": {E.A, E.B}, "asks": {Ask("a"), Ask("b"), Ask("c")}, "frozen": frozenset(map(str, words))}
print(canonical(value)); print(to_json(value))
world = lock().world
world.reset(3)
for event in world.offer([inject("c1", "ask"), inject("c2", "ask")]):
    world.take(event)
while world.channels():
    world.take(world.enabled()[0])
print(world.digest().hex(), [world.node_digest(n) for n in range(4)])
"""


def test_text_and_digests_are_the_same_under_every_hash_seed() -> None:
    first, *others = [in_process(CODE, seed) for seed in (0, 1, 4242)]
    assert first.count("\n") == 3 and "apple" in first
    assert others == [first, first]


# ---- labels and the freezer


@pytest.mark.parametrize(
    ("message", "label"),
    [
        (("vote", 1), "vote"),
        (Vote(1, "a"), "Vote"),
        ({"type": "x y"}, "x y"),
        ("ping 12", "ping"),
        ("", "message"),
        ("#\n\ud800", "___"),
        (("a" * 100,), "a" * 40),
        ((), "tuple"),
        (None, "NoneType"),
        ({"type": 3}, "dict"),
    ],
)
def test_labels_are_short_and_can_be_in_an_id(message: Any, label: str) -> None:
    assert label_of(message) == label


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, ("a", b"b", None, 1.5, 1j)), True),
        (frozenset({(1, 2)}), True),
        (Entry(1, (Vote(1, "a"),)), True),
        (Entry(1, [1]), False),
        (Vote(1, []), False),  # type: ignore[arg-type]
        ((Color.RED, Bits.A | Bits.B, int), True),
        (((([1],),),), False),
        (Thing(), False),
        (Text("x"), True),
        (date(2020, 1, 1), True),
        ([], False),
    ],
)
def test_what_may_be_shared(value: Any, expected: bool) -> None:
    freezer = Freezer()
    assert freezer.immutable(value) is expected
    assert freezer.immutable(value) is expected, "remembered as the same"


def test_the_freezer_does_not_mistake_a_new_object_for_an_old_one() -> None:
    freezer = Freezer()
    for i in range(20_000):
        assert freezer.immutable((i, (i,)))
        assert not freezer.immutable((i, [i]))

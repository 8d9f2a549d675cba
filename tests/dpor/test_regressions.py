"""Five defects that engines like this one have had; each program is the smallest that shows it."""

from __future__ import annotations

from itertools import permutations

import pytest

from demi.events import External, Kind

from .helpers import REDUCED, agree, count, run
from .programs import Made, Table, inject, lastzero, paxos, raft, readers, source


@pytest.mark.parametrize(
    ("made", "classes"),
    [(lastzero(3), 12), (lastzero(5), 64), (raft(3, 2), 258), (paxos(2, 2), 208)],
)
def test_a_backtrack_point_is_an_initial(made: Made, classes: int) -> None:
    """Adding any process that leads to the racing event loses classes together with sleep sets."""
    assert count(made, "classic") == count(made, "source") == classes


def seen_once(order: tuple[str, ...]) -> Made:
    a = {("y", ""): [("A", "z")], ("x", "z"): [("B", "w")]}
    sources = {
        "x": source(("A", ("x",))), "y": source(("A", ("y",))),
        "p": source(("B", ("p",))), "q": source(("B", ("q",))),
    }  # fmt: skip
    nodes = {"A": lambda: Table(a), "B": lambda: Table({})}
    return nodes | {f"s{i}{name}": sources[name] for i, name in enumerate(order)}, (), None


@pytest.mark.parametrize("order", list(permutations("xypq")), ids="".join)
def test_races_are_analysed_again_at_every_execution(order: tuple[str, ...]) -> None:
    """Analysing each stack event only once misses one of ten, for two creation orders of 24."""
    assert count(seen_once(order), "optimal") == 10
    assert count(seen_once(order), "source") == 10


def test_commuting_messages_of_one_channel_stay_dependent() -> None:
    b = {("v", ""): [("A", "read"), ("B", "u")], ("v", "u"): [("A", "read")]}
    made: Made = (
        {
            "A": lambda: Table({}), "B": lambda: Table(b),
            "e1": source(("B", ("v",)), ("B", ("v",))), "e0": source(("A", ("w",))),
        },
        (),
        lambda la, a, lb, b: la == "read" == lb,
    )  # fmt: skip
    assert [count(made, algorithm) for algorithm in REDUCED] == [5, 5, 5]
    assert agree(made) == 5


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_writer_created_last(n: int) -> None:
    """The causal past of the racing message may hold no initial: only a read before it does."""
    for algorithm in REDUCED:
        assert count(readers(n, writer_first=False), algorithm) == 2**n


def test_commuting_deliveries_that_send_on_one_channel_are_dependent() -> None:
    a = {("read", "*"): [("B", "seen")]}
    made: Made = (
        {
            "A": lambda: Table(a), "B": lambda: Table({}),
            "s1": source(("A", ("read",))), "s2": source(("A", ("read",))),
        },
        (),
        lambda la, a, lb, b: la == "read" == lb,
    )  # fmt: skip
    assert [count(made, algorithm) for algorithm in REDUCED] == [2, 2, 2]


def test_one_writer_and_sources_that_read_twice() -> None:
    """3^N: the reads of one source keep their order."""
    for n in (1, 2, 3):
        nodes, _, hook = readers(n)
        twice = {f"r{i}": source(("x", ("r",)), ("x", ("r",))) for i in range(1, n + 1)}
        assert count(({**nodes, **twice}, (), hook)) == 3**n


def test_a_step_that_disables_another_is_a_race() -> None:
    """An input that a crash takes away leaves no trace after it, and must still be tried before it."""
    made: Made = (
        {"A": lambda: Table({})},
        (*inject(("A", "a"), ("A", "b")), External(Kind.CRASH, ("A",))),
        None,
    )
    assert agree(made) == 5  # crash, a crash, b crash, ab crash, ba crash


def test_what_a_step_disabled_may_also_come_late() -> None:
    """A drop takes a message away; the order of that message after *later* steps is lost with it."""
    from .random_programs import random_program

    assert agree(random_program(137, faults=True, externals=3)) == 11


def test_a_mailbox_race_is_judged_by_what_the_step_sends_there() -> None:
    """Without the earlier step the racing one may send elsewhere: seed 100 lost two of 34."""
    from .random_programs import random_program

    for seed in (1, 7, 100):
        agree(random_program(seed), network="mailbox")


def test_a_sleeping_step_stands_only_for_what_it_touches_itself() -> None:
    """C's first input sends to B only as the first; after the other it does not conflict with B's sends,
    and source lost one of 22: the order in which both send to B's mailbox."""
    rules = {"B": {("a", ""): [("B", "c")]}, "C": {("a", ""): [("B", "d")]}}
    made: Made = (
        {name: (lambda table=table: Table(table)) for name, table in rules.items()},
        (
            *inject(("C", "a"), ("C", "b"), ("B", "a")),
            External(Kind.CRASH, ("B",)), External(Kind.RESTART, ("B",)),
        ),
        None,
    )  # fmt: skip
    assert agree(made, network="mailbox") == 22


def test_naive_finds_all() -> None:
    result, seen = run(readers(2), "naive")
    assert (result.executions, len(set(seen.ids))) == (6, 4)

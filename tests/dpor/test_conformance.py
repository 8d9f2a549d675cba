"""The conformance counts: classes per program and network model, exact.

All three algorithms must explore the same number of maximal executions, each of another class.
"""

from __future__ import annotations

from math import factorial

import pytest

from .helpers import REDUCED, agree, count, run
from .inbox import InboxWorld
from .programs import (
    Made,
    broadcasts,
    filesystem,
    independent_receivers,
    indexer,
    lastzero,
    nsend_any,
    nsend_two,
    on_demand,
    paxos,
    program1,
    program2,
    program3,
    raft,
    readers,
    registers,
    ring,
    senders,
    tpc,
    wakeup_stress,
)

FIFO: list[tuple[str, Made, int]] = [
    *[(f"readers({n})", readers(n), 2**n) for n in (1, 2, 3, 4, 6, 8)],
    *[
        (f"lastzero({n})", lastzero(n), c)
        for n, c in zip(range(1, 7), (2, 5, 12, 28, 64, 144), strict=True)
    ],
    *[(f"indexer({n})", indexer(n), 8 ** (n - 11)) for n in (11, 12)],
    *[(f"filesystem({n})", filesystem(n), 2 ** (n - 13)) for n in (13, 14)],
    *[(f"nsend_any({n})", nsend_any(n), factorial(n)) for n in (2, 3, 4, 5)],
    *[(f"nsend_two({n})", nsend_two(n), factorial(n) ** 2) for n in (2, 3, 4)],
    *[(f"tpc({n})", tpc(n), factorial(n) ** 2) for n in (2, 3, 4)],
    ("ring(3)", ring(3), 28),
    ("ring(4)", ring(4), 120),
    ("raft(3,1)", raft(3, 1), 2),
    ("raft(4,1)", raft(4, 1), 6),
    ("raft(3,2)", raft(3, 2), 258),
    ("paxos(1,3)", paxos(1, 3), 72),
    ("paxos(2,1)", paxos(2, 1), 5),
    ("paxos(2,2)", paxos(2, 2), 208),
    ("program1", program1(), 12),
    ("program2", program2(), 12),
    ("program3", program3(), 1),
    *[(f"wakeup_stress({n})", wakeup_stress(n), 2 * factorial(n)) for n in (2, 3, 4)],
    ("independent_receivers", independent_receivers(), 2),
    ("spawned_senders", nsend_any(2), 2),
    ("indifferent_senders", nsend_any(3), 6),
    *[
        (f"senders({k},{m})", senders(k, m), factorial(k * m) // factorial(m) ** k)
        for k, m in ((2, 2), (2, 3), (3, 2))
    ],
    *[(f"broadcasts({n},{r})", broadcasts(n, r), factorial(n) ** r) for n, r in ((2, 3), (3, 2))],
]
OTHERS: list[tuple[str, str, Made, int]] = [
    ("bag", "program1", program1(), 24),
    ("bag", "program2", program2(), 24),
    ("bag", "program3", program3(), 6),
    ("bag", "nsend_any(4)", nsend_any(4), 24),
    ("bag", "senders(2,2)", senders(2, 2), 24),
    ("bag", "senders(2,3)", senders(2, 3), 720),
    ("bag", "broadcasts(3,2)", broadcasts(3, 2), 36),
    ("causal", "program1", program1(), 6),
    ("causal", "program2", program2(), 12),
    ("causal", "program3", program3(), 1),
    ("causal", "nsend_any(4)", nsend_any(4), 24),
    ("causal", "nsend_two(3)", nsend_two(3), 36),
    ("causal", "tpc(3)", tpc(3), 36),
    ("causal", "broadcasts(3,2)", broadcasts(3, 2), 36),
    ("causal", "ring(3)", ring(3), 28),
    ("causal", "ring(4)", ring(4), 120),
    ("causal", "raft(3,1)", raft(3, 1), 2),
    ("causal", "raft(4,1)", raft(4, 1), 6),
    ("causal", "raft(3,2)", raft(3, 2), 126),
    ("causal", "paxos(1,3)", paxos(1, 3), 72),
    ("causal", "paxos(2,1)", paxos(2, 1), 5),
    ("causal", "paxos(2,2)", paxos(2, 2), 172),
    ("mailbox", "nsend_any(4)", on_demand(nsend_any(4)), 24),
    ("mailbox", "ring(3)", on_demand(ring(3)), 28),
    ("mailbox", "raft(3,2), atomic handlers", on_demand(raft(3, 2)), 76),
]
INBOX: list[tuple[str, Made, int]] = [
    ("program1", program1(), 6),
    ("program2", program2(), 12),
    ("program3", program3(), 1),
    ("nsend_any(4)", nsend_any(4), 24),
    ("nsend_two(2)", nsend_two(2), 4),
    ("nsend_two(3)", nsend_two(3), 36),
    ("tpc(3)", tpc(3), 36),
    ("broadcasts(3,2)", broadcasts(3, 2), 36),
    ("ring(3)", ring(3), 28),
    ("ring(4)", ring(4), 120),
    ("raft(3,1)", raft(3, 1), 2),
    ("raft(4,1)", raft(4, 1), 6),
    ("raft(3,2)", raft(3, 2), 126),
    ("paxos(1,3)", paxos(1, 3), 72),
    ("paxos(2,1)", paxos(2, 1), 5),
    ("paxos(2,2)", paxos(2, 2), 148),
]


def w(cell: str, value: object = 1) -> tuple[str, tuple[object, ...]]:
    return cell, ("w", value)


def r(cell: str) -> tuple[str, tuple[object, ...]]:
    return cell, ("r", True)


def straight(*accesses: tuple[str, tuple[object, ...]]):  # type: ignore[no-untyped-def]
    """The accesses one after the other, whatever was read."""
    return lambda got: accesses[len(got)] if len(got) < len(accesses) else ()


def tree(*accesses: object):  # type: ignore[no-untyped-def]
    """Accesses; after a read, the next element (a tuple of accesses) is done only if it read non-zero."""

    def step(got: tuple[object, ...]) -> object:
        todo, values = list(accesses), list(got)
        while todo:
            access = todo.pop(0)
            if not values:
                return access
            value = values.pop(0)
            if todo and isinstance(todo[0], list):
                then = todo.pop(0)
                if value:
                    todo[:0] = then  # type: ignore[arg-type]
        return ()

    return step


def unless(read: object, then: list[object]):  # type: ignore[no-untyped-def]
    """Read; continue only if it was zero."""

    def step(got: tuple[object, ...]) -> object:
        if not got:
            return read
        return then[len(got) - 1] if not got[0] and len(got) <= len(then) else ()

    return step


def popl(got: tuple[object, ...]) -> object:
    """if z = 1 and then y = 0 then x := 2."""
    if not got:
        return r("z")
    if len(got) == 1:
        return r("y") if got[0] else ()
    return w("x", 2) if len(got) == 2 and not got[1] else ()


def both(got: tuple[object, ...]) -> object:
    """Ry Rz, if both then Rx."""
    if len(got) < 2:
        return (r("y"), r("z"))[len(got)]
    return r("x") if len(got) == 2 and got[0] and got[1] else ()


REGISTERS: list[tuple[str, Made, int]] = [
    (
        "sleeping_races_1",
        registers("xy", a=straight(w("y")), b=straight(w("x")), c=tree(r("x"), [r("y")])),
        3,
    ),
    (
        "manywrite",
        registers(
            "xy",
            a=straight(w("x")),
            b=straight(w("x", 2)),
            c=straight(w("y")),
            d=straight(w("y", 2)),
        ),
        4,
    ),
    (
        "many_initials",
        registers("xyz", a=straight(w("x")), b=straight(w("y")), c=straight(w("z")), d=both),
        5,
    ),
    (
        "POPL_optimal_example",
        registers(
            "xyz", a=straight(w("x")), b=straight(w("y")), c=unless(r("y"), [w("z")]), d=popl
        ),
        5,
    ),
    (
        "hairbrush_teeth_1",
        registers("x", a=straight(w("x"), w("x", 2)), b=straight(r("x"), r("x"))),
        6,
    ),
    (
        "diff_dep_3",
        registers(
            "xz",
            a=straight(w("x")),
            b=straight(w("z")),
            c=tree(r("z"), [r("x")]),
            d=straight(r("x")),
        ),
        6,
    ),
    (
        "combination_lock_1",
        registers(
            "abcdvwxyz",
            p=straight(w("z")),
            q=tree(w("x"), w("a"), r("y"), [w("w"), w("b")]),
            s=tree(r("x"), [w("y"), w("c"), r("v"), [r("z")]]),
            t=tree(r("w"), [w("v"), w("d")]),
        ),
        6,
    ),
]


@pytest.mark.parametrize(("made", "classes"), [one[1:] for one in FIFO], ids=[n[0] for n in FIFO])
def test_fifo(made: Made, classes: int) -> None:
    assert [count(made, algorithm) for algorithm in REDUCED] == [classes] * 3


@pytest.mark.parametrize(
    ("network", "made", "classes"),
    [(net, made, n) for net, _, made, n in OTHERS],
    ids=[f"{net}-{name}" for net, name, _, _ in OTHERS],
)
def test_other_networks(network: str, made: Made, classes: int) -> None:
    assert [count(made, one, network=network) for one in REDUCED] == [classes] * 3


@pytest.mark.parametrize(("made", "classes"), [one[1:] for one in INBOX], ids=[n[0] for n in INBOX])
def test_inbox_with_sends_as_events(made: Made, classes: int) -> None:
    for algorithm in REDUCED:
        assert count(made, algorithm, network="mailbox", world=InboxWorld) == classes


@pytest.mark.parametrize(
    ("made", "classes"), [one[1:] for one in REGISTERS], ids=[n[0] for n in REGISTERS]
)
def test_registers(made: Made, classes: int) -> None:
    assert [count(made, algorithm) for algorithm in REDUCED] == [classes] * 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "classes"),
    [
        (readers(10), 1024), (readers(13), 8192), (lastzero(8), 704), (lastzero(10), 3328),
        (indexer(13), 64), (indexer(14), 512), (filesystem(18), 32), (filesystem(19), 64),
        (wakeup_stress(6), 1440), (nsend_any(7), 5040), (wakeup_stress(8), 80640),
    ],
)  # fmt: skip
def test_large(made: Made, classes: int) -> None:
    assert count(made, "optimal") == classes


@pytest.mark.parametrize(
    ("made", "interleavings"),
    [
        (nsend_two(3), 720), (tpc(2), 36), (ring(3), 433), (raft(3, 1), 40), (raft(4, 1), 2448),
        (paxos(2, 1), 45), (lastzero(1), None), (readers(4), 120), (program1(), 30),
    ],
)  # fmt: skip
def test_brute_force(made: Made, interleavings: int | None) -> None:
    result, _ = run(made, "naive")
    assert interleavings is None or result.executions == interleavings
    agree(made)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "interleavings"), [(readers(6), 5040), (lastzero(2), None), (tpc(3), 8100)]
)
def test_brute_force_large(made: Made, interleavings: int | None) -> None:
    result, _ = run(made, "naive")
    assert interleavings is None or result.executions == interleavings
    agree(made)


@pytest.mark.parametrize("network", ["bag", "causal", "mailbox"])
@pytest.mark.parametrize("made", [program1(), nsend_two(2), raft(3, 1), tpc(2), senders(2, 2)])
def test_brute_force_other_networks(made: Made, network: str) -> None:
    agree(on_demand(made) if network == "mailbox" else made, network=network)

"""List-append transactions: each anomaly by its name, with its cycle."""

from __future__ import annotations

import pytest

from demi.errors import UsageError
from demi.history.operation import FAIL, OK, Operation
from demi.history.transactions import LEVELS, find_anomalies


def txn(process: str, at: int, *steps: str, status: str = OK) -> Operation:
    """`ax1` appends 1 to x; `rx12` reads [1, 2] from x.  Ends just after it began, at `at`."""
    told = tuple(
        ("append", s[1], int(s[2])) if s[0] == "a" else ("r", s[1], tuple(map(int, s[2:])))
        for s in steps
    )
    return Operation(process, "txn", told, told, status, 10 * at, 10 * at + 1, None, at)


def together(*ones: Operation) -> list[Operation]:
    """All overlap."""
    return [
        Operation(o.process, o.f, o.argument, o.result, o.status, i, 100 + i, None, o.at)
        for i, o in enumerate(ones)
    ]


ANOMALIES = {
    "G0": [txn("a", 1, "ax1", "ay1"), txn("b", 2, "ax2", "ay2"), txn("c", 3, "rx12", "ry21")],
    "G1c": [txn("a", 1, "ax1", "ry2"), txn("b", 2, "ay2", "rx1")],
    "G-single": [txn("a", 1, "ax1", "ay1"), txn("b", 2, "rx1", "ry"), txn("c", 3, "ry1")],
    "G2": [txn("a", 1, "rx", "ay1"), txn("b", 2, "ry", "ax1"), txn("c", 3, "rx1", "ry1")],
}


@pytest.mark.parametrize("name", ANOMALIES)
def test_each_cycle_by_its_name(name: str) -> None:
    found = find_anomalies(together(*ANOMALIES[name]))
    assert [one.name for one in found] == [name]
    assert len(found[0].steps) == len(found[0].transactions) == 2
    for level, forbidden in LEVELS.items():
        broken = find_anomalies(together(*ANOMALIES[name]), level)
        assert bool(broken) is (name in forbidden), level


def test_the_cycle_is_told() -> None:
    (found,) = find_anomalies(together(*ANOMALIES["G-single"]))
    assert found.text == "G-single: T2 -> T1 -> T2 (rw, wr)"
    assert [step.split("--", 1)[1] for step in found.steps] == [
        "rw--> did not see 1 in y, which the next appended",
        "wr--> appended 1 to x, which was read by the next",
    ]


def test_a_stale_read_is_serializable_but_not_strictly() -> None:
    stale = [txn("a", 1, "ax1"), txn("b", 2, "rx"), txn("c", 3, "rx1")]
    assert find_anomalies(stale, "serializable") == []
    (found,) = find_anomalies(stale)
    assert (found.name, [t.process for t in found.transactions]) == (
        "G-single-realtime", ["b", "a"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "transactions"),
    [
        ("G1a", [txn("a", 1, "ax1", status=FAIL), txn("b", 2, "rx1")]),
        ("G1b", [txn("a", 1, "ax1", "ax2"), txn("b", 2, "rx1"), txn("c", 3, "rx12")]),
        ("phantom", [txn("b", 2, "rx7")]),
        (
            "incompatible-order",
            [txn("a", 1, "ax1"), txn("b", 2, "ax2"), txn("c", 3, "rx12"), txn("d", 4, "rx2")],
        ),
    ],
)
def test_reads_that_no_order_could_give(name: str, transactions: list[Operation]) -> None:
    assert name in [one.name for one in find_anomalies(together(*transactions), "read-committed")]


def test_a_serial_history_holds_and_its_own_appends_are_no_anomaly() -> None:
    ones = [txn("a", 1, "ax1", "rx1"), txn("b", 2, "rx1", "ax2", "rx12"), txn("c", 3, "rx12")]
    assert find_anomalies(ones) == []


def test_values_must_be_unique() -> None:
    with pytest.raises(UsageError, match="appended to x twice"):
        find_anomalies([txn("a", 1, "ax1"), txn("b", 2, "ax1")])

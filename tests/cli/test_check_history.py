"""`demi check-history` as its users meet it, and histories as an invariant of a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Demi

GOOD = "0 :invoke :write 1\n1 :invoke :read nil\n1 :ok :read 1\n0 :ok :write 1\n"
STALE = GOOD + "1 :invoke :read nil\n1 :ok :read nil\n"


def test_what_holds_ends_with_0(demi: Demi) -> None:
    done = demi("check-history", demi.write("h.txt", GOOD))
    assert (done.code, done.out) == (
        0,
        "history   2 operations of h.txt, model register\n"
        "result    linearizable: 2 operations on 1 key\n",
    )


def test_what_does_not_ends_with_1_and_the_smallest_failing_prefix(demi: Demi) -> None:
    done = demi("check-history", demi.write("h.txt", STALE + "1 :invoke :read nil\n"))
    assert done.code == 1
    assert done.out.splitlines()[1:] == [
        "VIOLATED  1: read() -> nothing; no order explains it: before it the value is 1",
        "prefix    the smallest failing one ends at line 6: 3 of 4 operations",
        "               1-4       0: write(1) -> 1",
        "               2-3       1: read() -> 1",
        "               5-6       1: read() -> nothing",
        "result    not linearizable",
    ]
    done = demi("--json", "check-history", "h.txt")
    assert done.last("finding")["line"] == 6
    assert done.last("summary") == {
        "type": "summary", "schema": 1, "verdict": "violated", "exit": 1, "operations": 4, "keys": 1,
        "next": [],
    }  # fmt: skip


def test_what_nobody_could_tell_ends_with_5(demi: Demi) -> None:
    lines = [f"{i} :invoke :write {i}" for i in range(9)] + [
        "r :invoke :read nil",
        "r :ok :read 77",
    ]
    lines += [f"{i} :ok :write {i}" for i in range(9)]
    done = demi("check-history", demi.write("h.txt", "\n".join(lines)), "--configurations", 20)
    assert done.code == 5
    assert "unknown: the budget was not enough to tell" in done.out
    assert done.next == ["demi check-history h.txt --configurations 200"]


def test_a_cycle_of_transactions_is_named(demi: Demi) -> None:
    lines = [
        '{"process": 1, "type": "invoke", "f": "txn", "value": [["r", "x", null], ["append", "y", 1]]}',
        '{"process": 2, "type": "invoke", "f": "txn", "value": [["r", "y", null], ["append", "x", 1]]}',
        '{"process": 1, "type": "ok", "f": "txn", "value": [["r", "x", []], ["append", "y", 1]]}',
        '{"process": 2, "type": "ok", "f": "txn", "value": [["r", "y", []], ["append", "x", 1]]}',
        '{"process": 3, "type": "invoke", "f": "txn", "value": [["r", "x", null], ["r", "y", null]]}',
        '{"process": 3, "type": "ok", "f": "txn", "value": [["r", "x", [1]], ["r", "y", [1]]]}',
    ]
    name = demi.write("t.jsonl", "\n".join(lines))
    done = demi("check-history", name)
    assert done.code == 1
    assert "VIOLATED  G2: T1 -> T2 -> T1 (rw, rw)" in done.out
    assert "1: r x [], append y 1 --rw--> did not see 1 in x" in done.out
    assert demi("check-history", name, "--level", "snapshot-isolation").code == 0


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("0 :ok :read 1\n", (), "h.txt, line 1"),
        ("0 :invoke :jump 1\n", (), "no model knows all of: jump"),
        (GOOD, ("--model", "queue"), "model queue has no operation 'write'"),
        (GOOD, ("--model", "heap"), "unknown model 'heap'"),
        ("0 :invoke :cas 1\n0 :ok :cas 1\n", (), "model register cannot apply an operation"),
    ],
)
def test_bad_input_is_named(demi: Demi, text: str, words: tuple[str, ...], said: str) -> None:
    done = demi("check-history", demi.write("h.txt", text), *words)
    assert done.code == 2
    assert said in " ".join(done.err.split())
    assert "remedy" in done.err
    assert demi("check-history", "nothing.txt").code == 2


def test_a_stale_read_is_found_shrunk_and_shown(demi: Demi) -> None:
    target = ROOT / "examples" / "register.py"
    done = demi("fuzz", target, "--bug", "hasty", "--seed", 1, "-j", 1)
    assert done.code == 1
    (small,) = demi.traces()[1:] if ".min" in demi.traces()[1].name else demi.traces()[:1]
    rows = demi("view", small, "--plain", "--width", 200).out.splitlines()
    told = [
        row.split("history +", 1)[1].split("]")[0].strip("[") for row in rows if "history +" in row
    ]
    assert told == [
        "write(1) begins",
        "read() begins",
        "read() ok 1",
        "read() begins",
        "read() ok nothing",
    ]
    assert Path(small).name.startswith("register-Linearizability-")


def test_the_patient_register_holds_in_every_run(demi: Demi) -> None:
    done = demi("fuzz", ROOT / "examples" / "register.py", "--seed", 1, "-j", 1, "-n", 200)
    assert done.code == 0, done.text

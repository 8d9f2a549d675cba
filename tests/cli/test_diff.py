"""`demi diff`: the alignment itself, and what the command says."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.render.alignment import align, increasing
from demi.trace import Entry, Header, Trace
from demi.trace_codec import load

from .conftest import ROOT, Demi

BIG = ROOT / "traces/raft/raft-45.jsonl.gz"
SMALL = ROOT / "traces/raft/raft-45.min.jsonl"


@given(st.permutations(range(8)))
def test_the_subsequence_increases_and_none_is_longer(values: list[int]) -> None:
    found = [values[at] for at in increasing(values)]
    assert found == sorted(found)
    longest = max(
        length
        for length in range(9)
        if any(list(part) == sorted(part) for part in combinations(values, length))
    )
    assert len(found) == longest


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_every_event_of_both_traces_is_there_in_its_order(
    ours: list[int], theirs: list[int]
) -> None:
    left, right = (
        Trace(Header("t", {}, ("n",)), tuple(Entry(f"n!t#{i + 1}") for i in ids))
        for ids in (ours, theirs)
    )
    pairs = align(left, right)
    assert [p.left for p in pairs if p.left is not None] == list(range(len(ours)))
    assert [p.right for p in pairs if p.right is not None] == list(range(len(theirs)))
    for pair in pairs:
        if pair.left is not None and pair.right is not None:
            assert pair.moved is None
        shared = pair.id in {e.id for e in left} and pair.id in {e.id for e in right}
        assert shared == (pair.moved is not None or None not in (pair.left, pair.right))


def test_a_minimized_trace_against_its_original(demi: Demi) -> None:
    done = demi.here("diff", BIG, SMALL)
    assert done.code == 0
    assert "header    strategy " in done.out
    assert "\n~    203     14  n2>n2:BeginElection#2\n" in done.out
    assert "\n+            12  n1>n3:RequestVote#1  (there at step 268)\n" in done.out
    assert "···  1 398 events removed; --all shows them" in done.out
    assert done.out.endswith(
        "events    1 equal, 8 changed, 1671 removed, 2 added, 11 moved\n"
        "ends      A violates ElectionSafety at step 1691; B violates ElectionSafety at\n"
        "          step 22\n"
    )
    everything = demi.here("diff", BIG, SMALL, "--all").out
    assert "···" not in everything
    assert len([row for row in everything.splitlines() if row[:1] in "-+"]) == 1671 + 2 + 2 * 11


def test_counts_for_machines_add_up(demi: Demi) -> None:
    done = demi.here("--json", "diff", BIG, SMALL, "--all")
    total = done.last("summary")
    big, small = len(load(BIG)), len(load(SMALL))
    assert total["equal"] + total["changed"] + total["moved"] + total["removed"] == big
    assert total["equal"] + total["changed"] + total["moved"] + total["added"] == small
    rows = [one for one in done.json if one["type"] == "row"]
    assert [row["left"] for row in rows if row["left"]] == list(range(1, big + 1))


def test_a_trace_equals_itself(demi: Demi, recorded: Path) -> None:
    done = demi.here("--json", "diff", recorded.name, recorded.name)
    total = done.last("summary")
    assert (total["changed"], total["removed"], total["added"], total["moved"]) == (0, 0, 0, 0)
    assert [one for one in done.json if one["type"] == "header"] == []


def test_long_traces_are_aligned_in_no_time() -> None:
    ids = [Entry(f"n!t#{i + 1}") for i in range(50_000)]
    mixed = list(ids)
    random.Random(1).shuffle(mixed)
    left = Trace(Header("t", {}, ("n",)), tuple(ids))
    assert len(align(left, replace(left, entries=tuple(mixed)))) < 100_000


@pytest.mark.parametrize("words", [("gone.jsonl", SMALL), (SMALL, "gone.jsonl"), (SMALL,)])
def test_a_missing_trace_is_refused(demi: Demi, words: tuple[object, ...]) -> None:
    assert demi.here("diff", *words).code == 2

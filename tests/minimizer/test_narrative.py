"""The explanation in words: short, in order, and nothing that the trace does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from demi.minimizer.minimize import minimize
from demi.minimizer.narrative import CHAIN_MAX, chain_line, changes, race_lines
from demi.minimizer.races import told_lines
from demi.scheduler.execute import Subject
from demi.trace import Entry
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"


def test_a_raft_run_is_told_from_its_first_cause_to_the_leader_that_should_not_be() -> None:
    trace = load(TRACES / "raft-66.min.jsonl")
    small = minimize(Subject(RAFT, dict(trace.header.config)), trace).trace
    assert small.violation is not None
    chain, nearest, *others = told_lines(small)
    node = small.violation.detail.nodes[0]
    assert chain.startswith(f"{node}: ext:")
    assert chain.endswith(f">{node}:VoteCandidate#1 [role leader]")
    assert "role candidate, term 2" in chain
    ids = {entry.id for entry in small}
    assert nearest.startswith("the nearest run that passes has ")
    second, first = nearest.split(" has ")[1].split(" at ")[0].split(" before ")
    assert {first, second} <= ids
    assert all(line.startswith(("so does one with ", "and ")) for line in others)


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        ({}, []),
        ({"role": "leader"}, ["role leader"]),
        ({"log": {"+": [1, 2]}, "up": True}, ["log +2", "up true"]),
        ({"name": "", "x": 1.5, "y": 2}, ['name ""', "x 1.5"]),
        ({"long": "a" * 17, "tree": {"a": 1}, "list": [1], "nothing": None}, []),
    ],
)
def test_changes_are_said_where_a_word_is_enough(delta: dict[str, object], said: list[str]) -> None:
    assert changes(Entry("a!t#1", delta=delta)) == said


@pytest.mark.parametrize("length", [1, CHAIN_MAX, CHAIN_MAX + 1, 40])
def test_the_middle_of_a_long_chain_is_counted(length: int) -> None:
    chain = [Entry(f"a!t#{n}") for n in range(1, length + 1)]
    told = chain_line("a", chain).removeprefix("a: ").split(" -> ")
    assert len(told) == min(length, CHAIN_MAX)
    assert told[0] == "a!t#1" and told[-1] == f"a!t#{length}"
    if length > CHAIN_MAX:
        assert told[2] == f"({length - CHAIN_MAX + 1} more)"


def test_races_are_told_nearest_first_and_the_rest_is_counted() -> None:
    one = ("b", "a", "n", "no violation", 0)
    assert race_lines([]) == []
    assert race_lines([one]) == ["the nearest run that passes has b before a at n"]
    assert (
        race_lines([one, (*one[:4], 1)])[1]
        == "so does one with b before a at n; 1 later event then absent"
    )
    other = ("b", "a", "n", "another violation", 2)
    assert race_lines([other]) == [
        "another violation comes with b before a at n; 2 later events then absent"
    ]
    assert race_lines([one] * 6)[-1] == "and 2 more races as close"
    assert len(race_lines([one] * 4)) == 4

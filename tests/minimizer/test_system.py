"""Smaller systems: nodes that a violation does not need are left out, and the result stands by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from demi.errors import TargetError
from demi.minimizer.minimize import minimize
from demi.minimizer.parts import one_by_one
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import configure
from demi.trace_codec import load
from targets.raft import TARGET as RAFT
from targets.raft.smaller import names_of, parts

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"


@pytest.mark.parametrize(("bug", "nodes"), [("raft-66", 3), ("raft-58b", 2)])
def test_a_cluster_gets_as_small_as_its_bug_allows(bug: str, nodes: int) -> None:
    """And what is left happens at all of its nodes, in a system that stands by itself."""
    original = load(TRACES / f"{bug}.jsonl.gz")
    subject = Subject(RAFT, configure(RAFT, "", original.header.config))
    small = minimize(subject, original).trace
    assert len(small.header.nodes) == nodes
    assert {name for entry in small for name in entry.name.nodes} == set(small.header.nodes)
    boots = [entry for entry in small if entry.id.startswith("ext:bootstrap")]
    assert len(boots) <= nodes
    alone = Subject(RAFT, configure(RAFT, "", small.header.config))
    assert replay(alone, small).divergence is None
    assert small.violation is not None and original.violation is not None
    assert small.violation.fingerprint == original.violation.fingerprint


def test_what_is_left_keeps_its_name_and_an_end_that_is_gone_is_not_mentioned() -> None:
    config = configure(RAFT, "raft-45", {"nodes": 5})
    found = parts(config, RAFT.make)
    assert found.names == ("n1", "n2", "n3", "n4", "n5")
    smaller = found.without(["n2", "n5"])
    assert (smaller["nodes"], smaller["without"]) == (4, ["n2"])
    assert names_of(smaller) == ["n1", "n3", "n4"]
    assert tuple(found.world(RAFT.make(config), smaller).names) == ("n1", "n3", "n4")
    again = parts(smaller, RAFT.make)
    assert again.without(["n4"])["without"] == ["n2"]
    assert names_of(again.without(["n4", "n3"])) == ["n1"]
    with pytest.raises(TargetError, match="needs a node"):
        found.without(found.names)


def test_a_node_that_is_not_there_cannot_be_left_out() -> None:
    with pytest.raises(TargetError, match="without 'n9'"):
        RAFT.make(configure(RAFT, "", {"without": ["n9"]}))


@pytest.mark.parametrize("needed", ["", "a", "bd", "abcd"])
def test_single_parts_leave_until_none_can(needed: str) -> None:
    kept: list[str] = list("abcd")

    def fails(names: object) -> bool:
        assert isinstance(names, list)
        if set(needed) <= set(names):
            kept[:] = names
            return True
        return False

    one_by_one("abcd", fails)
    assert kept == list(needed)

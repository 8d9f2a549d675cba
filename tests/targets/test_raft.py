"""The raft target: its bugs are found, the fixed node shows nothing, each invariant can fail.

Not here: the hand-made executions (`test_raft_optima.py`).
"""

from __future__ import annotations

from typing import Any

import pytest

from demi.errors import TargetError
from demi.events import External, Kind
from demi.fuzz.program import generate
from demi.oracle import Detail, Invariant
from demi.scheduler.execute import Subject, execute
from demi.scheduler.registry import make_strategy
from demi.target import configure
from targets.raft import TARGET
from targets.raft.invariants import (
    FOLLOWER,
    LEADER,
    ElectionSafety,
    LeaderCompleteness,
    LogMatching,
    Seen,
    StateMachineSafety,
    logs_differ,
    raft_invariants,
)
from targets.raft.messages import AppendEntries, Entry, RequestVote, without_terms

A, B, C = Entry("a", 1, 1), Entry("b", 1, 2), Entry("c", 2, 2)


class Nodes:
    """A View of three nodes that a test sets by hand."""

    def __init__(self) -> None:
        self.names = ("n1", "n2", "n3")
        self.touched: tuple[int, ...] = ()
        self.seen: list[Seen | None] = [None, None, None]

    def state(self, node: int) -> Any:
        return self.seen[node]


class Story:
    """Steps one invariant through what nodes show."""

    def __init__(self, invariant: Invariant) -> None:
        self.invariant = invariant
        self.memory = invariant.start()
        self.nodes = Nodes()

    def show(
        self, node: int, role: str, term: int, commit: int, *log: Entry, first: int = 1
    ) -> Any:
        seen = Seen(role, term, commit, log, first)
        if self.nodes.seen[node] == seen:  # an unchanged log is the same object
            seen = self.nodes.seen[node]  # type: ignore[assignment]
        self.nodes.seen[node] = seen
        self.nodes.touched = (node,)
        self.memory, detail = self.invariant.check(self.nodes, self.memory)
        return detail


def names(detail: Detail | None) -> tuple[str, ...]:
    assert detail is not None
    return detail.nodes


def test_two_leaders_of_one_term_over_time() -> None:
    story = Story(ElectionSafety())
    assert story.show(0, LEADER, 3, 0) is None
    assert story.show(0, FOLLOWER, 4, 0) is None
    assert story.show(1, LEADER, 4, 0) is None
    assert names(story.show(2, LEADER, 3, 0)) == ("n1", "n3")


def test_logs_that_share_an_entry_agree_before_it() -> None:
    story = Story(LogMatching())
    assert story.show(0, LEADER, 1, 0, A, B) is None
    assert story.show(1, FOLLOWER, 1, 0, A) is None
    assert story.show(2, FOLLOWER, 2, 0, A, C) is None  # conflicts, but shares no later entry
    assert names(story.show(1, FOLLOWER, 1, 0, Entry("x", 1, 1), B)) == ("n1", "n2")


@pytest.mark.parametrize(
    ("a", "b", "differ"),
    [
        ((A, B), (A,), False),
        ((A, B), (A, C), False),
        ((A, B), (Entry("x", 2, 1), C), False),
        ((A, B), (Entry("x", 2, 1), B), True),
        ((A, B), (B,), True),  # the entry is there, at another position
        ((A, B), (Entry("a2", 1, 1),), True),
    ],
)
def test_logs_differ_is_symmetric(a: tuple[Entry, ...], b: tuple[Entry, ...], differ: bool) -> None:
    assert bool(logs_differ(a, 1, b, 1)) is differ
    assert bool(logs_differ(b, 1, a, 1)) is differ


def test_a_compacted_log_is_compared_where_it_still_exists() -> None:
    assert not logs_differ((A, B), 1, (B,), 2)
    assert logs_differ((A, B, Entry("d", 3, 3)), 1, (Entry("x", 1, 2), Entry("d", 3, 3)), 2)


def test_applied_entries_agree_over_time() -> None:
    story = Story(StateMachineSafety())
    assert story.show(0, LEADER, 1, 1, A, B) is None
    assert story.show(0, LEADER, 1, 2, A, B) is None
    assert story.show(1, FOLLOWER, 2, 1, A, C) is None
    assert story.show(0, FOLLOWER, 2, 2, A) is None  # lost what it had applied
    assert names(story.show(1, FOLLOWER, 2, 2, A, C)) == ("n2",)


def test_a_later_leader_lacks_a_committed_entry() -> None:
    story = Story(LeaderCompleteness())
    assert story.show(0, LEADER, 1, 1, A, B) is None
    assert story.show(1, LEADER, 2, 0, A) is None
    assert story.show(0, FOLLOWER, 2, 1, A, B) is None
    assert story.show(0, FOLLOWER, 3, 2, A, B) is None  # committed in term 3: leader 2 may lack it
    assert names(story.show(2, LEADER, 4, 0, A)) == ("n3",)


def test_an_old_leader_commits_what_a_later_one_lacks() -> None:
    story = Story(LeaderCompleteness())
    assert story.show(1, LEADER, 2, 0, A) is None
    assert story.show(1, LEADER, 2, 0, A, C) is None  # judged by the log it was elected with
    assert names(story.show(0, LEADER, 1, 2, A, B)) == ("n2",)


def test_the_leader_of_the_same_or_an_earlier_term_owes_nothing() -> None:
    story = Story(LeaderCompleteness())
    assert story.show(0, LEADER, 5, 2, A, B) is None
    assert story.show(1, LEADER, 4, 0) is None


def test_memory_is_the_same_object_while_nothing_relevant_changes() -> None:
    for invariant in raft_invariants():
        story = Story(invariant)
        story.show(0, LEADER, 1, 1, A)
        before = story.memory
        story.show(0, LEADER, 1, 1, A)
        assert story.memory is before


def hunt(bug: str, seeds: range, strategy: str = "", **settings: Any) -> list[str]:
    """What runs with these seeds violate."""
    subject = Subject(TARGET, configure(TARGET, bug, settings))
    profile = TARGET.profile(subject.config)
    chooser = make_strategy(strategy or profile.strategy, profile)
    found = []
    for seed in seeds:
        program = generate(profile, subject.world.names, seed)
        outcome = execute(subject, chooser, seed, program=program, steps=profile.steps)
        if outcome.violation is not None:
            found.append(outcome.violation.fingerprint)
    return found


@pytest.mark.parametrize("bug", TARGET.bugs)
def test_the_profile_finds_the_bug(bug: str) -> None:
    for start in range(0, 200, 10):
        found = hunt(bug, range(start, start + 10))
        if found:
            break
    assert found
    assert all(one.startswith(TARGET.bugs[bug].finds) for one in found)


@pytest.mark.parametrize("network", ["fifo", "bag"])
def test_the_fixed_node_shows_nothing(network: str) -> None:
    assert hunt("none", range(10), network=network) == []
    assert hunt("none", range(10), "random", network=network) == []


@pytest.mark.slow
@pytest.mark.parametrize("network", ["fifo", "bag"])
@pytest.mark.parametrize("strategy", ["random", "srcdstfifo"])
def test_the_fixed_node_shows_nothing_in_many_runs(network: str, strategy: str) -> None:
    assert hunt("none", range(500), strategy, network=network) == []


@pytest.mark.parametrize("bug", ["none", *TARGET.bugs])
def test_a_checkpoint_brings_everything_back(bug: str) -> None:
    config = configure(TARGET, bug)
    world = TARGET.make(config)
    world.reset(0)
    boots = [External(Kind.INJECT, (name,), "bootstrap") for name in world.names]
    commands = [External(Kind.INJECT, (n,), "client", {"cmd": f"c{n}"}) for n in world.names * 3]
    world.offer([*boots, *commands])
    chooser = make_strategy("random", TARGET.profile(config))
    chooser.begin(world, 1, world.reset(0))
    world.offer([*boots, *commands])
    for _ in range(200):
        enabled = world.enabled()
        world.take(enabled[len(enabled) * 7 // 11])
    saved, digest = world.checkpoint(), world.digest()
    ends = []
    for _ in range(2):
        for step in range(200):
            enabled = world.enabled()
            world.take(enabled[step % len(enabled)])
        ends.append(world.digest())
        world.restore(saved)
        assert world.digest() == digest
    assert ends[0] == ends[1] != digest


def test_configuration() -> None:
    assert configure(TARGET, "45") == configure(TARGET, "raft-45")
    assert configure(TARGET, "66")["network"] == "bag"
    assert TARGET.make(configure(TARGET, "none", {"nodes": 5})).names[-1] == "n5"
    with pytest.raises(TargetError, match="no variant"):
        TARGET.make(configure(TARGET, "", {"variant": "raft-43"}))
    with pytest.raises(TargetError, match="nodes"):
        TARGET.make(configure(TARGET, "", {"nodes": 0}))


def test_the_mask_leaves_terms_out() -> None:
    assert without_terms("RequestVote", RequestVote(3, "n1", 2, 5)) == without_terms(
        "RequestVote", RequestVote(2, "n1", 1, 5)
    )
    one = AppendEntries(1, 0, 0, (A,), 0)
    assert without_terms("AppendEntries", one) != without_terms(
        "AppendEntries", one._replace(entries=())
    )

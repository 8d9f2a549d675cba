"""The pysyncobj world keeps the contract, and the library's published defects show in it.

Not here: the invariants that every Raft shares (`test_raft*.py`).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demi.errors import TargetError
from demi.events import Event, External, Kind, delivery_id, timer_id
from demi.fuzz.hunt import Plan, one_run
from demi.fuzz.program import generate
from demi.interpose.world import Step
from demi.oracle import Violation, check_all, memories
from demi.scheduler.execute import Subject, execute
from demi.scheduler.random_walk import RandomWalk
from demi.target import configure

pysyncobj = pytest.importorskip(
    "pysyncobj", reason="pysyncobj is not installed: pip install 'demi-debugger[pysyncobj]'"
)

from targets.pysyncobj import TARGET  # noqa: E402
from targets.pysyncobj.invariants import CommitMonotonic, invariants  # noqa: E402
from targets.pysyncobj.world import PySyncObjWorld  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
RELEASE = tuple(int(part) for part in pysyncobj.syncobj.VERSION.split("."))
FORGETS_VOTES = RELEASE <= (0, 3, 15)
COMMIT_GOES_BACK = RELEASE <= (0, 3, 11)


@dataclass
class Driver:
    """Takes events by what they are: `n1!tick`, `n1>n2` (the oldest on the link), an External."""

    world: PySyncObjWorld
    violation: Violation | None = None
    steps: int = 0
    memory: list[Any] = field(default_factory=lambda: memories(invariants()))

    def go(self, *wanted: str | External) -> Step:
        """Take them all, checking invariants; the last step."""
        for one in wanted:
            event = self.world.offer([one])[0] if isinstance(one, External) else self.find(one)
            step = self.world.step(event)
            assert step.enabled, one
            found = check_all(invariants(), self.world.observe(), self.memory, self.steps)
            self.violation = self.violation or found
            self.steps += 1
        return step

    def find(self, wanted: str) -> Event:
        matching = [event for event in self.world.enabled() if self.says(event) == wanted]
        assert len(matching) == 1, f"{wanted} in {[self.says(e) for e in self.world.enabled()]}"
        return matching[0]

    def says(self, event: Event) -> str:
        names = self.world.names
        if event[0] == Kind.DELIVER:
            return f"{names[event[2]]}>{names[event[1]]}"
        return f"{names[event[1]]}!{self.world.label(event)}" if event[0] == Kind.TIMER else ""

    def label(self, link: str) -> str:
        """The type of the oldest message on a link."""
        return self.world.label(self.find(link))

    def drain(self) -> None:
        """Deliver until nothing is in flight."""
        while self.world.enabled() and self.world.enabled()[0][0] == Kind.DELIVER:
            self.world.step(self.world.enabled()[0])


def crash(node: str) -> External:
    return External(Kind.CRASH, (node,))


def restart(node: str) -> External:
    return External(Kind.RESTART, (node,))


def command(node: str, value: Any) -> External:
    return External(Kind.INJECT, (node,), "command", {"value": value})


@pytest.fixture
def drive() -> Iterator[Driver]:
    world = PySyncObjWorld(3, 0.12)
    world.reset(7)
    yield Driver(world)
    world.close()


ELECT_N1 = ("n1!election", "n1>n2", "n2>n1")


def test_a_run_reaches_agreement(drive: Driver) -> None:
    drive.go(*ELECT_N1, command("n3", "x"))
    drive.drain()
    drive.go("n3!tick", "n3>n1", "n1!tick")  # forwarded by n3, appended by n1
    for _ in range(4):
        drive.drain()
        drive.go("n1!tick", "n2!tick", "n3!tick")
    for node in range(3):
        seen = drive.world.observe().state(node)
        assert seen is not None
        assert [entry.command for entry in seen.log] == ["no-op", "no-op", "x"]
        assert seen.applied == seen.commit == 3
    assert drive.violation is None


def test_messages_are_named_by_their_type_and_readable(drive: Driver) -> None:
    step = drive.go("n1!election")
    world = drive.world
    assert [world.label(event) for event in step.sent] == ["request_vote", "request_vote"]
    assert world.payload(step.sent[0]) == {"term": 1, "last_log_index": 1, "last_log_term": 0}
    assert world.fingerprint(step.sent[0]) == world.fingerprint(step.sent[1])
    step = drive.go("n1>n2", "n2>n1")
    entries = [{"command": "no-op", "term": 1, "idx": 2}]
    assert world.payload(step.sent[0])["entries"] == entries
    assert delivery_id("n1", "n2", world.label(step.sent[0]), 1) == "n1>n2:append_entries#1"
    assert timer_id("n1", world.label(drive.find("n1!tick")), 1) == "n1!tick#1"


def test_what_is_not_enabled_is_reported_and_changes_nothing(drive: Driver) -> None:
    fired = drive.find("n1!election")
    drive.go("n1!election")
    delivered = drive.find("n1>n2")
    drive.go("n1>n2")
    down = drive.world.offer([restart("n1")])[0]
    before = drive.world.digest()
    for event in (fired, delivered, (0, 1, 0, 9), (1, 0, 12345, 0), down):
        assert drive.world.step(event).enabled is False
    assert drive.world.digest() == before


def test_a_crash_loses_volatile_state_and_keeps_the_journal(drive: Driver) -> None:
    drive.go(*ELECT_N1, "n1>n2", "n2>n1", "n1!tick")
    before = drive.world.observe().state(0)
    step = drive.go(crash("n1"))
    assert drive.world.observe().state(0) is None
    assert {drive.world.label(event) for event in step.cancelled} == {"tick", "election"}
    step = drive.go(restart("n1"))
    after = drive.world.observe().state(0)
    assert before is not None
    assert after is not None
    assert (before.role, after.role) == ("leader", "follower")
    assert after.log == before.log
    assert after.applied == 1
    assert after.term == (0 if FORGETS_VOTES else 1)
    assert {drive.world.label(event) for event in step.armed} == {"tick", "election"}


def test_a_crash_loses_what_was_in_flight_and_each_peer_is_told_by_its_own_event(
    drive: Driver,
) -> None:
    drive.go("n1!election", "n1>n2")
    step = drive.go(crash("n1"))
    assert [(event[1], event[2]) for event in step.lost] == [(0, 1), (2, 0)]
    assert [drive.label(link) for link in ("n1>n2", "n1>n3")] == ["disconnected", "disconnected"]
    drive.go(restart("n1"))
    assert drive.go("n1!election").sent == []  # not told yet that it is connected to anyone
    drive.go("n2>n1")
    assert drive.label("n1>n2") == "disconnected"
    sent = drive.go("n1!election").sent
    assert [event[1] for event in sent] == [1]
    drive.go("n1>n2", "n1>n2")
    assert drive.label("n1>n2") == "request_vote"


def test_a_cut_ends_the_connection_and_a_heal_makes_a_new_one(drive: Driver) -> None:
    drive.go("n1!election")
    step = drive.go(External(Kind.CUT, ("n1", "n2")))
    assert [(event[1], event[2]) for event in step.lost] == [(1, 0)]
    assert [event[1] for event in drive.go("n1!election").sent] == [2]
    again = drive.world.offer([External(Kind.CUT, ("n2", "n1"))])[0]
    assert not drive.world.allowed(again)
    drive.go(External(Kind.HEAL, ("n1", "n2")))
    drive.go("n1>n2", "n1>n2", "n2>n1", "n2>n1")
    assert [event[1] for event in drive.go("n1!election").sent] == [1, 2]


def test_a_restart_does_not_connect_across_a_cut(drive: Driver) -> None:
    drive.go(External(Kind.CUT, ("n1", "n2")), crash("n1"))
    assert {event[1] for event in drive.go(restart("n1")).sent} == {0, 2}
    step = drive.go(External(Kind.HEAL, ("n1", "n2")))
    assert [event[1:3] for event in step.sent] == [(0, 1), (1, 0)]


def test_a_one_way_cut_holds_a_direction_and_loses_nothing(drive: Driver) -> None:
    drive.go("n1!election")
    held = drive.find("n1>n2")
    step = drive.go(External(Kind.CUT, ("n1", "n2"), one_way=True), "n1!election")
    assert step.lost == []
    assert not drive.world.allowed(held)
    assert len(drive.world.in_flight(1, 0)) == 2
    drive.go("n2!election", "n2>n1")  # the other direction flows
    drive.go(External(Kind.HEAL, ("n1", "n2"), one_way=True))
    assert drive.find("n1>n2") == held
    drive.go("n1>n2", "n1>n2")


def test_an_exception_of_the_library_is_a_crash_of_its_node(
    drive: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(self: object) -> None:
        raise KeyError("lost\nit")

    drive.go(*ELECT_N1)
    monkeypatch.setattr(pysyncobj.SyncObj, "_checkCommandsToApply", explode)
    failure = drive.go("n1!tick").failure
    assert failure is not None
    assert (failure.node, failure.error, failure.function) == ("n1", "KeyError", "explode")
    assert drive.world.observe().state(0) is None
    assert drive.label("n1>n3") == "disconnected"


def test_the_library_gets_its_clock_back() -> None:
    module = pysyncobj.syncobj
    real = module.monotonicTime
    outer, inner = PySyncObjWorld(2, 0.1), PySyncObjWorld(2, 0.1)
    assert module.monotonicTime is not real
    assert module.time is not time
    inner.close()
    inner.close()
    assert module.monotonicTime is not real
    outer.close()
    assert module.monotonicTime is real
    assert module.time is time


def test_two_worlds_do_not_meet(drive: Driver) -> None:
    other = PySyncObjWorld(3, 0.12)
    other.reset(7)
    alone = Driver(other)
    for event in ("n1!election", "n1>n2", "n2>n1", "n1!tick", "n2!election"):
        drive.go(event)
        alone.go(event)
    assert drive.world.digest() == other.digest()
    other.close()


@pytest.mark.parametrize(
    ("external", "words"),
    [
        (External(Kind.INJECT, ("n1",), "query"), "no input 'query'"),
        (External(Kind.DROP, ("n1", "n2")), "no drop"),
        (External(Kind.START, ("n1",)), "use a restart"),
        (External(Kind.CUT, ("n1", "n1")), "two different ends"),
        (External(Kind.CRASH, ("n9",)), "no node 'n9'"),
    ],
)
def test_what_it_cannot_do_is_refused(drive: Driver, external: External, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        drive.world.offer([external])


def test_a_missing_library_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysyncobj", None)
    with pytest.raises(TargetError, match=r"pip install 'demi-debugger\[pysyncobj\]'"):
        TARGET.make(configure(TARGET))


FORGOTTEN_VOTE: tuple[str | External, ...] = (
    "n2!election", "n2>n3", "n3>n2",  # n3 votes for n2 in term 1; n2 leads
    crash("n3"), restart("n3"), "n1>n3", "n3>n1",  # n3 is connected to n1 again
    "n3>n1",
    "n3!election",
)  # fmt: skip


def test_a_forgotten_vote_makes_two_leaders_of_one_term(drive: Driver) -> None:
    """Issue 84: the whole cause chain in eleven events; a fixed release stands in term 2."""
    drive.go(*FORGOTTEN_VOTE, "n3>n1", "n1>n3")
    seen = drive.world.observe().state(2)
    assert seen is not None
    if FORGETS_VOTES:
        assert (seen.role, seen.term) == ("leader", 1)
        assert drive.violation is not None
        assert drive.violation.fingerprint == "ElectionSafety"
        assert drive.violation.step == 10
    else:
        assert (seen.role, seen.term) == ("leader", 2)
        assert drive.violation is None


@dataclass
class OneNode:
    """A View of one node in a given state."""

    seen: Any
    names = ("n1",)
    touched = (0,)

    def state(self, node: int) -> Any:
        return self.seen


@dataclass(frozen=True)
class Committed:
    commit: int


def test_a_commit_may_go_back_only_across_a_restart() -> None:
    invariant = CommitMonotonic()
    memory, broken = invariant.start(), None
    for seen in (Committed(3), None, Committed(1), Committed(1), Committed(2)):
        memory, broken = invariant.check(OneNode(seen), memory)
        assert broken is None
    _, broken = invariant.check(OneNode(Committed(1)), memory)
    assert broken is not None
    assert broken.nodes == ("n1",)


def first_violation(wanted: str, runs: int) -> str:
    """The first fingerprint that starts with `wanted` in a small search; "" when there is none."""
    config = configure(TARGET)
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    plan = Plan(profile=profile, strategy="random", seed=1, steps=profile.steps, wanted=wanted)
    try:
        for number in range(runs):
            found = one_run(subject, plan, number).violation
            if found is not None and found.fingerprint.startswith(wanted):
                return found.fingerprint
        return ""
    finally:
        subject.world.close()


def test_a_small_search_finds_two_leaders() -> None:
    assert first_violation("ElectionSafety", 100) == ("ElectionSafety" if FORGETS_VOTES else "")


def test_a_small_search_finds_a_commit_that_goes_back() -> None:
    assert first_violation("CommitMonotonic", 50) == ("CommitMonotonic" if COMMIT_GOES_BACK else "")


def test_equal_seeds_do_equal_things_under_any_hash_seed() -> None:
    code = "from tests.targets.test_pysyncobj import fingerprint_of_runs as f; print(f())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("0", "4711")
    }
    assert len(seen) == 1
    assert seen.pop().strip() == fingerprint_of_runs()


class Hashing:
    """An Observer that digests every step and everything that was enabled before it."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.sum = hashlib.sha256()

    def began(self, boot: Step) -> None:
        self.sum.update(repr((boot.sent, boot.armed)).encode())

    def before(self, event: Event, enabled: Any) -> None:
        self.sum.update(repr((event, enabled, self._world.payload(event))).encode())

    def after(self, step: Step) -> None:
        node = step.event[1]
        did = (step.sent, step.armed, step.lost, self._world.node_digest(node))
        self.sum.update(repr((did, self._world.observe().state(node))).encode())


def fingerprint_of_runs() -> str:
    """The digest of five runs, crashes and cuts included."""
    config = configure(TARGET)
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    hashing = Hashing(subject.world)
    for seed in range(5):
        program = generate(profile, subject.world.names, seed)
        walk = RandomWalk(profile.weights)
        execute(subject, walk, seed, program=program, steps=profile.steps, observer=hashing)
        hashing.sum.update(subject.world.digest())
    subject.world.close()
    return hashing.sum.hexdigest()

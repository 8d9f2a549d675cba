"""DEMi's hand-made smallest executions of the akka-raft bugs, delivery by delivery.

Each is in our own short form: `B1` bootstrap of n1, `C3:508` a command to n3, `E1.3` n1's election
timer at generation 3 (armings of both timers counted together, from 0, repeats of a heartbeat not),
`H2.5` its heartbeat, and `1>2:X` a delivery of n1's message X to n2.  Not here: other runs of the
variants (`test_raft.py`).
"""

from __future__ import annotations

from typing import Any

import pytest

from demi.events import Event, External, Kind
from demi.interpose.timers import timer_slot
from demi.interpose.world import Step, World
from demi.oracle import CRASH, Violation, check_all, memories
from demi.target import configure
from targets.raft import TARGET
from targets.raft.messages import (
    AppendEntries,
    AppendRejected,
    AppendSuccessful,
    BeginElection,
    ElectedAsLeader,
    RequestVote,
    VoteCandidate,
)

OPTIMA = {
    "raft-45": """
        B1 E1.1 E1.3 B2 B3 B4 1>1:BE 1>2:RV2.1.0.0 1>2:RV2.1.0.0 2>1:V2 1>1:BE 1>2:RV2.1.0.0
        2>1:V2 E3.1 E3.3 3>3:BE 3>4:RV2.3.0.0 3>4:RV2.3.0.0 4>3:V2 3>3:BE 3>4:RV2.3.0.0
        4>3:V2
    """,
    "raft-46": """
        B1 B2 B3 E1.1 1>1:BE 1>2:RV1.1.0.0 1>2:RV1.1.0.0 1>3:RV1.1.0.0 1>3:RV1.1.0.0 E3.1
        3>3:BE 3>1:RV2.3.0.0 3>1:RV2.3.0.0 3>2:RV2.3.0.0 3>2:RV2.3.0.0 E1.4 1>1:BE 2>1:V1
        3>1:V1 E3.3 3>3:BE 1>3:V2 2>3:V2
    """,
    "raft-46b": """
        B1 B2 B3 B4 E1.1 1>1:BE 1>2:RV1.1.0.0 1>2:RV1.1.0.0 1>3:RV1.1.0.0 1>3:RV1.1.0.0 E1.3
        1>1:BE 2>1:V1 3>1:V1 E4.1 E4.3 4>4:BE 4>2:RV2.4.0.0 4>2:RV2.4.0.0 4>3:RV2.4.0.0
        4>3:RV2.4.0.0 2>4:V2 3>4:V2
    """,
    "raft-56": """
        B1 B2 B3 B4 E1.1 E2.1 E3.1 1>1:BE 1>2:RV1.1.0.0 2>1:V1 1>3:RV1.1.0.0 3>1:V1 1>1:EL
        1>2:AE1/0.0/- 1>3:AE1/0.0/- E4.1 4>4:BE 4>2:RV1.4.0.0 2>4:V1 4>3:RV1.4.0.0 3>4:V1
    """,
    "raft-58a": """
        B1 B2 B3 B4 E3.1 3>3:BE 3>1:RV1.3.0.0 3>1:RV1.3.0.0 1>3:V1 3>4:RV1.3.0.0
        3>4:RV1.3.0.0 4>3:V1 C3:508 C3:509 3>3:EL E2.1 E2.3 2>2:BE 2>1:RV2.2.0.0
        2>1:RV2.2.0.0 2>4:RV2.2.0.0 2>4:RV2.2.0.0 1>2:V2 4>2:V2 2>2:EL C2:511 2>3:RV2.2.0.0
        2>3:AE2/0.0/- 2>3:AE2/0.0/511.2.1 E3.7 3>3:BE 3>1:AE1/0.0/508.1.1
        3>1:AE1/0.0/508.1.1+509.1.2 3>1:AE1/1.2/- 3>1:RV3.3.2.1 3>1:RV3.3.2.1 1>3:AR2
        1>3:AR2 1>3:AR2 1>3:V3 3>4:AE1/0.0/508.1.1 3>4:AE1/0.0/508.1.1+509.1.2 3>4:AE1/1.2/-
        3>4:RV3.3.2.1 3>4:RV3.3.2.1 4>3:AR2 4>3:AR2 4>3:AR2 4>3:V3 H2.5 2>3:AE2/0.0/511.2.1
    """,
    "raft-58b": """
        B1 B2 B3 E2.1 2>2:BE 2>1:RV1.2.0.0 2>1:RV1.2.0.0 1>2:V1 2>3:RV1.2.0.0 2>3:RV1.2.0.0
        3>2:V1 C2:6214 C2:6224 E1.1 1>1:BE 2>1:AE1/0.0/6214.1.0
        2>1:AE1/0.0/6214.1.0+6224.1.1 1>2:RV2.1.0.0 E2.4 2>2:BE 2>1:RV3.2.1.1 2>1:RV3.2.1.1
        1>2:V3 2>3:RV3.2.1.1 2>3:RV3.2.1.1 3>2:V3 2>2:EL 2>1:AE3/0.0/6224.1.1
    """,
    "raft-42": """
        B1 B2 B3 B4 E4.1 4>4:BE 4>1:RV1.4.0.0 4>1:RV1.4.0.0 1>4:V1 4>2:RV1.4.0.0
        4>2:RV1.4.0.0 2>4:V1 4>4:EL C4:1822 C4:1831 C4:1860 C4:1878 C4:1941 C4:1842 C4:1875
        4>1:AE1/0.0/- 4>1:AE1/0.0/1822.1.1 4>1:AE1/0.0/1822.1.1+1831.1.2 1>4:AS0.0 1>4:AS1.1
        1>4:AS1.2 C4:1861 4>2:AE1/0.0/- 4>2:AE1/0.0/1822.1.1 2>4:AS0.0 2>4:AS1.1 E1.5 1>1:BE
        1>2:RV2.1.1.2 1>2:RV2.1.1.2 2>1:V2 1>3:RV2.1.1.2 1>3:RV2.1.1.2 3>1:V2
    """,
    "raft-66": """
        B1 B2 B3 B4 E2.1 2>2:BE 2>3:RV1.2.0.0 2>3:RV1.2.0.0 3>2:V1 2>4:RV1.2.0.0
        2>4:RV1.2.0.0 4>2:V1 2>2:EL C2:6480 C2:6482 2>3:AE1/0.0/6480.1.1+6482.1.2 3>2:AS1.2
        2>4:AE1/0.0/6480.1.1+6482.1.2 4>2:AS1.2 2>3:AE1/0.0/6480.1.1 2>4:AE1/0.0/6480.1.1
        E4.4 4>4:BE 4>3:RV2.4.1.1 4>3:RV2.4.1.1 3>4:V2 4>1:RV2.4.1.1 4>1:RV2.4.1.1 1>4:V2
    """,
}
"""raft-56 was recorded with 0-based logs, where an empty AppendEntries names (1, 1); here (0, 0)."""

SHOWS = {
    "raft-45": (22, "ElectionSafety"),
    "raft-46": (23, "ElectionSafety"),
    "raft-46b": (23, "ElectionSafety"),
    "raft-56": (21, "ElectionSafety"),
    "raft-58a": (51, "crash/InconsistentIndex@batch"),
    "raft-58b": (28, "LogMatching"),
    "raft-42": (39, "LeaderCompleteness"),
    "raft-66": (29, "LeaderCompleteness"),
}
"""Deliveries, and what is violated after the last one."""

SETTINGS: dict[str, dict[str, Any]] = {
    # The form with three nodes lets a RequestVote overtake an earlier vote, and was recorded before
    # a vote postponed the voter's own election: its timers count fewer generations.
    "raft-46": {"network": "bag"},
}
WITHOUT_GENERATIONS = {"raft-46"}


class Hand:
    """Takes the steps of an execution in a world and checks the invariants after each."""

    def __init__(self, world: World, generations: bool) -> None:
        self.world = world
        self.generations = generations
        self.armings = [-1] * len(world.names)
        boot = world.reset(0)
        assert not boot.armed

    def event(self, token: str) -> Event | None:
        """The pending event that a token names, or None when it is not there."""
        if token[0] in "BC":
            node, _, word = token[1:].partition(":")
            label, args = ("client", {"cmd": word}) if word else ("bootstrap", None)
            external = External(Kind.INJECT, (f"n{node}",), label, args)
            return self.world.offer([external])[0]
        if token[0] in "EH":
            return self.timer(token)
        link, _, words = token.partition(":")
        src, dst = (int(number) - 1 for number in link.split(">"))
        for event in self.world.in_flight(dst, src):
            if short(self.world.fingerprint(event)) == words and self.world.allowed(event):
                return event
        return None

    def timer(self, token: str) -> Event | None:
        node, generation = (int(number) for number in token[1:].split("."))
        slot = timer_slot("election" if token[0] == "E" else "heartbeat")
        if self.generations and self.armings[node - 1] != generation:
            return None
        found = [e for e in self.world.enabled() if e[:3] == (Kind.TIMER, node - 1, slot)]
        return found[0] if found else None

    def take(self, event: Event) -> Step:
        step = self.world.step(event)
        for armed in step.armed:
            self.armings[armed[1]] += not (
                event[0] == Kind.TIMER and armed[2] == event[2] != E_SLOT
            )
        return step


E_SLOT = timer_slot("election")


def short(message: Any) -> str:
    """A message in the form of the executions."""
    match message:
        case BeginElection():
            return "BE"
        case ElectedAsLeader():
            return "EL"
        case RequestVote(term, candidate, last_term, last_index):
            return f"RV{term}.{candidate[1:]}.{last_term}.{last_index}"
        case VoteCandidate(term):
            return f"V{term}"
        case AppendRejected(term, _):
            return f"AR{term}"
        case AppendSuccessful(term, last):
            return f"AS{term}.{last}"
        case AppendEntries(term, prev_term, prev_index, entries, _):
            listed = "+".join(".".join(map(str, entry)) for entry in entries) or "-"
            return f"AE{term}/{prev_term}.{prev_index}/{listed}"
    return type(message).__name__


def execute(name: str, bug: str) -> tuple[int, Violation | None, list[str]]:
    """(steps taken, violation, tokens that were not enabled)."""
    config = configure(TARGET, bug, SETTINGS.get(name, {}))
    invariants = list(TARGET.invariants(config))
    memory = memories(invariants)
    hand = Hand(TARGET.make(config), name not in WITHOUT_GENERATIONS)
    taken, absent = 0, []
    for token in OPTIMA[name].split():
        event = hand.event(token)
        if event is None:
            absent.append(token)
            continue
        step = hand.take(event)
        taken += 1
        if step.failure is not None:
            return taken, Violation(CRASH, step.failure.detail(), taken - 1), absent
        violation = check_all(invariants, hand.world.observe(), memory, taken - 1)
        if violation is not None:
            return taken, violation, absent
    return taken, None, absent


@pytest.mark.parametrize("name", OPTIMA)
def test_violates_at_the_last_delivery(name: str) -> None:
    taken, violation, absent = execute(name, name.removesuffix("b") if name == "raft-46b" else name)
    assert absent == []
    assert violation is not None
    assert (taken, violation.fingerprint) == SHOWS[name]
    assert len(OPTIMA[name].split()) == taken


@pytest.mark.parametrize("name", OPTIMA)
def test_fixed_shows_nothing(name: str) -> None:
    """The same requests on the repaired node; what no longer exists is skipped."""
    _, violation, _ = execute(name, "none")
    assert violation is None


def test_scala_ties_need_eight_commands() -> None:
    """With ties broken as Scala's hash map did, 7 commands commit nothing; with ties to the highest, 3 do."""
    from targets.raft.variants import commit_index

    assert commit_index("mode", [8, 2, 1, 0]) == 8
    assert [top for top in range(3, 12) if commit_index("mode", [top, 2, 1, 0]) == top] == [8]
    assert commit_index("mode-max", [3, 2, 1, 0]) == 3
    assert commit_index("order", [8, 2, 1, 0]) == 1

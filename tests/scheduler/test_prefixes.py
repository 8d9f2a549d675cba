"""A replay that goes on from the one before ends as one from the beginning does."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import LOCK_PROFILE, lock

from demi.events import Event
from demi.fuzz.program import generate
from demi.interpose.world import Step
from demi.minimizer.minimize import first_run
from demi.scheduler import prefixes
from demi.scheduler.execute import Subject, execute
from demi.scheduler.prefixes import Prefixes
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.run import Outcome
from demi.scheduler.sts import Lenient, Match, Planner, Wanted
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

TRACES = Path(__file__).parent.parent.parent / "traces" / "raft"
LOCKS = {lossy: lock(lossy=lossy) for lossy in (False, True)}
Told = tuple[Outcome, list[int], list[int], list[Wanted], list[int]]


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks every few events, so that short runs have some."""
    monkeypatch.setattr(prefixes, "NEAREST", 3)


def told(subject: Subject, plan: Sequence[Wanted], seed: int, shared: Prefixes | None) -> Told:
    """All that a replay says, on from the last one or from the beginning."""
    strategy, planner = Lenient(plan), Planner(subject.world)
    if shared is None:
        outcome = execute(subject, strategy, seed, observer=planner)
    else:
        outcome = shared.execute(subject, strategy, seed, planner, None)
    return outcome, strategy.used, strategy.absent, planner.plan, planner.causes


def candidates(whole: Sequence[Wanted], draws: random.Random, count: int) -> list[list[Wanted]]:
    """As passes make them: one chunk less, one way of matching, now and then from what is left."""
    base, made = list(whole), []
    for _ in range(count):
        start = draws.randrange(len(base) + 1)
        kept = base[:start] + base[start + draws.randint(1, 4) :]
        match = draws.choice([Match.EXACT, Match.EXACT, Match.OLDEST, Match.NEWEST])
        made.append([w if w.external else replace(w, match=match) for w in kept])
        base = kept if kept and draws.random() < 0.3 else base
    return made


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.booleans())
def test_candidates_of_one_run(seed: int, lossy: bool) -> None:
    subject, draws = LOCKS[lossy], random.Random(seed)
    planner = Planner(subject.world)
    items = generate(LOCK_PROFILE, subject.world.names, seed)
    execute(subject, RandomWalk(), seed, program=items, steps=40, observer=planner)
    shared = Prefixes()
    for plan in candidates(planner.plan, draws, 12):
        ran = told(subject, plan, seed, shared)
        assert ran == told(subject, plan, seed, None)
        assert told(subject, ran[3], seed, shared) == told(subject, ran[3], seed, None)


@pytest.mark.parametrize("bug", ["raft-46", "raft-66"])  # a lossy fifo network, and a bag
def test_candidates_of_a_long_run(bug: str) -> None:
    trace = load(TRACES / f"{bug}.jsonl.gz")
    subject, seed = Subject(RAFT, dict(trace.header.config)), trace.header.seed
    whole, shared = first_run(subject, trace).plan, Prefixes()
    for plan in candidates(whole, random.Random(1), 8):
        assert told(subject, plan, seed, shared) == told(subject, plan, seed, None)


class Counted(Lenient):
    """Counts the events that were chosen; says that it matches as any other of its kind."""

    chosen = 0

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        Counted.chosen += 1
        return super().choose(enabled, last)

    def rule(self) -> object:
        return Counted


def test_only_the_rest_is_run() -> None:
    trace = load(TRACES / "raft-66.jsonl.gz")
    subject, seed = Subject(RAFT, dict(trace.header.config)), trace.header.seed
    whole, shared = first_run(subject, trace).plan, Prefixes()

    def steps(plan: Sequence[Wanted], shared: Prefixes = shared) -> int:
        Counted.chosen = 0
        shared.execute(subject, Counted(plan), seed, Planner(subject.world), None)
        return Counted.chosen

    assert steps(whole) == len(whole)
    distance = len(whole) // prefixes.MARKS
    assert steps(whole) <= distance + 1
    assert steps(whole[:-1]) <= distance + 1
    assert steps(whole[1:]) == steps(whole[1:], Prefixes()), "nothing in common"

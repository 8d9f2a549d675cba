"""Unmodified asyncio packages: found, minimal, and the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from demi.fuzz.hunt import Plan, hunt
from demi.scheduler.execute import Subject
from demi.target import Target, configure
from targets.raftos import TARGET as RAFTOS
from targets.redis_client import TARGET as REDIS
from targets.websockets_chat import TARGET as CHAT

DIGESTS = """
import importlib
from demi.fuzz.hunt import Plan, one_run
from demi.scheduler.execute import Choices, Subject, record
from demi.target import configure
from demi.trace import Trace
from demi.trace_codec import digest

for name in ("aiohttp_shop", "websockets_chat", "redis_client", "raftos"):
    target = importlib.import_module("targets." + name).TARGET
    subject = Subject(target, configure(target))
    plan = Plan(target.profile(subject.config), "random", seed=5, steps=150)
    choices = Choices(subject.world)
    one_run(subject, plan, 0, choices)
    trace = record(subject, choices.taken, 5, strategy="random")
    print(name, len(trace.entries), digest(trace), subject.world.digest().hex())
    subject.world.close()
"""


def digests(hash_seed: int) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    ran = subprocess.run(
        [sys.executable, "-c", DIGESTS],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def test_traces_are_equal_in_another_process_with_another_hash_seed() -> None:
    first = digests(0)
    assert len(first.splitlines()) == 4
    assert digests(12345) == first


@pytest.mark.slow
def test_traces_are_equal_over_six_hash_seeds_and_two_processes() -> None:
    assert len({digests(seed) for seed in (0, 1, 2, 3, 77, 12345) for _ in range(2)}) == 1


@pytest.mark.parametrize(
    ("target", "bug", "off", "wanted"),
    [
        (CHAT, "late-member", {"late": False}, "NoGap"),
        (REDIS, "lost-update", {"atomic": True}, "NoLostUpdate"),
        (RAFTOS, "stale-vote", None, "ElectionSafety"),
        (RAFTOS, "vote-lost", None, "ElectionSafety"),
    ],
)
def test_the_named_bug_is_found_and_its_fix_is_clean(
    target: Target, bug: str, off: dict[str, object] | None, wanted: str
) -> None:
    def found(subject: Subject, runs: int) -> list[str]:
        plan = Plan(target.profile(subject.config), "random", seed=1, steps=300)
        try:
            outcomes = [outcome for _, outcome in hunt(subject, plan, iter(range(runs)))]
        finally:
            subject.world.close()
        return [o.violation.fingerprint for o in outcomes if o.violation is not None]

    broken = found(Subject(target, configure(target, bug)), 10)
    assert broken
    assert all(one.startswith(wanted) for one in broken)
    if off is not None:
        assert found(Subject(target, configure(target, "", off)), 10) == []

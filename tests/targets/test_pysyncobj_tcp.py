"""pysyncobj over its own TCP transport: elections, messages by name, faults, and the published defect."""

from __future__ import annotations

import random
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from demi.errors import TargetError
from demi.events import External, Kind, number
from demi.target import configure
from targets.pysyncobj.tcp import TARGET

HAS_84 = tuple(map(int, metadata.version("pysyncobj").split("."))) <= (0, 3, 15)


@pytest.fixture(scope="module")
def world() -> Any:
    made = TARGET.make(configure(TARGET, settings={"tick": 0.1}))  # one step of a clock at a time
    yield made
    made.close()


def walk(
    world: Any, seed: int, steps: int, externals: tuple[External, ...] = ()
) -> list[tuple[str, str]]:
    world.reset(seed)
    world.offer(number(externals))
    return go_on(world, random.Random(seed), steps)


def go_on(world: Any, draw: random.Random, steps: int) -> list[tuple[str, str]]:
    done = []
    for _ in range(steps):
        enabled = world.enabled()
        event = enabled[draw.randrange(len(enabled))]
        label = world.label(event)
        assert world.take(event).failure is None
        done.append((label, world.node_digest(event[1])))
    return done


def test_unmodified_nodes_elect_a_leader_and_commit(world: Any) -> None:
    labels = {label for label, _ in walk(world, 1, 600)}
    states = [world.observe().state(node) for node in range(3)]
    assert sorted(state.role for state in states) == ["follower", "follower", "leader"]
    assert {
        "connect",
        "accepted",
        "hello",
        "request_vote",
        "response_vote",
        "append_entries",
    } <= labels
    assert "chunk" not in labels
    world.offer([External(Kind.INJECT, ("n1",), "command", {"value": 7})])
    go_on(world, random.Random(1), 600)
    for node in range(3):
        state = world.observe().state(node)
        assert 7 in [entry.command for entry in state.log]
        assert state.applied == state.commit == len(state.log)


def test_the_same_seed_gives_the_same_run_with_faults(world: Any) -> None:
    externals = (
        External(Kind.CRASH, ("n2",)), External(Kind.RESTART, ("n2",)), External(Kind.CUT, ("n1", "n3")),
        External(Kind.HEAL, ("n1", "n3")), External(Kind.CUT, ("n1", "n2"), one_way=True),
    )  # fmt: skip
    assert walk(world, 5, 400, externals) == walk(world, 5, 400, externals)
    assert walk(world, 5, 100, externals) != walk(world, 6, 100, externals)


def test_messages_are_readable_and_their_fingerprints_are_their_bytes(world: Any) -> None:
    world.reset(2)
    draw = random.Random(2)
    for _ in range(300):
        enabled = world.enabled()
        event = enabled[draw.randrange(len(enabled))]
        if world.label(event) == "request_vote":
            assert world.payload(event)["term"] >= 1
            assert world.fingerprint(event)[0] == "request_vote"
            return
        world.take(event)
    pytest.fail("no election in 300 steps")


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(TargetError, match="1 to 99 nodes"):
        TARGET.make({"nodes": 0, "tick": 0.1})


@pytest.mark.skipif(not HAS_84, reason="the defect is fixed in releases after 0.3.15")
def test_the_forgotten_vote_is_found_and_replayed(tmp_path: Path) -> None:
    def demi(*words: str) -> tuple[int, str]:
        command = [Path(sys.executable).parent / "demi", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    name = "targets.pysyncobj.tcp:TARGET"
    code, said = demi(
        "fuzz", name, "--bug", "84", "--seed", "1", "-n", "40", "-j", "1", "--no-minimize"
    )
    assert code == 1, said
    assert "VIOLATED ElectionSafety" in said
    (trace,) = (tmp_path / "traces").glob("*.jsonl")
    code, said = demi("replay", str(trace), "--target", name)
    assert code == 1, said
    assert "each identical" in said

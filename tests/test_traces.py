"""The traces kept in the repository still happen, event for event, whatever the hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import configure
from demi.trace_codec import digest, load
from targets.raft import TARGET as RAFT

TRACES = Path(__file__).parent.parent / "traces"
PUBLISHED = {  # deliveries of DEMi's minimized runs (NSDI'16, table 1)
    "raft-45": 23, "raft-46": 35, "raft-56": 82, "raft-58a": 226,
    "raft-58b": 40, "raft-42": 180, "raft-66": 77,
}  # fmt: skip
REPLAY_ALL = """
import sys
from pathlib import Path
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.trace_codec import load
from targets.raft import TARGET
for path in sorted(Path(sys.argv[1]).glob("*.min.jsonl")):
    trace = load(path)
    result = replay(Subject(TARGET, dict(trace.header.config)), trace)
    assert result.divergence is None, (path.name, result.divergence)
    print(path.name, result.outcome.violation.fingerprint)
"""


@pytest.mark.parametrize("bug", sorted(PUBLISHED))
def test_original_and_minimal_run_replay(bug: str) -> None:
    original = load(TRACES / "raft" / f"{bug}.jsonl.gz")
    minimal = load(TRACES / "raft" / f"{bug}.min.jsonl")
    for trace in (original, minimal):  # the smaller one has fewer nodes where the bug allows it
        subject = Subject(RAFT, dict(trace.header.config))
        assert replay(subject, trace).divergence is None
        assert trace.violation is not None
        assert trace.violation.fingerprint.startswith(RAFT.bugs[bug].finds)
    assert minimal.header.parent == digest(original)
    assert original.deliveries >= (400 if bug == "raft-66" else 1000)
    assert minimal.deliveries <= PUBLISHED[bug]


@pytest.mark.parametrize("bug", sorted(PUBLISHED))
def test_the_fixed_node_does_not_show_the_minimal_run(bug: str) -> None:
    from demi.scheduler.execute import execute
    from demi.scheduler.plan import Recorded, plan_of

    minimal = load(TRACES / "raft" / f"{bug}.min.jsonl")
    settings = {name: minimal.header.config[name] for name in ("network", "nodes", "without")}
    fixed = Subject(RAFT, configure(RAFT, "none", settings))
    plan = Recorded(plan_of(minimal, fixed.world.names), fixed.world)
    assert execute(fixed, plan, minimal.header.seed, observer=plan).violation is None


def replayed_under(hash_seed: int) -> str:
    """Replay every minimal raft trace in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", REPLAY_ALL, str(TRACES / "raft")],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_minimal_runs_replay_under_other_hash_seeds() -> None:
    assert len({replayed_under(seed) for seed in range(3)}) == 1


@pytest.mark.slow
def test_minimal_runs_replay_twenty_times_out_of_twenty() -> None:
    outputs = [replayed_under(seed) for seed in range(20)]
    assert len(outputs) == 20 and len(set(outputs)) == 1
    assert outputs[0].count("\n") == len(PUBLISHED)


@pytest.mark.parametrize("bug", ["84", "166"])
def test_pysyncobj_trace_replays_on_the_release_it_was_recorded_on(bug: str) -> None:
    metadata = pytest.importorskip("importlib.metadata")
    pytest.importorskip("pysyncobj", reason="pysyncobj is an extra")
    from targets.pysyncobj import TARGET

    original = load(TRACES / "pysyncobj" / f"{bug}.jsonl.gz")
    installed = metadata.version("pysyncobj")
    if not original.header.target_version.endswith(installed):
        pytest.skip(f"recorded on {original.header.target_version}, installed is {installed}")
    minimal = load(TRACES / "pysyncobj" / f"{bug}.min.jsonl")
    subject = Subject(TARGET, dict(original.header.config))
    try:
        for trace in (original, minimal):
            assert replay(subject, trace).divergence is None
    finally:
        subject.world.close()
    assert len(minimal) <= 14


SDN_TRACES = sorted(path.name.split(".")[0] for path in (TRACES / "sdn").glob("*.min.jsonl"))
REPLAY_NETWORKS = """
import sys
from pathlib import Path
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import configure
from demi.trace_codec import load
from targets.sdn import TARGET
for bug in sys.argv[2:]:
    trace = load(Path(sys.argv[1]) / f"{bug}.min.jsonl")
    subject = Subject(TARGET, configure(TARGET, "", trace.header.config))
    result = replay(subject, trace)
    assert result.divergence is None, (bug, result.divergence)
    print(bug, result.outcome.violation.fingerprint)
    subject.world.close()
"""


def networks_replayed_under(hash_seed: int, bugs: list[str]) -> str:
    """Replay minimal traces of networks in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", REPLAY_NETWORKS, str(TRACES / "sdn"), *bugs],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def recorded_on_this_os_ken(bug: str) -> None:
    metadata = pytest.importorskip("importlib.metadata")
    pytest.importorskip("os_ken", reason="os-ken is an extra")
    recorded = load(TRACES / "sdn" / f"{bug}.min.jsonl").header.target_version
    installed = "os-ken " + metadata.version("os-ken")
    if recorded != installed:
        pytest.skip(f"recorded on {recorded}, installed is {installed}")


@pytest.mark.parametrize("bug", SDN_TRACES)
def test_a_network_replays(bug: str) -> None:
    from targets.sdn import TARGET

    recorded_on_this_os_ken(bug)
    original = load(TRACES / "sdn" / f"{bug}.jsonl.gz")
    minimal = load(TRACES / "sdn" / f"{bug}.min.jsonl")
    for trace in (original, minimal):  # the smaller one often has a smaller network
        subject = Subject(TARGET, configure(TARGET, "", trace.header.config))
        try:
            assert replay(subject, trace).divergence is None
        finally:
            subject.world.close()
        assert trace.violation is not None
        assert trace.violation.fingerprint.startswith(TARGET.bugs[bug].finds)
    assert minimal.header.parent == digest(original)


def test_each_worked_case_has_its_trace() -> None:
    from targets.sdn import TARGET

    assert set(SDN_TRACES) == set(TARGET.bugs)


def test_networks_replay_under_another_hash_seed() -> None:
    recorded_on_this_os_ken("R1")
    bugs = ["R1", "failover", "timer-interleaving"]
    assert len({networks_replayed_under(seed, bugs) for seed in (0, 3)}) == 1


@pytest.mark.slow
def test_networks_replay_under_six_hash_seeds() -> None:
    recorded_on_this_os_ken("R1")
    assert len({networks_replayed_under(seed, SDN_TRACES) for seed in range(6)}) == 1

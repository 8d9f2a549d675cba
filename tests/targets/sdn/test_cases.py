"""The worked cases on real controllers: found, shrunk to no more inputs than STS published, replayed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from demi.errors import TargetError
from demi.fuzz.hunt import Plan, one_run, record_run
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import configure
from demi.trace import Trace
from targets.sdn import TARGET

pytest.importorskip("os_ken", reason="os-ken is an extra")
PUBLISHED = {  # inputs of STS's minimal sequence for a bug of that kind (SIGCOMM'14, table 1)
    "R1": 3, "R2": 3, "R4": 0, "premature-packet-in": 2, "memory-corruption": 2, "in-flight": 7,
    "discovery-loop": 18, "failover": 2, "overlapping-entries": 2, "load-balancer": 24,
    "timer-interleaving": 39, "null-pointer": 2, "thread-race": 2, "memory-leak": 30,
    "ghost-link": 3, "ghost-switch": 1,
}  # fmt: skip
"""R2 and the ghosts are no rows of theirs: that many inputs are what they take.  R4 needs none."""
OS_KEN = {"R4", "ghost-link", "ghost-switch"}  # its own defects
SLOW = {"in-flight", "discovery-loop", "failover", "load-balancer", "null-pointer"}
LARGE = {"discovery-loop", "load-balancer", "null-pointer"}
CLEAN = [pytest.param(bug, marks=[pytest.mark.slow] * (bug in LARGE)) for bug in sorted(PUBLISHED)]
CASES = [pytest.param(bug, marks=[pytest.mark.slow] * (bug in SLOW)) for bug in sorted(PUBLISHED)]


def found(bug: str, runs: int = 300) -> tuple[Subject, Trace]:
    """The first run of a hunt that shows the case."""
    config = configure(TARGET, bug)
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    wanted = TARGET.bugs[bug].finds
    plan = Plan(profile, profile.strategy, seed=1, steps=profile.steps, wanted=wanted)
    for number in range(runs):
        violation = one_run(subject, plan, number).violation
        if violation is not None and violation.fingerprint.startswith(wanted):
            return subject, record_run(subject, plan, number)
    raise AssertionError(f"{bug} not found in {runs} runs")


@pytest.mark.parametrize("bug", CASES)
def test_a_case_is_found_shrunk_and_replayed(bug: str) -> None:
    subject, trace = found(bug)
    small = minimize(subject, trace).trace
    assert small.externals <= PUBLISHED[bug]
    assert small.violation is not None
    assert small.violation.fingerprint.startswith(TARGET.bugs[bug].finds)
    again = Subject(TARGET, dict(small.header.config))
    assert replay(again, small).divergence is None


@pytest.mark.parametrize("bug", CLEAN)
def test_without_the_defect_nothing_breaks(bug: str) -> None:
    settings: dict[str, object] = {"variant": "mended" if bug in OS_KEN else ""}
    if bug == "discovery-loop":
        settings["settle"] = 5.0  # without time the application only waits for what links there are
    config = configure(TARGET, bug, settings)
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    plan = Plan(profile, profile.strategy, seed=1, steps=profile.steps)
    assert [one_run(subject, plan, number).violation for number in range(2)] == [None, None]


def test_every_case_has_its_row() -> None:
    assert set(PUBLISHED) == set(TARGET.bugs)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"app": "lerning"}, "no application 'lerning'"),
        ({"controller": "remote"}, "not held 'remote'"),
        ({"topology": "ring:2"}, "ring needs 3"),
        ({"topology": "single:0"}, "single needs 1"),
        ({"inputs": "sned:1"}, "no input 'sned'"),
        ({"inputs": "send:x"}, "not name:weight"),
        ({"app": "mine.py"}, "no application mine.py"),
        ({"app": "mine.yaml"}, "no configuration mine.yaml"),
        ({"command": "controller --port 6653"}, "does not say where it listens"),
        ({"controllers": 0}, "without a controller"),
        ({"topology": "nowhere.json"}, "cannot read the topology"),
        ({"policy": '{"isolate": [["h1", "h7"]]}'}, "unknown host 'h7'"),
    ],
)
def test_a_setting_that_cannot_be(settings: dict[str, object], said: str) -> None:
    config = configure(TARGET, "none", settings)
    with pytest.raises(TargetError, match=said):
        Subject(TARGET, config)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"switches": {"s1": 1}, "hosts": {"h1": "x1"}}', "host h1 names an unknown switch 'x1'"),
        ('{"hosts": {"c7": "s1"}, "links": []}', "c7 names 'c7', which is no name of a host"),
        ('{"hosts": {"h1": "s2"}, "links": [["s1", "s7"]]}', "no links lead from s2 to s1, s7"),
        ('{"hosts": {"h1": "s1"}, "links": [["s1", "s1"]]}', "not two different switches"),
        ("[]", "not a topology"),
        ("{", "not JSON"),
    ],
)
def test_a_topology_file_that_cannot_be(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text(text, "utf-8")
    with pytest.raises(TargetError, match=said):
        Subject(TARGET, configure(TARGET, "none", {"topology": str(path)}))


def test_a_network_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text('{"hosts": {"h1": "s1", "h2": "s2"}, "links": [["s1", "s2"]]}', "utf-8")
    subject = Subject(TARGET, configure(TARGET, "none", {"topology": str(path)}))
    assert tuple(subject.world.names) == ("c1", "s1", "s2", "h1", "h2")


def test_primary_and_backup_leave_no_folder_behind() -> None:
    code = (
        "from targets.sdn import TARGET; from demi.target import configure; "
        "world = TARGET.make(configure(TARGET, 'failover')); world.reset(1); "
        "print(world._store.path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert folder.is_absolute() and not folder.exists()

"""The worked cases on real controllers: found, shrunk to no more inputs than STS published, replayed."""

from __future__ import annotations

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
FAST = {"R1": 3, "R2": 3, "R4": 0, "premature-packet-in": 1, "memory-corruption": 2}
"""Case -> inputs of its minimal sequence."""


def found(bug: str, runs: int = 20) -> tuple[Subject, Trace]:
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


@pytest.mark.parametrize("bug", sorted(FAST))
def test_a_case_is_found_shrunk_and_replayed(bug: str) -> None:
    subject, trace = found(bug)
    small = minimize(subject, trace).trace
    assert small.externals == FAST[bug]
    assert small.violation is not None
    assert small.violation.fingerprint.startswith(TARGET.bugs[bug].finds)
    again = Subject(TARGET, dict(small.header.config))
    assert replay(again, small).divergence is None


@pytest.mark.parametrize(
    ("bug", "variant"), [("R1", ""), ("R2", ""), ("R4", "mended"), ("memory-corruption", "")]
)
def test_without_the_defect_nothing_breaks(bug: str, variant: str) -> None:
    config = configure(TARGET, bug, {"variant": variant})
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    plan = Plan(profile, profile.strategy, seed=1, steps=profile.steps)
    assert [one_run(subject, plan, number).violation for number in range(2)] == [None, None]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"app": "lerning"}, "no application 'lerning'"),
        ({"controller": "remote"}, "not held 'remote'"),
        ({"topology": "ring:2"}, "ring needs 3"),
        ({"inputs": "sned:1"}, "no input 'sned'"),
        ({"inputs": "send:x"}, "not name:weight"),
        ({"policy": '{"isolate": [["h1", "h7"]]}'}, "unknown host 'h7'"),
    ],
)
def test_a_setting_that_cannot_be(settings: dict[str, str], said: str) -> None:
    config = configure(TARGET, "none", settings)
    with pytest.raises(TargetError, match=said):
        Subject(TARGET, config)

"""Unmodified c65faucet from a YAML file: both ways, and time that passes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from demi.errors import TargetError
from targets.sdn.controllers.faucet import black_box, in_process
from tests.targets.controllers.apps import HELLO, features, messages

pytest.importorskip("faucet")
CONFIG = """
vlans:
    office: {vid: 100}
dps:
    sw1:
        dp_id: 1
        hardware: "Open vSwitch"
        interfaces:
            1: {native_vlan: office}
            2: {native_vlan: office}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "faucet.yaml"
    path.write_text(CONFIG)
    return path


@pytest.mark.parametrize(
    "hold", [in_process, pytest.param(black_box, marks=pytest.mark.slow)], ids=["held", "child"]
)
def test_a_switch_is_provisioned(hold, config: Path) -> None:  # type: ignore[no-untyped-def]
    controller = hold("c1", config)
    try:
        controller.start(1)
        assert controller.connect(1)
        controller.feed(1, HELLO)
        controller.quiesce()
        (xid,) = [data[4:8] for _, kind, data in messages(controller.collect()) if kind == 5]
        controller.feed(1, features(1, xid))
        controller.quiesce()
        assert 18 in [
            kind for _, kind, _ in messages(controller.collect())
        ]  # it asks for the ports
        assert controller.errors() == []
    finally:
        controller.close()


def test_runs_begin_anew_and_repeat(config: Path) -> None:
    controller = in_process("c1", config)
    runs = []
    for _ in range(2):  # a second registration of a metric would raise in one process
        controller.start(3)
        controller.connect(1)
        controller.feed(1, HELLO)
        controller.quiesce()
        controller.advance(36.0)
        runs.append((controller.collect(), controller.closed(), controller.errors()))
        assert sorted(controller.apps()) == ["DPSet", "Faucet", "OFPHandler"]
    assert runs[0] == runs[1]
    assert runs[0][0]


def test_a_configuration_that_is_wrong_is_refused(config: Path) -> None:
    with pytest.raises(TargetError, match="no configuration"):
        in_process("c1", config.with_name("nothing.yaml"))

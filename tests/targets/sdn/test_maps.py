"""The controller's map against the network: ghosts, what it does not know, what it misplaces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from demi.events import External, Kind
from demi.fuzz.hunt import Plan, one_run, record_run
from demi.minimizer.minimize import minimize
from demi.oracle import check_all, memories
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.sdn import TARGET
from targets.sdn.check.maps import ControllerMap
from targets.sdn.network.topology import find_topology
from targets.sdn.world import NetworkWorld
from tests.targets.sdn.toy_controller import Toy

ALL = {(1, 2): (2, 2), (2, 2): (1, 2), (2, 3): (3, 2), (3, 2): (2, 3)}


def said(links: Any, hosts: Any, *inputs: External) -> str:
    toy = Toy()
    toy.apps = lambda: {"Map": SimpleNamespace(links=links, hosts=hosts)}  # type: ignore[method-assign]
    world = NetworkWorld(find_topology("line:3"), [toy])
    world.reset(1)
    invariants = [ControllerMap(4.0)]
    memory = memories(invariants)
    found = check_all(invariants, world.observe(), memory, 0)
    for one in inputs:
        world.take(world.offer((one,))[0])
        while found is None and world.enabled():
            world.take(world.enabled()[0])
        found = found or check_all(invariants, world.observe(), memory, 0)
    return "" if found is None else f"{found.fingerprint}: {found.detail.text}"


def wait(seconds: int) -> External:
    return External(Kind.INJECT, ("c1",), "wait", {"seconds": seconds})


def test_a_map_that_is_right() -> None:
    hosts = {"00:00:00:00:00:01": (1, 1), "02:00:00:00:00:99": (9, 9)}
    assert said(ALL, hosts, wait(5)) == ""
    assert said(None, None, wait(5)) == ""  # an application without a map


def test_what_is_wrong_with_a_map() -> None:
    cut = External(Kind.CUT, ("s2", "s3"))
    assert said(ALL, {}, cut) == (
        "ControllerMap/ghost link: c1 (Map) believes in the link s2:3 > s3:2, which is not there"
    )
    some = {near: far for near, far in ALL.items() if near != (2, 3)}
    assert said(some, {}, wait(3)) == ""
    assert said(some, {}, wait(3), wait(1)) == (
        "ControllerMap/unknown link: c1 (Map) does not know of the link s2:3 > s3:2"
    )
    moved = External(Kind.INJECT, ("h1",), "migrate", {"to": "s3"})
    assert said(ALL, {"00:00:00:00:00:01": (1, 1)}, moved) == (
        "ControllerMap/misplaced host: c1 (Map) believes h1 at s1:1; it is at s3:3"
    )


def test_os_kens_own_topology_keeps_a_ghost_link() -> None:
    """A probe that arrives after the link's end went down adds it again, and nothing takes it away."""
    pytest.importorskip("os_ken", reason="os-ken is an extra")
    settings = {
        "app": "discovery", "probes": 1000.0, "settle": 5.0, "count": 10, "maps": 4.0,
        "inputs": "cut:2 wait:2 sever:1", "policy": '{"reach": []}',
    }  # fmt: skip
    config = configure(TARGET, "none", settings)
    subject = Subject(TARGET, config)
    plan = Plan(TARGET.profile(config), "random", seed=1, steps=6000, wanted="ControllerMap")
    number = next(n for n in range(60) if one_run(subject, plan, n).violation is not None)
    small = minimize(subject, record_run(subject, plan, number)).trace
    assert small.violation is not None
    assert small.violation.fingerprint == "ControllerMap/ghost link"
    assert "(switches)" in small.violation.detail.text
    assert small.externals <= 3
    subject.world.close()

"""The controller's map against the network: ghosts, what it does not know, what it misplaces."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from demi.events import External, Kind
from demi.oracle import check_all, memories
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


def test_a_switch_that_is_not_connected() -> None:
    toy = Toy()
    toy.apps = lambda: {"Map": SimpleNamespace(dps={1: None, 2: None, 3: None})}  # type: ignore[method-assign]
    world = NetworkWorld(find_topology("line:3"), [toy])
    world.reset(1)
    one = ControllerMap(4.0)
    assert one.check(world.observe(), one.start())[1] is None
    world.take(world.offer((External(Kind.CRASH, ("s3",)),))[0])
    while world.enabled():
        world.take(world.enabled()[0])
    found = one.check(world.observe(), one.start())[1]
    assert found is not None
    assert (found.key, found.text) == (
        "ghost switch", "c1 (Map) believes in s3, which is not connected",
    )  # fmt: skip

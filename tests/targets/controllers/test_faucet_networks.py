"""c65faucet in charge of whole networks, its configuration made of the topology."""

from __future__ import annotations

import pytest

from demi.events import External, Kind, number
from demi.target import configure
from targets.sdn import TARGET
from targets.sdn.check.invariants import pair_invariants
from targets.sdn.check.policy import Policy
from targets.sdn.controllers.faucet_config import written_for
from targets.sdn.network.topology import find_topology
from targets.sdn.world import NetworkWorld

pytest.importorskip("faucet")


def settled(world: NetworkWorld) -> None:
    """Everything in flight arrives, and granted time passes."""
    while world.enabled() and world.enabled()[0][0] < Kind.START:
        assert world.take(world.enabled()[0]).failure is None


def do(world: NetworkWorld, external: External) -> None:
    (event,) = world.offer(number((external,)))
    world.take(event)
    settled(world)


def arrives(world: NetworkWorld, src: str, dst: str) -> bool:
    before = world.wiring.hosts[dst].heard
    do(world, External(Kind.INJECT, (src,), "send", {"to": dst}))
    return world.wiring.hosts[dst].heard == before + 1


@pytest.mark.parametrize("name", ["ring:3", "mesh:3", "line:3"])
def test_packets_arrive_around_a_cut_and_after_a_move(name: str) -> None:
    config = configure(
        TARGET, "none", {"app": "faucet", "topology": name, "settle": 60.0, "announce": True}
    )
    world = TARGET.make(config)
    assert isinstance(world, NetworkWorld)
    assert world.reset(1).failure is None
    settled(world)
    pairs = [("h1", "h3"), ("h3", "h1"), ("h2", "h3")]
    assert all(arrives(world, *pair) for pair in pairs)
    if name != "line:3":
        do(world, External(Kind.CUT, ("s2", "s3")))
        assert all(arrives(world, *pair) for pair in pairs)
    do(world, External(Kind.INJECT, ("h1",), "migrate", {"to": "s2"}))
    assert arrives(world, "h1", "h2") and arrives(world, "h2", "h1")
    view = world.observe()
    assert [one.check(view, one.start())[1] for one in pair_invariants(Policy(), False)] == [
        None
    ] * 5
    world.close()


def test_what_is_left_out_of_a_network_stays_in_its_configuration() -> None:
    whole = find_topology("ring:4")
    assert written_for(find_topology("ring:4 without h2,s3")) == written_for(whole)
    assert "      2: {stack: {dp: s2, port: 2}}" in written_for(whole)

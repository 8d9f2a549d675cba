"""Checks of all headers: for each concrete packet they say what the walk says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demi.oracle import check_all, memories
from demi.target import configure
from targets.sdn import TARGET
from targets.sdn.check.all_headers import AllHeaders, every_packet
from targets.sdn.check.policy import Policy
from targets.sdn.check.walk import Walker
from targets.sdn.network.topology import find_topology
from targets.sdn.network.wiring import Wiring
from targets.sdn.openflow import messages
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import FlowMod, encode_flow_mod
from targets.sdn.openflow.oxm import Match, make_match
from targets.sdn.openflow.wire import Port
from targets.sdn.packets import ARP_REQUEST, arp_frame, parse, udp_frame
from targets.sdn.world import NetworkWorld
from tests.targets.sdn.test_open_vswitch import drawn_tables
from tests.targets.sdn.toy_controller import Toy

pytest.importorskip("dd", reason="dd is an extra")


def drawn(name: str, draw: random.Random) -> Wiring:
    wiring = Wiring(find_topology(name))
    for switch in wiring.switches.values():
        assert switch is not None
        for message in drawn_tables(draw):
            switch.message(message, 0, 0.0)
    if draw.random() < 0.3:
        a, _, b, _ = draw.choice(wiring.topology.links)
        wiring.cut.add((a, b))
        list(wiring.update())
    return wiring


def frames(draw: random.Random) -> list[bytes]:
    """Tagged and untagged datagrams and a question."""
    some = []
    for _ in range(3):
        src, dst = draw.sample([1, 2, 3], 2)
        ends = (src, 0x0A000000 | src), (dst, 0x0A000000 | dst)
        some.append(udp_frame(*ends, draw.choice([7, 9]), b"x", draw.choice([0, 0, 5, 6])))
    return [*some, arp_frame(ARP_REQUEST, (1, 0x0A000001), (0, 0x0A000002))]


@given(st.sampled_from(["line:2", "line:3", "ring:3", "mesh:3"]), st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_a_set_of_one_packet_ends_as_the_walk_says(name: str, seed: int) -> None:
    draw = random.Random(seed)
    wiring = drawn(name, draw)
    network, walker = AllHeaders(wiring), Walker(wiring)
    walker.refresh()
    whole = {
        host.name: network.follow(host.at, network.everything()) for host in wiring.hosts.values()
    }
    for data in frames(draw):
        headers = parse(data).headers
        one = network.symbols.one(headers)
        for host in wiring.hosts.values():
            fate = walker.fate(host.at, headers)
            found = network.follow(host.at, one)
            assert set(found.ends) == {end for end in fate.ends if end.kind != "loop"}
            assert bool(found.loops) == bool(fate.of("loop"))
            assert set(found.ends) <= set(whole[host.name].ends)  # what one may do, some may do
            assert bool(whole[host.name].loops) or not found.loops


def network(*rules: tuple[str, Match, int]) -> NetworkWorld:
    made = NetworkWorld(find_topology("line:3"), [Toy()])
    made.reset(1)
    for name, match, port in rules:
        switch = made.switch(name)
        assert switch is not None
        todo = Instructions((("output", port, 0xFFFF),))
        switch.message(encode_flow_mod(FlowMod(messages.ADD, 0, len(match), match, todo)), 0, 0.0)
    return made


def said(made: NetworkWorld, policy: Policy | None = None) -> tuple[str, str]:
    invariants = [every_packet(policy or Policy())]
    found = check_all(invariants, made.observe(), memories(invariants), 0)
    return (found.fingerprint, found.detail.text) if found is not None else ("", "")


def test_a_hole_in_a_wall_that_no_host_goes_through_is_found() -> None:
    half = make_match(
        eth_type=0x0800, ipv4_dst=(0x0B000000, 0xFF000000)
    )  # no host is in 11.0.0.0/8
    made = network(("s1", half, 2), ("s2", half, 3), ("s3", half, 1))
    fingerprint, text = said(made, Policy(isolate=frozenset({("h1", "h3")})))
    assert fingerprint == "EveryPacket/isolation"
    assert text.startswith("packets of h1 reach h3, such as ")
    assert "eth_type=0x800" in text and "ipv4_dst=0xb" in text
    assert said(made) == ("", "")


def test_a_loop_and_a_dead_port_that_no_host_meets() -> None:
    strange = make_match(eth_type=0x0806)
    loop = network(("s1", strange, 2), ("s2", strange, int(Port.IN_PORT)))
    assert said(loop) == ("", "")  # s1 does not send it back where it came from
    back = network(("s1", strange, 2), ("s2", strange, int(Port.IN_PORT)),
                   ("s1", make_match(eth_type=0x0806, in_port=2), int(Port.IN_PORT)))  # fmt: skip
    assert said(back)[0] == "EveryPacket/loop"
    dead = network(("s2", make_match(eth_type=0x0806, in_port=1), 9))
    assert said(dead) == (
        "EveryPacket/dead port", "packets of h2 leave by a dead port of s2, such as eth_type=0x806",
    )  # fmt: skip


def test_it_is_a_setting() -> None:
    names = [one.name for one in TARGET.invariants(configure(TARGET, "none", {"headers": True}))]
    assert "EveryPacket" in names
    assert "EveryPacket" not in [one.name for one in TARGET.invariants(configure(TARGET, "none"))]

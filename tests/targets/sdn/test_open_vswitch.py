"""The same flow tables and packets in Open vSwitch and in the simulated switch: the same packets leave."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from targets.sdn.network.pipeline import edited, entering
from targets.sdn.network.switch import Switch, ToChannel
from targets.sdn.openflow import messages, oxm
from targets.sdn.openflow.actions import Action, Instructions
from targets.sdn.openflow.messages import Bucket, FlowMod, GroupMod
from targets.sdn.openflow.oxm import VLAN_PRESENT, Headers, make_match
from targets.sdn.openflow.wire import Port, Type
from targets.sdn.packets import parse, udp_frame
from tests.targets.sdn.open_vswitch import CONTROLLER, Copy, OpenVSwitch, copies, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
PORTS, CASES, PACKETS = 4, 500, 5
KNOWN_TAGS = 2  # Open vSwitch pushes no third one
DELETE_ALL = FlowMod(messages.DELETE, messages.TABLE_ALL, 0, (), Instructions())


def drawn_match(draw: random.Random) -> tuple[oxm.Match, bool, bool]:
    """A match, and whether it is of IPv4 and of tagged packets."""
    want: dict[str, int | tuple[int, int]] = {}
    if draw.random() < 0.4:
        want["in_port"] = draw.randrange(1, PORTS + 1)
    if draw.random() < 0.5:
        want["eth_dst"] = draw.choice([1, 2, 3, (2, 2), (1, 3)])
    if draw.random() < 0.2:
        want["eth_src"] = draw.randrange(1, 4)
    tagged = draw.random() < 0.2
    if tagged:
        want["vlan_vid"] = draw.choice([VLAN_PRESENT | 5, (VLAN_PRESENT, VLAN_PRESENT)])
    elif draw.random() < 0.2:
        want["vlan_vid"] = 0
    ip = draw.random() < 0.4
    if ip:
        want["eth_type"] = 0x0800
        if draw.random() < 0.7:
            mask = draw.choice([0xFFFFFFFF, 0xFFFFFFFE, 0xFF000000])
            want["ipv4_dst"] = (0x0A000000 | draw.randrange(4), mask)
        if draw.random() < 0.3:
            want |= {"ip_proto": 17, "udp_dst": draw.choice([7, 9])}
    return make_match(**want), ip, tagged


def drawn_actions(draw: random.Random, ip: bool, tagged: bool, groups: bool) -> tuple[Action, ...]:
    found: list[Action] = []
    if draw.random() < 0.2:
        found.append(("set", oxm.ETH_DST, draw.randrange(1, 5)))
    if ip and draw.random() < 0.3:
        found.append(("set", oxm.IPV4_DST, 0x0A000000 | draw.randrange(4)))
    if tagged and draw.random() < 0.5:
        found.append(("pop_vlan",))
    elif draw.random() < 0.15:  # in front of another tag, too
        found += [("push_vlan", 0x8100), ("set", oxm.VLAN_VID, VLAN_PRESENT | draw.choice([5, 6]))]
    ports = [*range(1, PORTS + 1), Port.FLOOD, Port.ALL, Port.IN_PORT, Port.CONTROLLER]
    for _ in range(draw.randrange(3)):
        found.append(("output", int(draw.choice(ports)), 0xFFFF))
    if groups and draw.random() < 0.3:
        found.append(("group", draw.randrange(1, 4)))
    return tuple(found)


def drawn_tables(draw: random.Random) -> list[bytes]:
    """What a controller sends: groups, then entries of three tables."""
    sent = [messages.encode_flow_mod(DELETE_ALL, 1)]
    sent.append(messages.encode_group_mod(GroupMod(2, 0, 0xFFFFFFFC, ()), 2))
    for group in (1, 2, 3):
        kind = draw.choice([0, 2, 3])
        watch = [draw.randrange(1, PORTS + 1) for _ in range(1 if kind == 2 else 2)]
        buckets = tuple(
            Bucket(drawn_actions(draw, False, False, False), 0, port if kind == 3 else Port.ANY)
            for port in watch
        )
        sent.append(messages.encode_group_mod(GroupMod(0, kind, group, buckets), len(sent) + 1))
    for table in (
        1,
        2,
    ):  # a miss there executes the action set in Open vSwitch, and drops by the standard
        miss = FlowMod(messages.ADD, table, 0, (), Instructions())
        sent.append(messages.encode_flow_mod(miss, len(sent) + 1))
    count = draw.randrange(4, 14)
    for priority in draw.sample(range(1, 40), count):  # which of equals wins is not defined
        table = draw.choice([0, 0, 0, 1, 2])
        match, ip, tagged = drawn_match(draw)
        if table and draw.random() < 0.4:
            match = tuple(sorted([*match, (oxm.METADATA, draw.randrange(2), 1)]))
        apply = drawn_actions(draw, ip, tagged, True)
        write = drawn_actions(draw, ip, False, True) if draw.random() < 0.3 else ()
        goto = draw.choice([-1, table + 1]) if table < 2 else -1
        metadata = (draw.randrange(2), 1) if goto > 0 and draw.random() < 0.5 else (0, 0)
        todo = Instructions(apply, write, draw.random() < 0.1, goto, metadata)
        mod = FlowMod(messages.ADD, table, priority, match, todo)
        sent.append(messages.encode_flow_mod(mod, len(sent) + 1))
    return sent


def ours(switch: Switch, port: int, data: bytes) -> list[Copy]:
    result = switch.forwarding.process(entering(parse(data), port))
    found = []
    for out in result.outputs:
        h = out.headers
        found.append((out.port, h[oxm.ETH_SRC], h[oxm.ETH_DST], tags(h), h[oxm.IPV4_DST]))
        assert edited(parse(data), out.edits).headers[2:] == h[2:]  # headers and bytes go together
    return sorted(found)


def tags(headers: Headers) -> tuple[int, ...]:
    """The numbers of a packet's tags, the outer one last."""
    vid, inner, found = headers[oxm.VLAN_VID], headers[oxm.INNER], list[int]()
    while vid:
        found.append(vid & 0xFFF)
        vid, _, inner = oxm.popped(inner)
    return tuple(reversed(found))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenVSwitch]:
    made = OpenVSwitch(tmp_path_factory.mktemp("ovs"), PORTS)
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(1, 6))
def test_500_cases_are_forwarded_as_open_vswitch_does(oracle: OpenVSwitch, seed: int) -> None:
    draw, cases, left, deep, beyond = random.Random(seed), 0, 0, 0, 0
    refusals, sent_in_all, number = 0, 0, 0
    while cases < CASES:
        number += 1
        sent = drawn_tables(draw)
        refused = oracle.send(sent)
        switch = Switch(1, dict.fromkeys(range(1, PORTS + 1), True))
        for xid, message in enumerate(sent, 1):
            if xid in refused:
                continue
            answers = switch.message(message, 0, 0.0)
            errors = [a for a in answers if isinstance(a, ToChannel) and a.data[1] == Type.ERROR]
            assert errors == [], (number, xid, message.hex())
        refusals, sent_in_all = refusals + len(refused), sent_in_all + len(sent)
        for _ in range(PACKETS):
            port, src, dst = draw.randrange(1, PORTS + 1), *draw.sample([1, 2, 3], 2)
            vlan, service = draw.choice([0, 0, 0, 5, 6]), draw.choice([7, 9])
            ends = (src, 0x0A000000 | src), (dst, 0x0A000000 | dst)
            data = udp_frame(*ends, service, b"x", vlan)
            tag = f"dl_vlan={vlan}," if vlan else ""
            flow = (
                f"in_port={port},{tag}dl_src=00:00:00:00:00:{src:02x},"
                f"dl_dst=00:00:00:00:00:{dst:02x},dl_type=0x0800,nw_src=10.0.0.{src},"
                f"nw_dst=10.0.0.{dst},nw_proto=17,udp_src=1000,udp_dst={service}"
            )
            said = oracle.trace(flow)
            start = (port, src, dst, (vlan,) if vlan else (), 0x0A000000 | dst)
            theirs = [copy for copy in copies(said, start) if copy[0] <= PORTS]
            asked = any(copy[0] == CONTROLLER for copy in theirs)
            theirs = [copy for copy in theirs if copy[0] != CONTROLLER]
            mine = ours(switch, port, data)
            if any(len(copy[3]) > KNOWN_TAGS for copy in mine):
                beyond += 1
                continue
            assert mine == theirs, (number, flow, said)
            result = switch.forwarding.process(entering(parse(data), port))
            assert bool(result.controller) == asked, (number, flow, said)
            cases, left = cases + 1, left + len(theirs)
            deep += any(len(copy[3]) > 1 for copy in theirs)
    assert left > 300
    assert beyond < 100
    assert deep  # some packets left with two tags
    assert refusals < sent_in_all / 4

"""Our OpenFlow codec against os-ken's, and against bytes that nobody meant."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.sdn.network.switch import Switch, ToChannel
from targets.sdn.openflow import messages, oxm
from targets.sdn.openflow.actions import Instructions, decode_actions, encode_actions
from targets.sdn.openflow.messages import FlowMod, PacketOut
from targets.sdn.openflow.oxm import FIELDS, Match, decode_match, encode_match, make_match
from targets.sdn.openflow.readable import readable
from targets.sdn.openflow.wire import Malformed, Port, Type, pack, split, unpack

pytest.importorskip("os_ken", reason="os-ken is an extra")


class Datapath:
    """What os-ken's parser asks of a connection."""

    def __init__(self) -> None:
        from os_ken.ofproto import ofproto_v1_3, ofproto_v1_3_parser

        self.ofproto, self.ofproto_parser = ofproto_v1_3, ofproto_v1_3_parser
        self.id = 1

    def set_xid(self, msg: object) -> None:
        msg.xid = 7  # type: ignore[attr-defined]


def theirs(data: bytes) -> object:
    """The message as os-ken reads it."""
    from os_ken.ofproto import ofproto_parser

    version, kind, length, xid = struct.unpack_from("!BBHI", data)
    return ofproto_parser.msg(Datapath(), version, kind, length, xid, data)


@st.composite
def match_of(draw: st.DrawFn) -> Match:
    terms = []
    for index in sorted(draw(st.sets(st.integers(0, len(FIELDS) - 1), max_size=6))):
        full = oxm.full_mask(index)
        mask = full if FIELDS[index].name in _UNMASKED else draw(st.integers(1, full))
        terms.append((index, draw(st.integers(0, full)) & mask, mask))
    return tuple(terms)


_UNMASKED = {
    "in_port", "eth_type", "vlan_pcp", "ip_dscp", "ip_proto", "icmpv4_type", "icmpv4_code", "arp_op",
    "icmpv6_type", "icmpv6_code", "vlan_vid",
}  # fmt: skip
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("output"), st.integers(1, 0xFFFFFFFF), st.integers(0, 0xFFFF)),
        st.tuples(st.just("group"), st.integers(0, 100)),
        st.tuples(st.just("set"), st.just(oxm.ETH_DST), st.integers(0, (1 << 48) - 1)),
        st.tuples(st.just("push_vlan"), st.just(0x8100)),
        st.just(("pop_vlan",)),
    ),
    max_size=5,
).map(tuple)


@given(match_of())
def test_a_match_is_the_same_to_os_ken(match: Match) -> None:
    from os_ken.ofproto import ofproto_v1_3_parser as parser

    data = encode_match(match)
    assert decode_match(data, 0) == (match, len(data))
    read = parser.OFPMatch.parser(data, 0)
    out = bytearray()
    read.serialize(out, 0)
    assert decode_match(bytes(out), 0)[0] == match


@given(match_of(), ACTIONS, ACTIONS, st.integers(-1, 11), st.integers(0, 65535))
def test_a_flow_mod_of_os_ken_is_read_as_meant(
    match: Match, apply: tuple, write: tuple, goto: int, priority: int
) -> None:
    from os_ken.ofproto import ofproto_v1_3 as ofp
    from os_ken.ofproto import ofproto_v1_3_parser as parser

    def their(actions: tuple) -> list[object]:
        makers = {
            "output": lambda a: parser.OFPActionOutput(a[1], a[2]),
            "group": lambda a: parser.OFPActionGroup(a[1]),
            "set": lambda a: parser.OFPActionSetField(eth_dst=_mac(a[2])),
            "push_vlan": lambda a: parser.OFPActionPushVlan(a[1]),
            "pop_vlan": lambda a: parser.OFPActionPopVlan(),
        }
        return [makers[action[0]](action) for action in actions]

    todo = []
    if apply:
        todo.append(parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, their(apply)))
    if write:
        todo.append(parser.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS, their(write)))
    if goto >= 0:
        todo.append(parser.OFPInstructionGotoTable(goto))
    wanted = parser.OFPMatch.parser(encode_match(match), 0)
    message = parser.OFPFlowMod(
        Datapath(), priority=priority, match=wanted, instructions=todo, idle_timeout=3, table_id=2
    )
    message.serialize()
    mod = messages.decode_flow_mod(unpack(bytes(message.buf)))
    assert mod == FlowMod(
        messages.ADD, 2, priority, match, Instructions(apply, write, False, goto), idle=3,
        out_port=0, out_group=0,
    )  # fmt: skip
    again = messages.decode_flow_mod(unpack(messages.encode_flow_mod(mod)))
    assert again == mod


def _mac(value: int) -> str:
    return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))


@given(ACTIONS)
def test_actions_come_back(actions: tuple) -> None:
    data = encode_actions(actions)
    assert decode_actions(data, 0, len(data)) == actions


def test_what_a_switch_says_is_read_by_os_ken() -> None:
    switch = Switch(5, {1: True, 2: False})
    features = theirs(messages.features_reply(5, 12, 9))
    assert (features.datapath_id, features.n_tables, features.xid) == (5, 12, 9)
    match = make_match(in_port=3)
    seen = theirs(messages.packet_in(b"x" * 20, match, reason=1, table=4, cookie=77))
    assert (seen.match["in_port"], seen.table_id, seen.cookie, seen.data) == (3, 4, 77, b"x" * 20)
    status = theirs(messages.port_status(switch.info(2, False), messages.PORT_MODIFIED))
    assert (status.desc.port_no, status.desc.state, status.reason) == (2, 1, 2)
    mod = FlowMod(messages.ADD, 1, 9, make_match(eth_type=0x800), Instructions(), cookie=3, idle=5)
    gone = theirs(messages.flow_removed(mod, messages.IDLE, 5.5, 2))
    assert (gone.cookie, gone.duration_sec, gone.idle_timeout, gone.table_id) == (3, 5, 5, 1)
    assert gone.match["eth_type"] == 0x800


@pytest.mark.parametrize("part", [0, 1, 2, 3, 4, 7, 13])
def test_multipart_replies_are_read_by_os_ken(part: int) -> None:
    switch = Switch(5, {1: True, 2: False})
    mod = FlowMod(messages.ADD, 0, 9, make_match(in_port=1), Instructions((("output", 2, 0),)))
    switch.message(messages.encode_flow_mod(mod), 0, 0.0)
    body = {1: b"\xff" + bytes(39), 2: b"\xff" + bytes(39), 4: b"\xff\xff\xff\xff\0\0\0\0"}
    request = pack(Type.MULTIPART_REQUEST, struct.pack("!HH4x", part, 0) + body.get(part, b""), 4)
    (effect,) = switch.message(request, 0, 1.0)
    assert isinstance(effect, ToChannel)
    reply = theirs(effect.data)
    assert (reply.type, reply.xid) == (part, 4)
    found = {0: 1, 1: 1, 2: 1, 3: 12, 4: 2, 7: 0, 13: 2}[part]
    assert (1 if part in (0, 2) else len(reply.body)) == found


@given(st.binary(max_size=200))
def test_random_bytes_are_answered_not_obeyed(data: bytes) -> None:
    switch = Switch(1, {1: True})
    for effect in switch.message(data, 0, 0.0):
        assert isinstance(effect, ToChannel)
        assert len(effect.data) >= 8
    assert isinstance(readable(data), dict)


VALID = [
    messages.encode_flow_mod(
        FlowMod(
            messages.ADD, 0, 5, make_match(in_port=1, eth_dst=(4, 6)),
            Instructions((("set", oxm.ETH_SRC, 3), ("output", 2, 0)), (("group", 1),), True, 3, (1, 1)),
        )
    ),
    messages.encode_packet_out(PacketOut(1, (("output", int(Port.FLOOD), 0),), b"f" * 60)),
    messages.encode_group_mod(messages.GroupMod(0, 1, 2, (messages.Bucket((("output", 1, 0),)),))),
    pack(Type.MULTIPART_REQUEST, struct.pack("!HH4x", 13, 0)),
    pack(Type.ROLE_REQUEST, struct.pack("!I4xQ", 2, 1)),
]  # fmt: skip


@given(
    st.sampled_from(VALID),
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 255)), max_size=6),
)
def test_mutated_messages_never_break_a_switch(data: bytes, changes: list[tuple[int, int]]) -> None:
    broken = bytearray(data)
    for at, value in changes:
        broken[at % len(broken)] = value
    switch = Switch(1, {1: True, 2: True})
    switch.message(bytes(broken), 0, 0.0)
    assert isinstance(readable(bytes(broken)), dict)
    try:
        whole, rest = split(bytes(broken))
    except Malformed:
        return
    assert b"".join(whole) + rest == bytes(broken)


@given(st.lists(st.sampled_from(VALID), max_size=4), st.integers(1, 50))
def test_a_stream_is_cut_the_same_however_it_arrives(sent: list[bytes], size: int) -> None:
    stream = b"".join(sent)
    got, rest = [], b""
    for at in range(0, len(stream), size):
        whole, rest = split(rest + stream[at : at + size])
        got += whole
    assert (got, rest) == (sent, b"")

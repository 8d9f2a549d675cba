"""OXM: the match fields of OpenFlow 1.3, and what a packet is to a flow table.

The one insight: if a packet is a fixed tuple of numbers, one per field, a match is a few (index, value,
mask) triples and a lookup is a dictionary access; real packets and the header classes of the checker
take the same road.

A field that a packet does not have is ABSENT, which no match value equals.  Units: numbers as on the
wire, an untagged packet has vlan 0, a tagged one 0x1000 + vid.  (Specification 1.3.5, section 7.2.3.)
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from targets.sdn.openflow.wire import Malformed

ABSENT = -1
_BASIC = 0x8000
VLAN_PRESENT = 0x1000


class Field(NamedTuple):
    """One field.  number: of the OXM class OFPXMC_OPENFLOW_BASIC.  size: bytes on the wire."""

    name: str
    number: int
    size: int
    bits: int


FIELDS = (
    Field("in_port", 0, 4, 32),
    Field("metadata", 2, 8, 64),
    Field("eth_dst", 3, 6, 48),
    Field("eth_src", 4, 6, 48),
    Field("eth_type", 5, 2, 16),
    Field("vlan_vid", 6, 2, 13),
    Field("vlan_pcp", 7, 1, 3),
    Field("ip_dscp", 8, 1, 6),
    Field("ip_proto", 10, 1, 8),
    Field("ipv4_src", 11, 4, 32),
    Field("ipv4_dst", 12, 4, 32),
    Field("tcp_src", 13, 2, 16),
    Field("tcp_dst", 14, 2, 16),
    Field("udp_src", 15, 2, 16),
    Field("udp_dst", 16, 2, 16),
    Field("icmpv4_type", 19, 1, 8),
    Field("icmpv4_code", 20, 1, 8),
    Field("arp_op", 21, 2, 16),
    Field("arp_spa", 22, 4, 32),
    Field("arp_tpa", 23, 4, 32),
    Field("arp_sha", 24, 6, 48),
    Field("arp_tha", 25, 6, 48),
    Field("ipv6_src", 26, 16, 128),
    Field("ipv6_dst", 27, 16, 128),
    Field("icmpv6_type", 29, 1, 8),
    Field("icmpv6_code", 30, 1, 8),
    Field("ipv6_nd_target", 31, 16, 128),
)
INDEX = {field.name: i for i, field in enumerate(FIELDS)}
_BY_NUMBER = {field.number: i for i, field in enumerate(FIELDS)}
(
    IN_PORT, METADATA, ETH_DST, ETH_SRC, ETH_TYPE, VLAN_VID, VLAN_PCP, IP_DSCP, IP_PROTO, IPV4_SRC,
    IPV4_DST, TCP_SRC, TCP_DST, UDP_SRC, UDP_DST, ICMPV4_TYPE, ICMPV4_CODE, ARP_OP, ARP_SPA, ARP_TPA,
    ARP_SHA, ARP_THA, IPV6_SRC, IPV6_DST, ICMPV6_TYPE, ICMPV6_CODE, ND_TARGET,
) = range(len(FIELDS))  # fmt: skip

INNER = len(FIELDS)
"""Where headers keep the VLAN tags below the outer one, which no match sees: `TAG_BITS` each, the next one
lowest, 0 for none; those deeper than `DEEP` are forgotten, so that headers are a finite number."""
TAG_BITS, DEEP = 16, 2

Headers = tuple[int, ...]
"""One number per field of FIELDS, ABSENT where the packet has none; and the inner tags."""
NO_HEADERS: Headers = (ABSENT,) * (len(FIELDS) + 1)


def pushed(headers: Headers) -> int:
    """The inner tags when a tag is put in front of this packet's."""
    if headers[VLAN_VID] <= 0:
        return 0
    tag = 1 << 15 | max(headers[VLAN_PCP], 0) << 12 | headers[VLAN_VID] & 0xFFF
    return (headers[INNER] << TAG_BITS | tag) & ((1 << TAG_BITS * DEEP) - 1)


def popped(inner: int) -> tuple[int, int, int]:
    """(vlan_vid, vlan_pcp, inner tags) when the outer tag is taken away."""
    if inner <= 0:
        return 0, ABSENT, 0
    return VLAN_PRESENT | inner & 0xFFF, inner >> 12 & 7, inner >> TAG_BITS


Match = tuple[tuple[int, int, int], ...]
"""(field index, value, mask), by index; a mask of all ones for an exact match."""


def full_mask(index: int) -> int:
    """The mask of an exact match on a field."""
    return (1 << FIELDS[index].bits) - 1


def make_match(**wanted: int | tuple[int, int]) -> Match:
    """A match by names: `make_match(in_port=1, ipv4_dst=(0x0A000000, 0xFF000000))`."""
    terms = []
    for name, want in wanted.items():
        index = INDEX[name]
        value, mask = want if isinstance(want, tuple) else (want, full_mask(index))
        terms.append((index, value & mask, mask))
    return tuple(sorted(terms))


def matches(match: Match, headers: Headers) -> bool:
    """Does the packet match?  The slow definition that the fast tables are tested against."""
    return all(
        headers[index] != ABSENT and headers[index] & mask == value for index, value, mask in match
    )


def encode_field(index: int, value: int, mask: int | None = None) -> bytes:
    """One OXM TLV."""
    field = FIELDS[index]
    masked = mask is not None and mask != full_mask(index)
    head = struct.pack(
        "!HBB", _BASIC, field.number << 1 | masked, field.size * (2 if masked else 1)
    )
    body = value.to_bytes(field.size, "big")
    return head + body + (mask.to_bytes(field.size, "big") if masked and mask is not None else b"")


def decode_field(data: bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """(index, value, mask, offset after it) of the TLV at `at`.  Raises Malformed."""
    if end - at < 4:
        raise Malformed("a match field is cut short", (4, 1))  # BAD_MATCH, BAD_LEN
    kind, what, length = struct.unpack_from("!HBB", data, at)
    at += 4
    number, masked = what >> 1, what & 1
    if kind != _BASIC or number not in _BY_NUMBER:
        raise Malformed(f"match field {kind:#x}/{number} is not known here", (4, 6))  # BAD_FIELD
    index = _BY_NUMBER[number]
    size = FIELDS[index].size
    if length != size * (1 + masked) or end - at < length:
        raise Malformed(f"{FIELDS[index].name} has {length} bytes", (4, 1))
    value = int.from_bytes(data[at : at + size], "big")
    full = full_mask(index)
    mask = int.from_bytes(data[at + size : at + 2 * size], "big") & full if masked else full
    if value & ~full:
        raise Malformed(f"{FIELDS[index].name} has no value {value:#x}", (4, 7))  # BAD_VALUE
    if value & ~mask:
        raise Malformed(f"{FIELDS[index].name} has bits outside its mask", (4, 8))  # BAD_WILDCARDS
    return index, value, mask, at + length


def encode_match(match: Match) -> bytes:
    """An ofp_match with its padding."""
    body = b"".join(encode_field(index, value, mask) for index, value, mask in match)
    length = 4 + len(body)
    return struct.pack("!HH", 1, length) + body + bytes(-length % 8)


def decode_match(data: bytes, at: int) -> tuple[Match, int]:
    """The ofp_match at `at`, and the offset after its padding.  Raises Malformed."""
    if len(data) - at < 8:
        raise Malformed("a match is cut short", (4, 1))
    kind, length = struct.unpack_from("!HH", data, at)
    end = at + length
    if kind != 1:
        raise Malformed(f"match type {kind} is not OXM", (4, 0))
    if length < 4 or end > len(data):
        raise Malformed(f"a match of {length} bytes", (4, 1))
    terms: dict[int, tuple[int, int, int]] = {}
    offset = at + 4
    while offset < end:
        index, value, mask, offset = decode_field(data, offset, end)
        if index in terms:
            raise Malformed(f"{FIELDS[index].name} appears twice", (4, 10))  # DUP_FIELD
        if mask:
            terms[index] = (index, value, mask)
    return tuple([terms[index] for index in sorted(terms)]), end + (-length % 8)

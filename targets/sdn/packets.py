"""Packets: Ethernet frames as bytes and as header tuples, and the few that hosts send.

The one insight: a frame is parsed once, where it enters the network; from there its headers and its
bytes travel together, and only a rewrite makes new bytes.

Parsed: Ethernet, VLAN tags, ARP, IPv4, IPv6, TCP, UDP, ICMP.  Never raises: a frame that is cut short
has fewer headers.  Not here: what a switch does with it (`network/pipeline.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from targets.sdn.openflow import oxm
from targets.sdn.openflow.oxm import ABSENT, NO_HEADERS, VLAN_PRESENT, Headers

BROADCAST = 0xFFFFFFFFFFFF
LLDP_GROUPS = frozenset((0x0180C200000E, 0x0180C2000003, 0x0180C2000000))
ARP, IPV4, IPV6, VLAN, LLDP = 0x0806, 0x0800, 0x86DD, 0x8100, 0x88CC
TAGS = frozenset((VLAN, 0x88A8))  # of customers and of providers
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
ARP_REQUEST, ARP_REPLY = 1, 2


class Packet(NamedTuple):
    """A packet in the network: its headers without in_port and metadata, and its bytes."""

    headers: Headers
    data: bytes


@lru_cache(maxsize=4096)
def parse(data: bytes) -> Packet:
    """The headers of a frame."""
    h = list(NO_HEADERS)
    if len(data) < 14:
        return Packet(tuple(h), data)
    h[oxm.ETH_DST] = int.from_bytes(data[0:6], "big")
    h[oxm.ETH_SRC] = int.from_bytes(data[6:12], "big")
    kind, at = (data[12] << 8) | data[13], 14
    h[oxm.VLAN_VID], tags = 0, []
    while kind in TAGS and len(data) >= at + 4:
        tag, kind = struct.unpack_from("!HH", data, at)
        tags.append(1 << 15 | tag >> 13 << 12 | tag & 0xFFF)
        at += 4
    h[oxm.INNER] = sum(
        tag << oxm.TAG_BITS * depth for depth, tag in enumerate(tags[1 : 1 + oxm.DEEP])
    )
    if tags:
        h[oxm.VLAN_VID], h[oxm.VLAN_PCP] = VLAN_PRESENT | tags[0] & 0xFFF, tags[0] >> 12 & 7
    h[oxm.ETH_TYPE] = kind
    if kind == ARP and len(data) >= at + 28:
        _arp(h, data, at)
    elif kind == IPV4 and len(data) >= at + 20:
        h[oxm.IP_DSCP], h[oxm.IP_PROTO] = data[at + 1] >> 2, data[at + 9]
        h[oxm.IPV4_SRC], h[oxm.IPV4_DST] = struct.unpack_from("!II", data, at + 12)
        if not (data[at + 6] & 0x1F or data[at + 7]):  # a later fragment has no ports
            _transport(h, data, at + (data[at] & 15) * 4)
    elif kind == IPV6 and len(data) >= at + 40:
        h[oxm.IP_PROTO] = data[at + 6]
        h[oxm.IPV6_SRC] = int.from_bytes(data[at + 8 : at + 24], "big")
        h[oxm.IPV6_DST] = int.from_bytes(data[at + 24 : at + 40], "big")
        _transport(h, data, at + 40)
    return Packet(tuple(h), data)


def _arp(h: list[int], data: bytes, at: int) -> None:
    h[oxm.ARP_OP] = struct.unpack_from("!H", data, at + 6)[0]
    h[oxm.ARP_SHA] = int.from_bytes(data[at + 8 : at + 14], "big")
    h[oxm.ARP_SPA] = int.from_bytes(data[at + 14 : at + 18], "big")
    h[oxm.ARP_THA] = int.from_bytes(data[at + 18 : at + 24], "big")
    h[oxm.ARP_TPA] = int.from_bytes(data[at + 24 : at + 28], "big")


def _transport(h: list[int], data: bytes, at: int) -> None:
    if len(data) < at + 4:
        return
    first, second = struct.unpack_from("!HH", data, at)
    if h[oxm.IP_PROTO] == TCP:
        h[oxm.TCP_SRC], h[oxm.TCP_DST] = first, second
    elif h[oxm.IP_PROTO] == UDP:
        h[oxm.UDP_SRC], h[oxm.UDP_DST] = first, second
    elif h[oxm.IP_PROTO] == ICMP:
        h[oxm.ICMPV4_TYPE], h[oxm.ICMPV4_CODE] = data[at], data[at + 1]
    elif h[oxm.IP_PROTO] == ICMPV6:
        h[oxm.ICMPV6_TYPE], h[oxm.ICMPV6_CODE] = data[at], data[at + 1]
        if data[at] in (135, 136) and len(data) >= at + 24:
            h[oxm.ND_TARGET] = int.from_bytes(data[at + 8 : at + 24], "big")


def push_vlan(data: bytes, ethertype: int) -> bytes:
    """A tag in front of what was there, vid and priority of the outer tag copied."""
    vid = data[14:16] if _tagged(data) else b"\0\0"
    return data[:12] + struct.pack("!H", ethertype) + vid + data[12:]


def pop_vlan(data: bytes) -> bytes:
    """Without the outer tag."""
    return data[:12] + data[16:] if _tagged(data) else data


def _tagged(data: bytes | bytearray, at: int = 12) -> bool:
    return len(data) >= at + 6 and (data[at] << 8 | data[at + 1]) in TAGS


def set_field(packet: Packet, index: int, value: int) -> Packet:
    """The packet with one header rewritten, in its bytes too; unchanged when it has no such header."""
    if index >= len(packet.headers) or (packet.headers[index] == ABSENT and index != oxm.VLAN_PCP):
        return packet
    data = bytearray(packet.data)
    at = 14
    while _tagged(data, at - 2):
        at += 4
    if index in (oxm.VLAN_VID, oxm.VLAN_PCP):
        if at == 14:
            return packet
        tag = int(struct.unpack_from("!H", data, 14)[0])
        tag = tag & 0xF000 | value & 0xFFF if index == oxm.VLAN_VID else tag & 0x1FFF | value << 13
        struct.pack_into("!H", data, 14, tag)
        return parse(bytes(data))
    where = _places(data, at).get(index)
    if where is None:
        return packet
    size = oxm.FIELDS[index].size
    data[where : where + size] = value.to_bytes(size, "big")
    if index in (oxm.IPV4_SRC, oxm.IPV4_DST):
        _checksum(data, at)
    return parse(bytes(data))


def _places(data: bytearray, at: int) -> dict[int, int]:
    """Byte offsets of the headers that may be rewritten."""
    four = at + (data[at] & 15) * 4 if len(data) > at else at
    return {
        oxm.ETH_DST: 0, oxm.ETH_SRC: 6, oxm.ETH_TYPE: at - 2, oxm.IPV4_SRC: at + 12,
        oxm.IPV4_DST: at + 16, oxm.ARP_OP: at + 6, oxm.ARP_SHA: at + 8, oxm.ARP_SPA: at + 14,
        oxm.ARP_THA: at + 18, oxm.ARP_TPA: at + 24, oxm.TCP_SRC: four, oxm.TCP_DST: four + 2,
        oxm.UDP_SRC: four, oxm.UDP_DST: four + 2, oxm.ICMPV4_TYPE: four, oxm.ICMPV4_CODE: four + 1,
        oxm.IPV6_SRC: at + 8, oxm.IPV6_DST: at + 24,
    }  # fmt: skip


def _checksum(data: bytearray, at: int) -> None:
    data[at + 10 : at + 12] = b"\0\0"
    words = struct.unpack_from("!10H", data, at)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into("!H", data, at + 10, ~(total + (total >> 16)) & 0xFFFF)


def udp_frame(
    src: tuple[int, int], dst: tuple[int, int], port: int, payload: bytes, vlan: int = 0
) -> bytes:
    """A datagram between two (mac, ipv4) ends to a UDP port."""
    ip = struct.pack("!BBHHHBBHII", 0x45, 0, 28 + len(payload), 0, 0, 64, UDP, 0, src[1], dst[1])
    packet = bytearray(ip)
    _checksum(packet, 0)
    udp = struct.pack("!HHHH", 1000, port, 8 + len(payload), 0)
    return _ether(dst[0], src[0], IPV4, vlan) + bytes(packet) + udp + payload


def arp_frame(op: int, src: tuple[int, int], dst: tuple[int, int], vlan: int = 0) -> bytes:
    """A request (to everybody) or a reply; dst = (mac, ipv4), mac 0 when it is asked for."""
    to = dst[0] if op == ARP_REPLY else BROADCAST
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, op)
    body += src[0].to_bytes(6, "big") + src[1].to_bytes(4, "big")
    body += dst[0].to_bytes(6, "big") + dst[1].to_bytes(4, "big")
    return _ether(to, src[0], ARP, vlan) + body


def _ether(dst: int, src: int, kind: int, vlan: int) -> bytes:
    tag = struct.pack("!HH", VLAN, vlan) if vlan else b""
    return dst.to_bytes(6, "big") + src.to_bytes(6, "big") + tag + struct.pack("!H", kind)


Hosts = Mapping[int, str]
"""Address -> name."""
NO_NAMES: Hosts = {}


def mac_name(mac: int, hosts: Hosts = NO_NAMES) -> str:
    """The name of a host, `h3` for what else may be a simulated one, `all`, `lldp`, or the address."""
    if mac in hosts:
        return hosts[mac]
    if mac == BROADCAST:
        return "all"
    if mac in LLDP_GROUPS:
        return "lldp"
    if 0 < mac < 1000:
        return f"h{mac}"
    return ":".join(f"{byte:02x}" for byte in mac.to_bytes(6, "big"))


def brief_frame(data: bytes, hosts: Hosts = NO_NAMES) -> str:
    """`udp h1>h3`, `arp h1>all`: who says what kind of thing to whom."""
    h = parse(data).headers
    if h[oxm.ETH_DST] == ABSENT:
        return f"{len(data)} bytes"
    kinds = {ARP: "arp", IPV4: "ip", IPV6: "ip6", LLDP: "lldp"}
    word = kinds.get(h[oxm.ETH_TYPE], f"{h[oxm.ETH_TYPE]:#x}")
    if h[oxm.IP_PROTO] in (TCP, UDP):
        word = "tcp" if h[oxm.IP_PROTO] == TCP else "udp"
    if word == "lldp":
        return "lldp"
    tag = f" vlan {h[oxm.VLAN_VID] & 0xFFF}" if h[oxm.VLAN_VID] else ""
    return f"{word} {mac_name(h[oxm.ETH_SRC], hosts)}>{mac_name(h[oxm.ETH_DST], hosts)}{tag}"

"""Small applications written to a directory, for controllers under test."""

from __future__ import annotations

from pathlib import Path

BARRIER = """
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3


class Barrier(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def features(self, event):
        datapath = event.msg.datapath
        datapath.send_msg(datapath.ofproto_parser.OFPBarrierRequest(datapath))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet(self, event):
        {packet}
"""

WAITS = (
    BARRIER.format(packet="pass")
    + """
    def start(self):
        super().start()
        self.woken = 0
        return hub.spawn(self.loop)

    def loop(self):
        event = hub.Event()
        while True:
            event.wait(0.5)
            self.woken += 1
"""
)


def app(directory: Path, name: str, text: str) -> Path:
    """An application's file."""
    path = directory / f"{name}.py"
    path.write_text(text)
    return path


HELLO = bytes.fromhex("0400000800000001")


def features(dpid: int, xid: bytes) -> bytes:
    return (
        bytes.fromhex("04060020")
        + xid
        + dpid.to_bytes(8, "big")
        + bytes.fromhex("00000100fe")
        + bytes(11)
    )


def packet_in() -> bytes:
    match = bytes.fromhex("0001000c8000000400000001") + bytes(4)
    body = bytes.fromhex("ffffffff000000000000000000000000") + match + bytes(2) + b"frame"
    return bytes.fromhex("040a") + (8 + len(body)).to_bytes(2, "big") + bytes(4) + body


def messages(parts: list[tuple[int, bytes]]) -> list[tuple[int, int, bytes]]:
    """(dpid, type, message) of collected bytes; messages cut."""
    found = []
    for dpid, data in parts:
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at + 2 : at + 4], "big")
            found.append((dpid, data[at + 1], data[at : at + size]))
            at += size
    return found

"""A controller of a few lines on our own codec: a learning switch that may forget to forget.

It is what the network is tested with where no framework is wanted; `Controller` in
`targets/sdn/controllers/interface.py` is its shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from targets.sdn.controllers.interface import Trouble
from targets.sdn.openflow import messages, oxm
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import FlowMod, PacketOut
from targets.sdn.openflow.oxm import decode_match, make_match
from targets.sdn.openflow.wire import Port, Type, pack, split, unpack
from targets.sdn.packets import parse

_TO_CONTROLLER = Instructions((("output", int(Port.CONTROLLER), 0xFFFF),))
_MISS = FlowMod(messages.ADD, 0, 0, (), _TO_CONTROLLER)


class Toy:
    """careful: entries are deleted when a port loses its link.  idle: seconds an entry lives unused."""

    how = "in process"
    exact = True

    def __init__(self, name: str = "c1", *, careful: bool = False, idle: int = 0) -> None:
        self.name = name
        self.careful = careful
        self.idle = idle
        self.alive = False
        self.now = 0.0
        self.tick = 0.0  # seconds between echo requests; 0 for none
        self.out: list[tuple[int, bytes]] = []
        self.starts = 0

    def start(self, seed: int) -> None:
        self.alive, self.now, self.out = True, 0.0, []
        self.macs: dict[int, dict[int, int]] = {}
        self.inbox: list[tuple[int, bytes]] = []
        self.due = self.tick or None
        self.starts += 1

    def connect(self, dpid: int) -> bool:
        if not self.alive:
            return False
        self.macs[dpid] = {}
        self._say(dpid, pack(Type.HELLO))
        self._say(dpid, pack(Type.FEATURES_REQUEST))
        self._say(dpid, messages.encode_flow_mod(_MISS))
        return True

    def disconnect(self, dpid: int) -> None:
        self.macs.pop(dpid, None)

    def feed(self, dpid: int, data: bytes) -> None:
        if dpid in self.macs:
            self.inbox.append((dpid, data))

    def collect(self) -> list[tuple[int, bytes]]:
        said, self.out = self.out, []
        return said

    def closed(self) -> list[int]:
        return []

    def quiesce(self) -> None:
        inbox, self.inbox = self.inbox, []
        for dpid, data in inbox:
            for one in split(data)[0]:
                self._message(dpid, one)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        while self.due is not None and self.due <= self.now:
            self.due += self.tick
            for dpid in self.macs:
                self._say(dpid, pack(Type.ECHO_REQUEST, b"tick"))

    def deadline(self) -> float | None:
        return self.due

    def errors(self) -> list[Trouble]:
        return []

    def log(self) -> list[str]:
        return []

    def crash(self) -> None:
        self.alive = False
        self.macs.clear()
        self.due = None

    def restart(self) -> None:
        self.alive = True
        self.due = self.now + self.tick if self.tick else None

    def reload(self) -> None:
        for table in self.macs.values():
            table.clear()

    def memory(self) -> int:
        return sum(len(table) for table in self.macs.values())

    def apps(self) -> Mapping[str, Any]:
        return {}

    def close(self) -> None:
        self.alive = False

    def _say(self, dpid: int, data: bytes) -> None:
        self.out.append((dpid, data))

    def _message(self, dpid: int, data: bytes) -> None:
        message = unpack(data)
        if message.type == Type.PACKET_IN:
            self._packet_in(dpid, data)
        elif message.type == Type.PORT_STATUS and self.careful:
            for other, table in self.macs.items():
                table.clear()
                every = FlowMod(messages.DELETE, 0, 0, (), Instructions())
                self._say(other, messages.encode_flow_mod(every))
                self._say(other, messages.encode_flow_mod(_MISS))

    def _packet_in(self, dpid: int, data: bytes) -> None:
        match, at = decode_match(data, 24)
        frame = data[at + 2 :]
        headers = parse(frame).headers
        port = {index: value for index, value, _ in match}[oxm.IN_PORT]
        src, dst = headers[oxm.ETH_SRC], headers[oxm.ETH_DST]
        self.macs[dpid][src] = port
        to = self.macs[dpid].get(dst, int(Port.FLOOD))
        actions = (("output", to, 0xFFFF),)
        if to != Port.FLOOD:
            want = make_match(in_port=port, eth_dst=dst, eth_src=src)
            mod = FlowMod(messages.ADD, 0, 1, want, Instructions(actions), idle=self.idle)
            self._say(dpid, messages.encode_flow_mod(mod))
        self._say(dpid, messages.encode_packet_out(PacketOut(port, actions, frame)))

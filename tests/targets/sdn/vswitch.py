"""An Open vSwitch of our own, without a kernel, to ask what a real switch does.

The one insight: a packet_out to the tables is carried out before the barrier after it is answered, and the
dummy ports of Open vSwitch write what leaves them to files, so a question needs no waiting and no guess.

Not here: what is asked (`test_open_vswitch.py`).
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import (
    DELETE,
    TABLE_ALL,
    FlowMod,
    GroupMod,
    encode_flow_mod,
    encode_group_mod,
)
from targets.sdn.openflow.wire import HEADER, Port, Type, pack

PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
SECONDS = 20
ROUNDS_MAX = 1000


def missing() -> str:
    """Why there is no Open vSwitch here; empty when there is."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    gone = [name for name in PROGRAMS if shutil.which(name, path=places) is None]
    if gone or not SCHEMA.exists():
        return f"no {gone[0] if gone else SCHEMA}: apt-get install openvswitch-switch"
    return ""


class VSwitch:
    """One bridge with dummy ports 1 to n, and our OpenFlow connection to it."""

    def __init__(self, folder: Path, ports: int) -> None:
        self._files = {n: folder / f"p{n}.pcap" for n in range(1, ports + 1)}
        self._read = dict.fromkeys(self._files, 24)  # after the head of the file
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SECONDS)
        self._socket.connect(str(folder / "br0.mgmt"))
        self._xid = 0
        self._socket.sendall(pack(Type.HELLO, b"", 0))
        self._socket.sendall(pack(Type.SET_CONFIG, struct.pack("!HH", 0, 0xFFFF), 0))

    def program(self, groups: list[GroupMod], flows: list[FlowMod]) -> list[bytes]:
        """Fresh tables with these; returns the errors."""
        empty = [
            encode_flow_mod(FlowMod(DELETE, TABLE_ALL, 0, (), Instructions())),
            encode_group_mod(GroupMod(2, 0, Port.ALL, ())),
        ]
        told = [encode_group_mod(group) for group in groups]
        return self._ask([*empty, *told, *[encode_flow_mod(flow) for flow in flows]])[0]

    def send(
        self, packet_out: bytes, packet_ins_min: int
    ) -> tuple[list[bytes], list[bytes], list[tuple[int, bytes]]]:
        """(errors, frames to the controller, (port, frame) that left by a port, by port).

        packet_ins_min: how many PacketIns to wait for, as they are sent in a later round of its main loop;
        one too many is found by the next question.
        """
        errors, packet_ins = self._ask([packet_out])
        for _ in range(ROUNDS_MAX):
            if len(packet_ins) >= packet_ins_min:
                break
            packet_ins += self._ask([])[1]
        left = [(n, frame) for n in sorted(self._files) for frame in self._frames(n)]
        return errors, packet_ins, left

    def _ask(self, messages: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        self._xid += 1
        self._socket.sendall(b"".join([*messages, pack(Type.BARRIER_REQUEST, b"", self._xid)]))
        errors, packet_ins = [], []
        while True:
            kind, data = self._receive()
            if kind == Type.ERROR:
                errors.append(data)
            elif kind == Type.PACKET_IN:
                length = struct.unpack_from("!H", data, 12)[0]
                packet_ins.append(data[-length:])
            elif kind == Type.ECHO_REQUEST:
                self._socket.sendall(pack(Type.ECHO_REPLY, data[8:], 0))
            elif kind == Type.BARRIER_REPLY:
                return errors, packet_ins

    def _receive(self) -> tuple[int, bytes]:
        head = self._exactly(HEADER.size)
        _, kind, length, _ = HEADER.unpack(head)
        return kind, head + self._exactly(length - HEADER.size)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the switch hung up")
            data += more
        return data

    def _frames(self, port: int) -> Iterator[bytes]:
        with self._files[port].open("rb") as file:
            file.seek(self._read[port])
            while head := file.read(16):
                yield file.read(struct.unpack("<IIII", head)[2])
            self._read[port] = file.tell()

    def close(self) -> None:
        self._socket.close()


@contextmanager
def running(folder: Path, ports: int) -> Iterator[VSwitch]:
    """Daemons in a folder of their own, ended with the block."""
    where = {f"OVS_{name}DIR": str(folder) for name in ("RUN", "DB", "LOG", "SYSCONF")}
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    environment = {**os.environ, **where, "PATH": path}
    database, control = folder / "conf.db", f"unix:{folder}/db.sock"

    def call(*words: str) -> None:
        subprocess.run(words, env=environment, check=True, capture_output=True, timeout=SECONDS)

    call("ovsdb-tool", "create", str(database), str(SCHEMA))
    quiet = ["--detach", "--no-chdir", "--log-file", "--pidfile"]
    pids = [folder / "ovsdb-server.pid", folder / "ovs-vswitchd.pid"]
    try:
        call("ovsdb-server", str(database), f"--remote=p{control}", *quiet)
        call("ovs-vsctl", f"--db={control}", "--no-wait", "init")
        call("ovs-vswitchd", control, "--enable-dummy=override", "--disable-system", *quiet)
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"]
        words += ["fail-mode=secure", "protocols=OpenFlow13"]
        for n in range(1, ports + 1):
            words += ["--", "add-port", "br0", f"p{n}", "--", "set", "interface", f"p{n}"]
            words += ["type=dummy", f"ofport_request={n}", f"options:tx_pcap={folder}/p{n}.pcap"]
        call("ovs-vsctl", f"--db={control}", *words)
        switch = VSwitch(folder, ports)
        try:
            yield switch
        finally:
            switch.close()
    finally:
        for pid in reversed(pids):
            if pid.exists():
                subprocess.run(["kill", pid.read_text().strip()], check=False)

"""Open vSwitch with its dummy datapath, as an oracle: flow tables go in as bytes, packets as questions.

Nothing of the system is touched: database, sockets and logs are in one directory, and both daemons end
with it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from targets.sdn.openflow.wire import Type, pack, split

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS = ("ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl")
SECONDS = 30.0
Copy = tuple[int, int, int, tuple[int, ...], int]
"""Port, eth_src, eth_dst, vlan tags (the outer one last), ipv4_dst: one packet that leaves."""
CONTROLLER = 0


def missing() -> str:
    """Why there is no Open vSwitch here; "" when there is."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking or not SCHEMA.is_file():
        return "Open vSwitch is not installed (apt install openvswitch-switch): no " + ", ".join(
            lacking or [str(SCHEMA)]
        )
    return ""


class OpenVSwitch:
    """A bridge of `ports` ports."""

    def __init__(self, directory: Path, ports: int) -> None:
        self._dir = directory
        environ = {**os.environ, "OVS_RUNDIR": str(directory), "OVS_LOGDIR": str(directory)}
        database, db = directory / "conf.db", f"unix:{directory}/db.sock"
        self._daemons: list[Path] = []

        def run(*words: str) -> None:
            subprocess.run(words, check=True, env=environ, capture_output=True, timeout=SECONDS)

        def daemon(name: str, *words: str) -> None:
            pid = directory / f"{name}.pid"
            common = [f"--pidfile={pid}", f"--unixctl={directory}/{name}.ctl", "--no-chdir"]
            run(name, *words, *common, "--detach", f"--log-file={directory}/{name}.log")
            self._daemons.append(pid)

        run("ovsdb-tool", "create", str(database), str(SCHEMA))
        daemon("ovsdb-server", str(database), f"--remote=p{db}")
        run("ovs-vsctl", f"--db={db}", "--no-wait", "init")
        daemon("ovs-vswitchd", db, "--enable-dummy=override", "--disable-system")
        words = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy"]
        words += ["fail_mode=secure", "protocols=OpenFlow13"]
        for port in range(1, ports + 1):
            words += ["--", "add-port", "br0", f"p{port}", "--", "set", "Interface", f"p{port}"]
            words += ["type=dummy", f"ofport_request={port}"]
        run("ovs-vsctl", f"--db={db}", *words)
        self._flows = self._connected(directory / "br0.mgmt")
        self._flows.sendall(pack(Type.HELLO))
        self._ask = self._connected(directory / "ovs-vswitchd.ctl")
        self._rest = b""

    @staticmethod
    def _connected(path: Path) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(SECONDS)
        made.connect(str(path))
        return made

    def close(self) -> None:
        """End both daemons."""
        self._flows.close()
        self._ask.close()
        for pid in reversed(self._daemons):
            os.kill(int(pid.read_text()), 15)

    def send(self, messages: Sequence[bytes]) -> set[int]:
        """Messages with xids 1, 2...; those that were refused."""
        for message in messages:
            self._flows.sendall(message)
        self._flows.sendall(pack(Type.BARRIER_REQUEST, b"", 1_000_000))
        refused: set[int] = set()
        while True:
            whole, self._rest = split(self._rest + self._flows.recv(1 << 16))
            for answer in whole:
                xid = int.from_bytes(answer[4:8], "big")
                if answer[1] == Type.ERROR:
                    refused.add(xid)
                elif answer[1] == Type.BARRIER_REPLY:
                    return refused
                elif answer[1] == Type.ECHO_REQUEST:
                    self._flows.sendall(pack(Type.ECHO_REPLY, answer[8:], xid))

    def trace(self, flow: str) -> str:
        """What the datapath would do with a packet, as `ofproto/trace` says."""
        question = {"id": 0, "method": "ofproto/trace", "params": ["br0", flow]}
        self._ask.sendall(json.dumps(question).encode())
        data = b""
        while True:
            data += self._ask.recv(1 << 16)
            try:
                answer: dict[str, Any] = json.loads(data)
            except ValueError:
                continue
            assert answer.get("error") is None, (flow, answer["error"])
            return str(answer["result"])


def copies(trace: str, start: Copy) -> list[Copy]:
    """The packets that leave, from the datapath actions of a trace."""
    (actions,) = re.findall(r"^Datapath actions: (.*)$", trace, re.MULTILINE)
    _, src, dst, first, ip = start
    tags = list(first)
    found: list[Copy] = []
    for action in re.findall(r"[^,()]+(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?", actions):
        name = action.partition("(")[0]
        if name.isdigit() or name == "userspace":
            port = int(name) if name.isdigit() else CONTROLLER
            found.append((port, src, dst, tuple(tags), ip))
        elif name == "pop_vlan":
            tags.pop()
        elif name == "push_vlan":
            tags.append(int(re.findall(r"vid=(\d+)", action)[0]))
        elif name == "set":
            for field, text in re.findall(r"(src|dst)=([0-9a-f:.]+)", action):
                if "ipv4(" in action:
                    ip = int.from_bytes(socket.inet_aton(text), "big") if field == "dst" else ip
                elif field == "src":
                    src = int(text.replace(":", ""), 16)
                else:
                    dst = int(text.replace(":", ""), 16)
        else:
            assert name == "drop", (action, actions)
    return sorted(found)

"""Controllers that die, hang, spin, flood or talk nonsense: an error or an event that says what and where.

The same program on plain sockets, held in process and as a child process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.errors import TargetError
from demi.events import External, Kind
from demi.interpose.threads.program import Program
from demi.oracle import check_all, memories
from targets.sdn.check.invariants import Storm, pair_invariants
from targets.sdn.check.policy import Policy
from targets.sdn.controllers.black_box import BlackBox
from targets.sdn.controllers.in_process import InProcess
from targets.sdn.controllers.interface import Controller
from targets.sdn.network.topology import find_topology
from targets.sdn.world import NetworkWorld
from tests.targets.sdn.test_openflow import VALID
from tests.targets.sdn.toy_controller import Toy

SERVER = """
import ctypes, os, socket, sys, threading, time
HELLO, ECHO = bytes.fromhex("0400000800000001"), bytes.fromhex("0402000800000002")
def serve(port):
    s = socket.socket()
    s.bind(("127.0.0.1", port))
    s.listen(50)
    while True:
        c, _ = s.accept()
        threading.Thread(target=talk, args=(c,), daemon=True).start()
def talk(c):
    if not c.recv(8):
        return  # somebody only looked whether we listen
    {body}
def main():
    serve(6653)
if __name__ == "__main__":
    serve(int(sys.argv[1]))
"""
Hold = Callable[[Path], Controller]


def held(path: Path) -> Controller:
    return InProcess("c1", Program(f"{path}:main"), 6653, wall=1.0)


def child(path: Path) -> Controller:
    return BlackBox("c1", [sys.executable, "-I", str(path), "{port}"], wall=3.0)


BOTH = pytest.mark.parametrize("hold", [held, child])


def world_of(tmp_path: Path, body: str, hold: Hold, *, handshake: bool = True) -> NetworkWorld:
    path = tmp_path / "server.py"
    path.write_text(SERVER.format(body=body))
    world = NetworkWorld(find_topology("line:2"), [hold(path)], handshake=handshake)
    world.reset(1)
    return world


def said(world: NetworkWorld) -> str:
    """What the first step says went wrong."""
    failure = world.current.failure
    assert failure is not None
    assert failure.node == "c1"
    return f"{failure.error}: {failure.message} [{failure.where}]"


def run(world: NetworkWorld, steps: int = 5000) -> str:
    """Oldest event first until something is wrong; its fingerprint, "" at rest."""
    invariants = [*pair_invariants(Policy(), False), Storm(400)]
    memory = memories(invariants)
    for step in range(steps):
        found = check_all(invariants, world.observe(), memory, step)
        if found is not None:
            return found.fingerprint
        if not world.enabled():
            return ""
        failure = world.take(world.enabled()[0]).failure
        if failure is not None:
            return f"crash/{failure.error}"
    return "still running"


@BOTH
def test_one_that_never_answers_leaves_a_network_that_loses_everything(
    tmp_path: Path, hold: Hold
) -> None:
    world = world_of(tmp_path, "threading.Event().wait()", hold)
    assert world.current.failure is None
    assert run(world) == "BlackHole/miss"
    world.close()


@BOTH
def test_one_that_dies_is_a_crash_of_it(tmp_path: Path, hold: Hold) -> None:
    world = world_of(tmp_path, "os._exit(3)", hold)
    assert said(world).startswith("died: ")
    assert not world.controllers[0].alive
    assert run(world) == ""
    world.close()


@BOTH
def test_nonsense_ends_the_channel_and_is_logged(tmp_path: Path, hold: Hold) -> None:
    world = world_of(tmp_path, "c.sendall(bytes(64)); c.recv(1)", hold)
    assert any("hangs up: " in line for line in world.current.log)
    assert world.current.failure is None
    assert not world.open
    world.close()


@BOTH
def test_one_that_writes_without_end_is_stopped(tmp_path: Path, hold: Hold) -> None:
    world = world_of(tmp_path, "\n    while True: c.sendall(HELLO * 4000)", hold)
    assert "without end" in said(world) or "wall budget" in said(world)
    assert said(world).startswith("stuck: ")
    world.close()


@BOTH
def test_one_that_spins_on_the_clock_is_stopped(tmp_path: Path, hold: Hold) -> None:
    world = world_of(tmp_path, "\n    while True: time.time()", hold)
    text = said(world)
    assert text.startswith("stuck: ")
    if hold is held:
        assert "spins on the clock; wait with a timeout" in text
        assert "server.talk" in text
    else:
        assert "wall budget of 3 s" in text
        assert not world.controllers[0].alive
    world.close()


ENDLESS_CHAT = "\n    while c.sendall(ECHO) is None and c.recv(4096): pass"


@BOTH
def test_one_that_answers_every_answer_is_a_storm(tmp_path: Path, hold: Hold) -> None:
    with pytest.raises(TargetError, match="still talks after 20000 messages"):
        world_of(tmp_path, ENDLESS_CHAT, held)
    world = world_of(tmp_path, ENDLESS_CHAT, hold, handshake=False)
    if hold is held:
        assert run(world, 10_000) == "BroadcastStorm/control"
    world.close()


def test_calls_that_block_outside_of_python_are_set_aside(tmp_path: Path) -> None:
    world = world_of(tmp_path, "\n    while True: ctypes.CDLL(None).pause()", held)
    assert said(world).startswith("stuck: thread talk")
    assert "server.talk:" in said(world)
    assert "as a black box" in said(world)
    world.close()


def test_a_real_socket_is_refused_with_the_call_and_the_remedy(tmp_path: Path) -> None:
    real = "[k for k in object.__subclasses__() if k.__module__ == '_socket'][0]()"
    world = world_of(tmp_path, real, held)
    assert said(world).startswith("escape: a real socket escaped: socket(); ")
    assert "stand-in" in said(world)
    assert "server.talk:" in said(world)
    world.close()


def test_timers_without_end_do_not_hold_up_time(tmp_path: Path) -> None:
    world = world_of(tmp_path, "\n    while True: time.sleep(1e-6)", held)
    controller = world.controllers[0]
    controller.advance(3600.0)
    (trouble,) = controller.errors()
    assert (trouble.kind, trouble.where) == ("stuck", "talk")
    assert "100000 timers" in trouble.text
    world.close()


def test_no_child_is_left(tmp_path: Path) -> None:
    before = psutil.Process().children(recursive=True)
    world = world_of(tmp_path, "threading.Event().wait()", child)
    world.reset(2)
    world.close()
    assert psutil.Process().children(recursive=True) == before


class Garbler(Toy):
    """Its first messages are these bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def connect(self, dpid: int) -> bool:
        done = super().connect(dpid)
        self.out.append((dpid, self._data))
        return done


@given(
    st.lists(st.sampled_from(VALID) | st.binary(max_size=80), max_size=3),
    st.lists(st.tuples(st.integers(0, 999), st.integers(0, 255)), max_size=4),
)
def test_no_bytes_of_a_controller_break_the_world(
    parts: list[bytes], changes: list[tuple[int, int]]
) -> None:
    data = bytearray(b"".join(parts))
    for at, value in changes:
        if data:
            data[at % len(data)] = value
    world = NetworkWorld(find_topology("line:2"), [Garbler(bytes(data))], handshake=False)
    world.reset(1)
    world.offer((External(Kind.INJECT, ("h1",), "send", {"to": "h2"}),))
    for _ in range(200):
        if not world.enabled():
            break
        event = world.enabled()[-1]
        world.label(event), world.payload(event), world.fingerprint(event)
        assert world.take(event).failure is None
    world.digest()
    for node in range(len(world.names)):
        world.observe().state(node)

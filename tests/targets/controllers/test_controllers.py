"""Controllers, in process and as a black box: one interface, and what happens when they fail."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demi.errors import TargetError
from demi.events import External, Kind, number
from demi.interpose.threads.watchdog import WallBudget
from targets.sdn.controllers.black_box import BlackBox
from targets.sdn.controllers.interface import Controller
from targets.sdn.controllers.osken import black_box, in_process
from targets.sdn.network.topology import find_topology
from targets.sdn.world import NetworkWorld
from tests.targets.controllers.apps import BARRIER, HELLO, WAITS, app, features, messages, packet_in

HELLO_TYPE, FEATURES_REQUEST, MULTIPART, BARRIER_TYPE = 0, 5, 18, 20


def handshake(controller: Controller, dpid: int) -> list[int]:
    """The types of what the controller sends to a switch that connects."""
    assert controller.connect(dpid)
    controller.feed(dpid, HELLO)
    controller.quiesce()
    first = messages(controller.collect())
    (xid,) = [data[4:8] for _, kind, data in first if kind == FEATURES_REQUEST]
    controller.feed(dpid, features(dpid, xid))
    controller.quiesce()
    return [kind for _, kind, _ in [*first, *messages(controller.collect())]]


@pytest.mark.parametrize("hold", [in_process, black_box])
def test_an_application_talks_to_a_switch(hold, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    controller = hold("c1", [app(tmp_path, "barrier_app", BARRIER.format(packet="pass"))])
    try:
        for _ in range(2):
            controller.start(1)
            assert controller.alive
            assert sorted(handshake(controller, 1)) == [
                HELLO_TYPE,
                FEATURES_REQUEST,
                MULTIPART,
                BARRIER_TYPE,
            ]
            assert sorted(handshake(controller, 2)) == [
                HELLO_TYPE,
                FEATURES_REQUEST,
                MULTIPART,
                BARRIER_TYPE,
            ]
            assert controller.errors() == []
            assert controller.memory() > 100
            controller.disconnect(1)
            controller.quiesce()
            controller.crash()
            assert not controller.alive
            assert not controller.connect(3)
            controller.restart()
            assert HELLO_TYPE in handshake(controller, 1)
    finally:
        controller.close()


def test_the_same_calls_give_the_same_bytes(tmp_path: Path) -> None:
    controller = in_process("c1", [app(tmp_path, "barrier_app", BARRIER.format(packet="pass"))])
    runs = []
    for seed in (1, 1, 2):
        controller.start(seed)
        controller.connect(1)
        controller.feed(1, HELLO)
        controller.quiesce()
        controller.advance(7.0)
        runs.append((controller.collect(), controller.now))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]  # transaction ids are drawn from the seed
    assert runs[0][1] == 7.0


def test_an_exception_of_a_handler_surfaces_with_its_place(tmp_path: Path) -> None:
    controller = in_process(
        "c1", [app(tmp_path, "raises_app", BARRIER.format(packet="event.msg.nothing"))]
    )
    controller.start(1)
    handshake(controller, 1)
    controller.feed(1, bytes.fromhex("0413001000000000000d000000000000"))  # port descriptions: none
    controller.quiesce()
    controller.feed(1, packet_in())
    controller.quiesce()
    (trouble,) = controller.errors()  # os-ken's native hub swallows it, and the application is deaf
    assert trouble.kind == "exception"
    assert trouble.text == "AttributeError: 'OFPPacketIn' object has no attribute 'nothing'"
    assert trouble.where.startswith("Barrier.packet:")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("import socket, _socket; import importlib; socket.socket()", "", ""),
        ("import subprocess; subprocess.run(['true'])", "escape", "a real subprocess escaped"),
        ("open('/tmp/never-written-by-demi', 'w')", "escape", "a real file escaped"),
        ("import time; time.thread_time_missing()", "exception", "thread_time_missing"),
    ],
)
def test_what_escapes_is_named(body: str, kind: str, text: str, tmp_path: Path) -> None:
    controller = in_process("c1", [app(tmp_path, "escapes_app", BARRIER.format(packet=body))])
    controller.start(1)
    handshake(controller, 1)
    controller.feed(1, bytes.fromhex("0413001000000000000d000000000000"))
    controller.quiesce()
    controller.feed(1, packet_in())
    controller.quiesce()
    found = controller.errors()
    assert not Path("/tmp/never-written-by-demi").exists()
    if kind:
        (one,) = [trouble for trouble in found if trouble.kind == kind]
        assert text in one.text
        assert kind != "escape" or one.where
    else:
        assert found == []


def test_a_handler_that_never_ends_is_set_aside(tmp_path: Path) -> None:
    text = BARRIER.format(packet="\n        while True: pass")
    controller = in_process("c1", [app(tmp_path, "loops_app", text)])
    controller.start(1)
    handshake(controller, 1)
    controller.feed(1, bytes.fromhex("0413001000000000000d000000000000"))
    controller.quiesce()
    controller._budget = WallBudget(0.2)  # from here on: a busy machine may need longer to start it
    controller.feed(1, packet_in())
    controller.quiesce()
    (trouble,) = controller.errors()
    assert trouble.kind == "stuck"
    assert "loops_app.Barrier.packet" in trouble.text


def test_a_wait_with_a_timeout_of_the_native_hub_never_ends(tmp_path: Path) -> None:
    """No input but time: `hub.Event.wait(0.5)` is still waiting after a minute."""
    controller = in_process("c1", [app(tmp_path, "waits_app", WAITS)])
    controller.start(1)
    controller.advance(60.0)
    assert controller.now == 60.0
    assert controller.apps()["Barrier"].woken == 0


def test_applications_that_do_not_start_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="no application"):
        in_process("c1", [tmp_path / "nothing.py"])
    with pytest.raises(TargetError, match="ModuleNotFoundError"):
        in_process("c1", [app(tmp_path, "imports_app", "import no_such_module")])
    with pytest.raises(TargetError, match="does not listen"):
        in_process("c1", [app(tmp_path, "empty_app", "")]).start(1)


def child(name: str, code: str, **options: float) -> BlackBox:
    return BlackBox(name, [sys.executable, "-c", code, "{port}"], **options)  # type: ignore[arg-type]


def test_a_child_that_does_not_start_is_shown_with_its_output() -> None:
    with pytest.raises(TargetError, match="ended with code 3") as caught:
        child("c1", "print('no licence'); raise SystemExit(3)").start(0)
    assert "no licence" in caught.value.remedy
    with pytest.raises(TargetError, match="cannot be started"):
        BlackBox("c1", ["/no/such/controller"]).start(0)


def gone(pid: int) -> bool:
    """Does this process run no more?  (An orphan may stay as a zombie.)"""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


MUTE = """
import socket, subprocess, threading
p = subprocess.Popen(["sleep", "60"], start_new_session=True)
s = socket.create_server(("127.0.0.1", 0))
print("listening somewhere else", p.pid, flush=True)
threading.Event().wait()
"""


def test_a_child_that_never_listens_is_shown_with_its_output_and_its_tree_is_gone() -> None:
    before = psutil.Process().children(recursive=True)
    controller = child("c1", MUTE, start=1.5)
    with pytest.raises(
        TargetError, match=r"c1 did not listen on 127\.0\.0\.1:\d+ in 1\.5 s"
    ) as caught:
        controller.start(0)
    words, _, pid = caught.value.remedy.rpartition(" ")
    assert words == "its output: listening somewhere else"
    assert caught.value.where.startswith(sys.executable)
    assert not controller.alive
    assert not controller.connect(1)
    controller.close()
    assert psutil.Process().children(recursive=True) == before
    assert gone(int(pid))


def test_a_network_whose_controller_never_listens_does_not_start_and_may_be_tried_again() -> None:
    world = NetworkWorld(find_topology("line:2"), [child("c1", MUTE, start=0.1)])
    for seed in range(2):
        with pytest.raises(TargetError, match="did not listen"):
            world.reset(seed)
    world.close()


LISTEN = (
    "import socket, sys, subprocess; s = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
)


ONCE = """
import pathlib, sys
mark = pathlib.Path({mark!r})
if mark.exists():
    print("the store is locked")
    raise SystemExit(4)
mark.touch()
"""


def test_a_child_that_does_not_start_again_is_an_event_of_the_run(tmp_path: Path) -> None:
    code = ONCE.format(mark=str(tmp_path / "mark")) + LISTEN + "s.accept(); s.accept()"
    controller = child("c1", code)
    controller.start(0)
    controller.crash()
    controller.restart()
    (trouble,) = controller.errors()
    assert (trouble.kind, trouble.text) == (
        "start", "the controller c1 ended with code 4, when started again",
    )  # fmt: skip
    assert "the store is locked" in trouble.remedy
    assert not controller.alive
    controller.close()


def test_a_network_tells_that_its_controller_did_not_start_again(tmp_path: Path) -> None:
    code = ONCE.format(mark=str(tmp_path / "mark")) + LISTEN + "k = [s.accept() for _ in range(99)]"
    world = NetworkWorld(find_topology("line:2"), [child("c1", code)])
    world.reset(0)
    ends = (External(Kind.CRASH, ("c1",)), External(Kind.RESTART, ("c1",)))
    crash, restart = world.offer(number(ends))
    assert world.take(crash).failure is None
    failure = world.take(restart).failure
    world.close()
    assert failure is not None
    assert (failure.node, failure.error) == ("c1", "start")
    assert "ended with code 4" in failure.message


def test_a_child_that_dies_is_reported_and_its_tree_is_gone() -> None:
    code = (
        LISTEN
        + "p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); s.accept(); s.accept()"
    )
    controller = child("c1", code)
    controller.start(0)
    (pid,) = [int(line) for line in controller.log()]
    assert psutil.pid_exists(pid)
    assert controller.connect(1)
    controller.advance(0.05)
    for _ in range(100):
        if not controller.alive:
            break
        controller.advance(0.02)
    controller.close()
    assert gone(pid)


def test_a_child_that_never_rests_is_ended_by_its_wall_budget() -> None:
    controller = child("c1", LISTEN + "\nwhile True: pass", wall=0.5)
    controller.start(0)
    controller.quiesce()
    assert [trouble.kind for trouble in controller.errors()] == ["stuck"]
    assert not controller.alive


KILLED = """
import os, signal, sys
from targets.sdn.controllers.black_box import BlackBox
controller = BlackBox("c1", [sys.executable, "-c", {code!r}, "{{port}}"])
controller.start(0)
print(controller.log()[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_when_this_process_is_killed() -> None:
    code = LISTEN + "p = subprocess.Popen(['sleep', '60'], start_new_session=True);"
    code += "import os; print(os.getpid(), p.pid, flush=True); s.accept(); s.accept()"
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(code=code)],
        check=False,
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    for pid in map(int, done.stdout.split()):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).wait(timeout=20)

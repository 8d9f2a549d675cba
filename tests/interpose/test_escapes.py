"""Real things that a held program reaches are stopped and named by call site."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest

from demi.interpose.early import real_names, too_early
from demi.interpose.escapes import Guard, guarded, unguarded
from demi.interpose.sites import EscapeError, MissingError
from demi.interpose.stand_in import StandIn, refused

HERE = "test_real_doors_are_shut"


def test_real_doors_are_shut(tmp_path: Path) -> None:
    guard = Guard()
    file = tmp_path / "read"
    file.write_text("x")
    doors = {
        "socket": socket.socket,
        "subprocess": lambda: subprocess.run([sys.executable, "-c", ""], check=False),
        "thread": lambda: threading.Thread(target=print).start(),
        "file": lambda: (tmp_path / "written").write_text("x"),
    }
    with guarded(guard):
        for kind, door in doors.items():
            with pytest.raises(EscapeError, match=f"a real {kind} escaped") as caught:
                door()
            assert caught.value.remedy
        assert file.read_text() == "x"
        with unguarded():
            socket.socket().close()
    socket.socket().close()
    assert [error.what.split()[2] for error in guard.seen] == list(doors)
    assert not (tmp_path / "written").exists()


def test_the_call_site_is_the_programs() -> None:
    def program() -> None:
        os.open("/dev/null", os.O_WRONLY)

    with guarded(Guard()), pytest.raises(EscapeError) as caught:
        program()
    assert caught.value.where.startswith(
        f"{__name__}.test_the_call_site_is_the_programs.<locals>.program:"
    )


def test_a_stand_in_is_loud_about_what_it_lacks() -> None:
    stand_in = StandIn("time", {"time": lambda: 1.0}, time, absent=["clock_settime"])
    assert stand_in.time() == 1.0
    assert stand_in.CLOCK_MONOTONIC == time.CLOCK_MONOTONIC  # a constant does nothing
    with pytest.raises(MissingError, match=r"time\.thread_time is not held") as caught:
        stand_in.thread_time()
    assert "test_a_stand_in_is_loud_about_what_it_lacks" in caught.value.where
    assert not hasattr(stand_in, "perf_counter")  # probing works...
    assert [error.what for error in stand_in.missed] == [
        "time.thread_time is not held",
        "time.perf_counter is not held",  # ...and is noted
    ]
    for name in ("clock_settime", "no_such_thing"):
        with pytest.raises(AttributeError) as plain:
            getattr(stand_in, name)
        assert not isinstance(plain.value, EscapeError)
    with pytest.raises(MissingError, match="refused: it encrypts"):
        refused("ssl", "it encrypts", "use plain sockets").wrap_socket()


def test_a_program_imported_too_early_is_named() -> None:
    program = types.ModuleType("program.part")
    program.clock, program.fine = time.monotonic, 3  # type: ignore[attr-defined]
    modules = {"program.part": program, "programme": program}
    found = real_names(modules, [time, time.monotonic], ["program"])
    assert found == [("program.part", "clock")]
    assert "program.part.clock are the real ones" in str(too_early("program", found))


class Leaves:
    """What something of ours does when it is collected."""

    def __init__(self, path: Path) -> None:
        self.path, self.itself = path, self

    def __del__(self) -> None:
        self.path.write_text("x")


def test_what_garbage_does_is_not_the_programs_doing(tmp_path: Path) -> None:
    gc.collect()
    Leaves(tmp_path / "left")
    with guarded(Guard()) as guard:
        gc.collect()
    assert (tmp_path / "left").exists()
    assert guard.seen == []
    with guarded(Guard()), pytest.raises(EscapeError):
        (tmp_path / "written").write_text("x")

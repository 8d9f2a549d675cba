"""`demi fuzz` on programs that cannot be held: a named error, its place, what to do, and nothing lost."""

from __future__ import annotations

import re

import pytest

from .conftest import Demi

TARGET = """
import asyncio
import os
import socket
import threading
import time

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Service
from demi.target import Choice, Profile, Target


async def idle(host):
    pass


async def go(host, args):
    if args["n"] == 2:
        await does()


async def does():
    BODY


def make(draw, names, i):
    return [External(Kind.INJECT, ("a",), "go", {"n": draw(3)})]


TARGET = Target(
    name="bad",
    doc="",
    make=lambda config: AsyncioWorld({"a": Service(idle)}, inputs={"go": go}, OPTIONS),
    invariants=lambda config: [],
    profile=lambda config: Profile(choices=(Choice("go", 1.0, make),), items=(2, 3)),
)
"""
PLACE = "demi_target_bad.does:"


def hunt(demi: Demi, body: str, options: str = "") -> tuple[int, str]:
    """What a hunt of it says, in one line."""
    target = demi.write("bad.py", TARGET.replace("BODY", body).replace("OPTIONS", options))
    done = demi("fuzz", target, "--seed", 1, "-n", 12, "-j", 1, "--no-minimize")
    return done.code, " ".join(done.text.split())


@pytest.mark.parametrize(
    ("body", "name", "remedy"),
    [
        ("while True: pass", "Blocks", "await, or run it in an executor"),
        ("while time.time() < 9e9: pass", "SpinsOnClock", "await instead"),
        (
            "while True: asyncio.get_running_loop().create_task(asyncio.sleep(1000))",
            "LeaksTasks", "await or cancel them",
        ),
        ("os._exit(0)", "OsExit", "os._exit(0)"),
    ],
)  # fmt: skip
def test_what_never_comes_back_is_a_violation_with_its_place(
    demi: Demi, body: str, name: str, remedy: str
) -> None:
    code, said = hunt(demi, body, "step_seconds=0.1" if name == "Blocks" else "")
    assert code == 1
    assert f"VIOLATED crash/{name}@does" in said
    assert PLACE in said
    assert remedy in said
    assert demi.traces()


@pytest.mark.parametrize(
    ("body", "what", "remedy"),
    [
        ("socket.create_connection(('127.0.0.1', 1))", "a blocking socket call", "streams"),
        ("threading.Thread(target=print).start()", "a real thread escaped", "--allow-escape thread"),
        ("await asyncio.create_subprocess_exec('true')", "subprocess_exec() is not held", "child"),
        ("asyncio.get_running_loop().add_reader(0, print)", "add_reader() is not held", "streams"),
        (
            "for _ in range(1000): sum(range(10**5)); await asyncio.sleep(0.01)",
            "takes more than 0.1 s", "run_seconds=",
        ),
    ],
)  # fmt: skip
def test_what_is_not_held_ends_its_run_and_not_the_hunt(
    demi: Demi, body: str, what: str, remedy: str
) -> None:
    code, said = hunt(demi, body, "step_seconds=0.05, run_seconds=0.1")
    assert code == 2
    assert re.search(rf"error \d+ runs of 12 ended in: .*{re.escape(what)}", said)
    assert PLACE in said or "run_seconds" in remedy  # which step is late is nobody's place
    assert remedy in said
    assert re.search(r"result not found in 12 runs .* ended in an error of the program\.", said)
    assert re.search(r"next demi fuzz bad.py --strategy random --seed \d+ -n 1", said)


def test_a_program_that_is_refused_in_every_run_is_given_up(demi: Demi) -> None:
    text = TARGET.replace('args["n"] == 2', "True").replace("OPTIONS", "")
    target = demi.write("bad.py", text.replace("BODY", "socket.create_connection(('::1', 1))"))
    for workers in (1, 2):
        done = demi("fuzz", target, "--seed", 1, "-n", 1000, "-j", workers)
        assert done.code == 2
        assert "a blocking socket call" in done.err
        assert PLACE in done.err


def test_a_missing_package_is_told_by_name(demi: Demi) -> None:
    code, said = hunt(demi, "import no_such_package")
    assert code == 2
    assert "host a needs a package that is not installed" in said
    assert "pip install no_such_package" in said


def test_a_clock_that_was_bound_too_early_is_told_before_any_run(demi: Demi) -> None:
    text = TARGET.replace("BODY", "pass").replace("OPTIONS", "")
    early = "class Stamp:\n    now = time.time\n\n\nasync def idle"
    done = demi("fuzz", demi.write("bad.py", text.replace("async def idle", early)))
    assert done.code == 2
    assert "Stamp.now is a real clock" in done.err

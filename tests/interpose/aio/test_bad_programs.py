"""Programs that cannot be held: each ends in an error with its place and what to do."""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import importlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aio_programs import do, ext, run

from demi.errors import ContractError, TargetError
from demi.events import External, Kind
from demi.fuzz.hunt import Plan, hunt
from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.interpose.notices import take_notices
from demi.interpose.sites import EscapeError
from demi.interpose.world import World
from demi.scheduler.execute import Subject
from demi.target import Choice, Config, Profile, Target

CLOCK = time.monotonic


async def blocks(host: Host) -> None:
    while True:
        pass


async def spins(host: Host) -> None:
    until = time.monotonic() + 1
    while time.monotonic() < until:
        pass


async def never_rests(host: Host) -> None:
    while True:
        await asyncio.sleep(0)


async def leaks(host: Host) -> None:
    while True:
        asyncio.get_running_loop().create_task(asyncio.sleep(1000))


async def leaves(host: Host) -> None:
    os._exit(3)


async def sleeps(host: Host) -> None:
    while True:
        time.sleep(1)


async def floods(host: Host) -> None:
    await asyncio.start_server(lambda reader, writer: None, "0.0.0.0", 7)
    _, writer = await asyncio.open_connection("localhost", 7)
    while True:
        writer.write(b"more")


async def raises(host: Host) -> None:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("main", "error", "place", "said"),
    [
        (blocks, "Blocks", "blocks", "await, or run it in an executor"),
        (spins, "SpinsOnClock", "spins", "await instead"),
        (sleeps, "SpinsOnClock", "sleeps", "await instead"),
        (floods, "Floods", "floods", "await what you send"),
        (leaks, "LeaksTasks", "leaks", "await or cancel them"),
        (leaves, "OsExit", "leaves", "os._exit(3)"),
        (raises, "ValueError", "raises", "no"),
    ],
)
def test_a_program_that_cannot_go_on_is_a_failure_with_its_place(
    main: Any, error: str, place: str, said: str
) -> None:
    world = AsyncioWorld({"a": Service(main)}, step_seconds=0.2 if main is blocks else 30.0)
    try:
        failure = world.reset(1).failure
        assert failure is not None
        assert (failure.node, failure.error) == ("a", error)
        assert place in failure.where
        assert said in failure.message
        assert not world.alive(0)
    finally:
        world.close()


def opens_a_socket() -> None:
    socket.socket().connect(("127.0.0.1", 1))


def starts_a_process() -> None:
    subprocess.run(["true"], check=False)


def starts_a_thread() -> None:
    threading.Thread(target=print).start()


def opens_a_database() -> None:
    sqlite3.connect("/tmp/real.db")


def adds_a_reader() -> None:
    asyncio.get_running_loop().add_reader(0, print)


def adds_a_signal_handler() -> None:
    asyncio.get_running_loop().add_signal_handler(2, print)


def runs_a_loop() -> None:
    asyncio.run(asyncio.sleep(0))


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (opens_a_socket, "a blocking socket call"),
        (starts_a_process, "a real subprocess escaped"),
        (starts_a_thread, "a real thread escaped"),
        (opens_a_database, r"a real file escaped: sqlite3.connect\('/tmp/real.db'\)"),
        (adds_a_reader, r"loop.add_reader\(\) is not held"),
        (adds_a_signal_handler, r"loop.add_signal_handler\(\) is not held"),
        (runs_a_loop, r"asyncio.run\(\) inside a host"),
    ],
)
def test_what_would_escape_is_refused_where_it_happens(does: Callable[[], None], said: str) -> None:
    async def main(host: Host) -> None:
        does()

    with pytest.raises(ContractError, match=said) as caught:
        AsyncioWorld({"a": Service(main)})
    assert does.__name__ in caught.value.where
    assert caught.value.remedy
    assert time.monotonic is CLOCK


def test_what_a_real_process_would_run_at_its_end_or_on_a_signal_is_left_out() -> None:
    ran: list[str] = []
    before = signal.getsignal(signal.SIGTERM)

    async def main(host: Host) -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: ran.append("signal"))
        atexit.register(ran.append, "exit")

    world = AsyncioWorld({"a": Service(main)})
    try:
        assert signal.getsignal(signal.SIGTERM) is before
        atexit.unregister(ran.append)
        assert ran == []
    finally:
        world.close()


def test_a_context_made_anew_belongs_to_the_host_that_makes_it() -> None:
    async def main(host: Host) -> None:
        async def look() -> None:
            await asyncio.sleep(1)
            host.state = (time.monotonic(), socket.gethostname())

        task = asyncio.get_running_loop().create_task(look(), context=contextvars.Context())
        await task

    world = AsyncioWorld({"a": Service(main)})
    try:
        run(world)
        assert world.observe().state(0) == (1.0, "a")
    finally:
        world.close()


def test_an_allowed_escape_is_listed() -> None:
    async def main(host: Host) -> None:
        starts_a_process()

    world = AsyncioWorld({"a": Service(main)}, escapes=["subprocess"])
    try:
        (told,) = world.reset(1).log
        assert told.startswith("a real subprocess, allowed: subprocess.Popen true at ")
        assert starts_a_process.__name__ in told
        assert take_notices(world) == (told,)
        assert take_notices(world) == ()
    finally:
        world.close()


def test_a_missing_package_says_what_to_install() -> None:
    async def main(host: Host) -> None:
        import no_such_package  # noqa: F401

    with pytest.raises(TargetError, match="not installed") as caught:
        AsyncioWorld({"a": Service(main)})
    assert caught.value.remedy == "pip install no_such_package"


def test_an_input_that_wants_a_missing_package_says_so_too() -> None:
    async def idle(host: Host) -> None:
        """Waits for inputs."""

    def at_once(host: Host, args: Any) -> None:
        import no_such_package  # noqa: F401

    async def later(host: Host, args: Any) -> None:
        at_once(host, args)

    for does in (at_once, later):
        world = AsyncioWorld({"a": Service(idle)}, inputs={"go": does})
        try:
            with pytest.raises(TargetError, match="not installed"):
                do(world, ext(Kind.INJECT, "a", label="go"))
        finally:
            world.close()


EARLY = """
import time

class Stamp:
    now = time.monotonic

async def main(host):
    host.state = Stamp.now()

def late(clock=time.time):
    return clock()
"""


def test_clocks_bound_too_deep_are_named_and_come_right_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "early_program.py").write_text(EARLY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "early_program", raising=False)
    by_name = AsyncioWorld({"a": Service("early_program:main")})
    try:
        assert by_name.observe().state(0) == 0.0  # imported under the stand-ins
    finally:
        by_name.close()
    del sys.modules["early_program"]
    early = importlib.import_module("early_program")
    with pytest.raises(EscapeError, match=r"Stamp\.now is a real clock.*and 1 more") as caught:
        AsyncioWorld({"a": Service(early.main)})
    assert caught.value.where == "early_program"
    assert "module:main" in caught.value.remedy


def target_of(main: Any) -> Target:
    def make(config: Config) -> World:
        async def idle(host: Host) -> None:
            """Waits for inputs."""

        async def go(host: Host, args: Any) -> None:
            if args["n"] == 2:
                await main(host)

        world: World = AsyncioWorld({"a": Service(idle)}, inputs={"go": go}, step_seconds=0.2)
        return world

    def choice(draw: Callable[[int], int], names: Any, i: int) -> list[External]:
        return [External(Kind.INJECT, ("a",), "go", {"n": draw(3)})]

    profile = Profile(choices=(Choice("go", 1.0, choice),), items=(1, 3), steps=20)
    return Target("bad", "a program", make, lambda config: (), lambda config: profile)


def test_a_campaign_goes_on_after_a_program_that_blocks() -> None:
    subject = Subject(target_of(blocks), {})
    try:
        plan = Plan(subject.target.profile({}), "random", seed=1, steps=20)
        outcomes = [outcome for _, outcome in hunt(subject, plan, iter(range(8)))]
    finally:
        subject.world.close()
    kinds = [o.violation.fingerprint if o.violation else "" for o in outcomes]
    assert "" in kinds
    found = [kind for kind in kinds if kind]
    assert found
    assert all(kind.startswith("crash/Blocks") for kind in found), found


@pytest.fixture(autouse=True)
def everything_is_put_back() -> Iterator[None]:
    yield
    assert time.monotonic is CLOCK
    assert asyncio._get_running_loop() is None


def test_never_resting_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demi.interpose.aio.loop.CALLBACKS_MAX", 1000)
    world = AsyncioWorld({"a": Service(never_rests)})
    try:
        failure = world.reset(1).failure
        assert failure is not None
        assert failure.error == "NeverRests"
        assert run(world) == []
    finally:
        world.close()

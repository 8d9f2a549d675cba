"""Crash and restart with unsynced writes lose exactly what the disk mode says."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aio_programs import do, ext
from hypothesis import given, settings
from hypothesis import strategies as st

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.interpose.aio.disk import Disk

NAMES = ("/a", "/b")
OPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"), st.sampled_from(NAMES), st.integers(0, 6), st.binary(max_size=4)
        ),
        st.tuples(st.just("cut"), st.sampled_from(NAMES), st.integers(0, 6), st.just(b"")),
        st.tuples(st.just("sync"), st.sampled_from(NAMES), st.just(0), st.just(b"")),
    ),
    max_size=12,
)


def applied(old: bytes, op: str, at: int, data: bytes) -> bytes:
    """A second, naive account of a write or cut."""
    if op == "cut":
        return (old + bytes(at))[:at]
    if at > len(old):
        old += bytes(at - len(old))
    return old[:at] + data + old[at + len(data) :]


@given(OPS, st.sampled_from(["process", "power", "torn"]), st.randoms(use_true_random=False))
def test_a_crash_keeps_what_its_mode_says(ops: list[Any], mode: str, rng: Any) -> None:
    disk = Disk()
    now: dict[str, bytes] = {}
    synced: dict[str, bytes] = {}
    since: dict[str, list[tuple[str, int, bytes]]] = {name: [] for name in NAMES}
    for op, name, at, data in ops:
        file = disk.files.get(name) or disk.create(name)
        now.setdefault(name, b"")
        if op == "sync":
            disk.sync(file)
            synced[name], since[name] = now[name], []
        else:
            file.write(at, data) if op == "write" else file.cut(at)
            now[name] = applied(now[name], op, at, data)
            since[name].append((op, at, data))
    disk.crash(mode, rng.randrange)
    left = {name: bytes(file.data) for name, file in disk.files.items()}
    if mode == "process":
        assert left == now
    elif mode == "power":
        assert left == synced
    else:
        assert set(synced) <= set(left) <= set(now)
        for name, data in left.items():
            assert data in torn(synced.get(name, b""), since[name])


def torn(base: bytes, writes: list[tuple[str, int, bytes]]) -> set[bytes]:
    """Everything that a prefix of the writes, the last one cut short, may leave."""
    states = {base}
    for op, at, data in writes:
        for size in range(len(data) + 1):
            states.add(applied(base, op, at, data[:size]))
        base = applied(base, op, at, data)
    return states


async def reader(host: Host) -> None:
    """What its directory holds when it starts."""
    os.makedirs("/data", exist_ok=True)
    host.state = {name: Path("/data", name).read_bytes() for name in os.listdir("/data")}


def use(host: Host, args: Any) -> None:
    """System calls, as a program makes them."""
    for op, name, other, at, text in args:
        path, data = f"/data/{name}", text.encode("latin-1")
        there = os.path.exists(path)
        if op == "append":
            with open(path, "ab") as file:
                file.write(data)
        elif op == "write":
            with open(path, "r+b" if there else "w+b") as file:
                file.seek(at)
                file.write(data)
        elif op == "sync directory":
            directory = os.open("/data", os.O_RDONLY)
            os.fsync(directory)
            os.close(directory)
        elif there:
            if op == "sync":
                with open(path, "r+b") as file:
                    os.fsync(file.fileno())
            elif op == "cut":
                os.truncate(path, at)
            elif op == "rename":
                os.replace(path, f"/data/{other}")
            else:
                os.remove(path)


class Inode:
    """A file of the second account: what it holds, and what a power loss leaves of it."""

    def __init__(self) -> None:
        self.now = self.kept = b""


def survives(ops: list[Any], power: bool) -> dict[str, bytes]:
    """What a restarted node should find, by a second account of the same calls."""
    names: dict[str, Inode] = {}
    kept: dict[str, Inode] = {}
    for op, name, other, at, text in ops:
        data = text.encode("latin-1")
        if op in ("append", "write"):
            one = names.setdefault(name, Inode())
            one.now = applied(one.now, "write", len(one.now) if op == "append" else at, data)
        elif op == "sync directory":
            kept = dict(names)
        elif (found := names.get(name)) is None:
            continue
        elif op == "sync":
            found.kept = found.now
            kept = {n: i for n, i in kept.items() if i is not found or names.get(n) is found}
            kept |= {n: i for n, i in names.items() if i is found}
        elif op == "cut":
            found.now = applied(found.now, "cut", at, b"")
        else:
            del names[name]
            if op == "rename":
                names[other] = found
    return {n: i.kept for n, i in kept.items()} if power else {n: i.now for n, i in names.items()}


@pytest.fixture(scope="module")
def reading() -> Iterator[AsyncioWorld]:
    made = AsyncioWorld({"k": Service(reader)}, inputs={"use": use})
    yield made
    made.close()


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "write", "cut", "sync", "sync directory", "rename", "remove"]),
        st.sampled_from("ab"), st.sampled_from("ab"), st.integers(0, 5),
        st.text("xyz", min_size=1, max_size=3),
    ),
    max_size=10,
)  # fmt: skip


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(ops=CALLS, power=st.booleans())
def test_a_node_finds_again_what_its_crash_leaves(
    reading: AsyncioWorld, ops: list[Any], power: bool
) -> None:
    world = reading
    world.reset(1)
    do(world, ext(Kind.INJECT, "k", label="use", args=[list(op) for op in ops]))
    assert world.observe().state(0) == {}
    do(world, ext(Kind.INJECT, "k", label="power_loss") if power else ext(Kind.CRASH, "k"))
    do(world, ext(Kind.RESTART, "k"))
    assert world.observe().state(0) == survives(ops, power)


async def keeper(host: Host) -> None:
    """Counts its starts in a file, and writes a second one without fsync."""
    starts = 0
    if os.path.exists("/data/starts"):
        starts = int(Path("/data/starts").read_text())
    os.makedirs("/data", exist_ok=True)
    with open("/data/starts.tmp", "w") as file:
        file.write(str(starts + 1))
        file.flush()
        os.fsync(file.fileno())
    os.replace("/data/starts.tmp", "/data/starts")
    directory = os.open("/data", os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
    with open("/data/notes", "ab") as notes:
        notes.write(b"x")
    host.state = (starts, sorted(os.listdir("/data")), Path("/data/notes").read_bytes())


@pytest.fixture
def world() -> Iterator[AsyncioWorld]:
    made = AsyncioWorld({"k": Service(keeper)})
    yield made
    made.close()


@pytest.mark.parametrize(
    ("crash", "notes"),
    [
        (ext(Kind.CRASH, "k"), b"xx"),
        (ext(Kind.INJECT, "k", label="power_loss"), b"x"),
    ],
)
def test_a_service_finds_its_synced_files_again(
    world: AsyncioWorld, crash: External, notes: bytes
) -> None:
    world.reset(1)
    assert world.observe().state(0) == (0, ["notes", "starts"], b"x")
    do(world, crash)
    assert world.observe().state(0) is None
    do(world, ext(Kind.RESTART, "k"))
    assert world.observe().state(0) == (1, ["notes", "starts"], notes)
    assert not os.path.exists("/data")


def test_a_crash_runs_no_clean_up() -> None:
    ran = []

    async def careful(host: Host) -> None:
        try:
            await host.loop.create_future()
        finally:
            ran.append(host.name)

    world = AsyncioWorld({"k": Service(careful)})
    try:
        do(world, ext(Kind.CRASH, "k"))
        assert ran == []
    finally:
        world.close()


def test_directories_are_walked_as_on_a_real_disk() -> None:
    async def walker(host: Host) -> None:
        os.makedirs("/data/deep/er")
        Path("/data/deep/er/one.txt").write_text("1")
        Path("/data/two.txt").write_text("2")
        with contextlib.suppress(OSError):
            os.rmdir("/data/deep")
        host.state = (
            [(at, sorted(inside), names) for at, inside, names in os.walk("/data")],
            sorted(glob.glob("/data/**/*.txt", recursive=True)),
            sorted(str(path) for path in Path("/data").rglob("*.txt")),
            sorted(entry.name for entry in os.scandir("/data") if entry.is_file()),
        )

    world = AsyncioWorld({"k": Service(walker)})
    try:
        both = ["/data/deep/er/one.txt", "/data/two.txt"]
        assert world.observe().state(0) == (
            [
                ("/data", ["deep"], ["two.txt"]),
                ("/data/deep", ["er"], []),
                ("/data/deep/er", [], ["one.txt"]),
            ],
            both,
            both,
            ["two.txt"],
        )
    finally:
        world.close()

"""Exploration of asyncio worlds leaves no final state out: each reduction against plain enumeration."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aio_programs import ext
from enumeration import final_states

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.interpose.aio.framings import Framing
from demi.interpose.framing import Lines

EXECUTIONS_MAX = 2_000
LINES = {7: Framing(Lines())}
Main = Callable[[Host], Any]


async def hears(host: Host) -> None:
    """Notes every line and how its connection ended."""
    host.state = ()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                host.state = (*host.state, line)
            host.state = (*host.state, "end")
        except ConnectionError:
            host.state = (*host.state, "reset")
        writer.close()

    await asyncio.start_server(handle, "0.0.0.0", 7)


async def late(host: Host) -> None:
    """Listens after a while."""
    await asyncio.sleep(1)
    await hears(host)


async def rude(host: Host) -> None:
    """Closes after the first line, whatever else is on its way."""
    host.state = ()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host.state = (*host.state, await reader.readline())
        writer.close()

    await asyncio.start_server(handle, "0.0.0.0", 7)


async def short(host: Host) -> None:
    """Listens for a while."""
    host.state = ()
    server = await asyncio.start_server(lambda reader, writer: None, "0.0.0.0", 7)
    await asyncio.sleep(1)
    server.close()


async def patient(host: Host) -> None:
    """Sleeps long, then short: whether the second is within the life of a run is its own affair."""
    await hears(host)
    await asyncio.sleep(4)
    host.state = (*host.state, "four")
    await asyncio.sleep(4)
    host.state = (*host.state, "eight")


async def tell(host: Host, args: Any) -> None:
    """Sends lines to another host, and notes what came of it."""
    try:
        _, writer = await asyncio.open_connection(args["to"], 7)
        for line in args["lines"]:
            writer.write(line.encode() + b"\n")
            if args.get("rests"):
                await asyncio.sleep(args["rests"])
        writer.close()
        host.state = (*host.state, "told")
    except OSError as error:
        host.state = (*host.state, type(error).__name__)


async def answers(host: Host) -> None:
    """Counts HTTP requests and answers each."""
    host.state = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                host.state += 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    await asyncio.start_server(handle, "0.0.0.0", 80)


async def ask(host: Host, args: Any) -> None:
    """One HTTP request; notes the status, or how it failed."""
    try:
        reader, writer = await asyncio.open_connection("n2", 80)
        writer.write(b"GET / HTTP/1.1\r\nHost: n2\r\n\r\n")
        try:
            async with asyncio.timeout(3):
                said = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        except TimeoutError:
            said = b"late"
        writer.close()
    except OSError as error:
        said = type(error).__name__.encode()
    host.state = (*host.state, said)


def told(host: str, to: str, *lines: str, rests: float = 0) -> External:
    return ext(
        Kind.INJECT, host, label="tell", args={"to": to, "lines": list(lines), "rests": rests}
    )


def ends(
    mains: Sequence[Main], externals: Sequence[External], algorithm: str, cap: int = 0
) -> tuple[set[str], int]:
    """See `final_states`."""

    def make() -> AsyncioWorld:
        services = {f"n{i + 1}": Service(main) for i, main in enumerate(mains)}
        return AsyncioWorld(
            services, inputs={"tell": tell, "ask": ask}, framing=LINES, timers="free", life=9.0
        )

    return final_states(make, len(mains), externals, algorithm, cap)


CASES: dict[str, tuple[Sequence[Main], Sequence[External]]] = {
    "both ways": ([hears, hears], [told("n1", "n2", "a"), told("n2", "n1", "b")]),
    "closed while sending": ([hears, rude], [told("n1", "n2", "a", "b", rests=1)]),
    "late": ([hears, late], [told("n1", "n2", "a")]),
    "short": ([hears, short], [told("n1", "n2", "a")]),
    "clocks": ([patient, patient], []),
    "cut": ([hears, hears], [told("n1", "n2", "a"), ext(Kind.CUT, "n1", "n2")]),
    "crash": ([hears, hears], [told("n1", "n2", "a"), ext(Kind.CRASH, "n2")]),
    "power": ([hears, hears], [told("n1", "n2", "a"), ext(Kind.INJECT, "n2", label="power_loss")]),
}  # fmt: skip


ASK = ext(Kind.INJECT, "n1", label="ask")
for fault in ("refuse", "delay", "fail_before", "fail_after"):
    CASES[fault] = ([hears, answers], [ASK, ext(Kind.INJECT, "n1", "n2", label=fault)])
CASES["duplicate"] = ([hears, answers], [ASK, ext(Kind.DUPLICATE, "n1", "n2")])


@pytest.mark.parametrize("case", CASES)
def test_every_final_state_is_reached(case: str) -> None:
    mains, externals = CASES[case]
    truth, all_of_them = ends(mains, externals, "naive", EXECUTIONS_MAX)
    assert all_of_them > 0, "too large to compare"
    for algorithm in ("source", "optimal"):
        seen, executions = ends(mains, externals, algorithm)
        assert seen == truth, algorithm
        assert 0 < executions <= all_of_them


def random_case(seed: int) -> tuple[list[Main], list[External]]:
    """Three hosts, two or three inputs or faults."""
    draw = random.Random(seed)
    names = ["n1", "n2", "n3"]
    mains = [draw.choice([hears, hears, late, rude, short]) for _ in names]
    externals = []
    for _ in range(draw.choice([2, 2, 3])):
        a, b = draw.sample(names, 2)
        lines = [draw.choice("xyz") for _ in range(draw.choice([1, 1, 2]))]
        externals.append(
            draw.choice([
                told(a, b, *lines), told(a, b, *lines), told(a, b, *lines, rests=draw.choice([0, 1])),
                ext(Kind.CRASH, a), ext(Kind.CUT, a, b), ext(Kind.CUT, a, b, one_way=True),
                ext(Kind.INJECT, a, label="torn_write"),
            ])
        )  # fmt: skip
    return mains, externals


def compared(seeds: range) -> int:
    done = 0
    for seed in seeds:
        mains, externals = random_case(seed)
        truth, all_of_them = ends(mains, externals, "naive", EXECUTIONS_MAX)
        if all_of_them > 0:
            seen, executions = ends(mains, externals, "source")
            assert seen == truth, seed
            assert executions <= all_of_them, seed
            done += 1
    return done


def test_some_random_programs() -> None:
    assert compared(range(5)) > 2


@pytest.mark.slow
def test_many_random_programs() -> None:
    assert compared(range(100, 400)) > 100

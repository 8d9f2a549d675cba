"""Speed of asyncio programs under demi, one core, CPU time, medians.

    python benchmarks/asyncio_programs.py [--quick]

`queue ring`: three tasks of one host pass a value through queues; that is one step, with no events in
between, so it is the speed of the loop itself.  `streams ring`: three hosts pass a line over TCP, each
delivery an event, bare and recorded with causes and digests.  `wide`: ready tasks that yield.
`aiohttp`: a server and four concurrent clients that lose updates, a random schedule per run.
The same programs under plain asyncio stand beside them.  Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.scheduler.record import Recorder

LAPS = 1000
STEPS = 3000


async def empty(host: Any) -> None:
    await asyncio.sleep(0)


async def queue_ring(host: Any) -> None:
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(3)]

    async def node(i: int) -> None:
        for _ in range(LAPS):
            await queues[(i + 1) % 3].put(await queues[i].get())

    await queues[0].put(0)
    await asyncio.gather(*[node(i) for i in range(3)])


def wide(tasks: int, steps: int) -> Callable[[Any], Any]:
    async def spin() -> None:
        for _ in range(steps // tasks):
            await asyncio.sleep(0)

    async def main(host: Any) -> None:
        await asyncio.gather(*[spin() for _ in range(tasks)])

    return main


async def streams_ring(host: Host) -> None:
    ready = host.loop.create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = await ready
        while data := await reader.read(64):
            out.write(data)

    await asyncio.start_server(handle, "0.0.0.0", 7)
    host.state = await asyncio.open_connection(f"n{(host.index + 1) % 3}", 7)
    ready.set_result(host.state[1])
    if host.index == 0:
        host.state[1].write(b"x\n")


async def counter(host: Host) -> None:
    host.state = {"n": 0}

    async def add(request: web.Request) -> web.Response:
        seen = host.state["n"]
        await asyncio.sleep(0.01)
        host.state["n"] = seen + 1
        return web.json_response({"n": seen + 1})

    app = web.Application()
    app.router.add_post("/add", add)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 8080).start()


async def adders(host: Host) -> None:
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            async with session.post("http://server:8080/add") as answer:
                await answer.json()

        await asyncio.gather(*[one() for _ in range(4)])


def rate(work: Callable[[], int], rounds: int) -> float:
    """Units per CPU second, the median of several rounds; `work` returns how many it did."""
    found = []
    for _ in range(rounds):
        started = time.process_time()
        done = work()
        found.append(done / (time.process_time() - started))
    return statistics.median(found)


def held(main: Callable[[Any], Any], units: int, runs: int, rounds: int) -> float:
    """A program of one host."""
    world = AsyncioWorld({"a": Service(main)})

    def work() -> int:
        for seed in range(runs):
            world.reset(seed)
        return units * runs

    try:
        return rate(work, rounds)
    finally:
        world.close()


def plain(main: Callable[[Any], Any], units: int, runs: int, rounds: int) -> float:
    """The same under asyncio's own loop."""

    def work() -> int:
        for _ in range(runs):
            asyncio.run(main(None))
        return units * runs

    return rate(work, rounds)


def streams(recorded: bool, rounds: int) -> float:
    """Messages a second of the streams ring."""
    world = AsyncioWorld({f"n{i}": Service(streams_ring, lambda state: None) for i in range(3)})

    def work() -> int:
        boot = world.reset(1)
        recorder = Recorder(world, lambda entry: None)
        if recorded:
            recorder.began(boot)
        for _ in range(STEPS):
            events = world.enabled()
            if recorded:
                recorder.before(events[0], events)
            step = world.take(events[0])
            if recorded:
                recorder.after(step)
        return STEPS

    try:
        return rate(work, rounds)
    finally:
        world.close()


def lost_updates(runs: int, rounds: int) -> tuple[float, list[int]]:
    """Runs a second, and the counters that were seen at the end."""
    world = AsyncioWorld({"server": Service(counter, dict), "client": Service(adders)})
    seen = set()

    def work() -> int:
        for seed in range(runs):
            world.reset(seed)
            draws = random.Random(seed)
            while events := world.enabled():
                world.take(draws.choice(events))
            seen.add(world.observe().state(0)["n"])
        return runs

    try:
        return rate(work, rounds), sorted(seen)
    finally:
        world.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    rounds = 3 if parser.parse_args().quick else 7
    table = Table(title="asyncio programs, per CPU second")
    for column in ("program", "unit", "demi", "plain asyncio"):
        table.add_column(column, justify="right" if column in ("demi", "plain asyncio") else "left")

    def row(name: str, unit: str, ours: float, theirs: float | None = None, note: str = "") -> None:
        table.add_row(name, unit, f"{ours:,.0f}{note}", "" if theirs is None else f"{theirs:,.0f}")

    row("empty", "runs", held(empty, 1, 2000, rounds), plain(empty, 1, 500, rounds))
    ring = (queue_ring, 3 * LAPS, 10, rounds)
    row("queue ring, 3 tasks", "messages", held(*ring), plain(*ring))
    for tasks in (10, 100, 1000):
        spin = (wide(tasks, 20_000), 20_000, 5, rounds)
        row(f"wide, {tasks} ready", "steps", held(*spin), plain(*spin))
    row("streams ring, 3 hosts", "messages", streams(False, rounds))
    row("streams ring, recorded", "messages", streams(True, rounds))
    runs, seen = lost_updates(60, rounds)
    row("aiohttp, 4 clients", "runs", runs, note=f"  outcomes {seen}")
    Console().print(table)


if __name__ == "__main__":
    main()

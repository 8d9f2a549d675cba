"""The programs that are measured: plain asyncio, the same for demi and for its peers.

Nothing here imports demi, so that other tools can run it in an environment of their own.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

LAPS = 1000  # of a token around three nodes
SPINS = 20_000  # steps of all tasks of `wide`
PORT = 7000
HOST = ["127.0.0.1"]  # where servers are found; a tool without a loopback sets another name
Main = Callable[[], Awaitable[Any]]


async def empty() -> None:
    """Nothing but one turn of the loop: the fixed cost of a run."""
    await asyncio.sleep(0)


async def queue_ring() -> None:
    """Three tasks pass a number on through queues."""
    queues: list[asyncio.Queue[int]] = [asyncio.Queue() for _ in range(3)]

    async def node(i: int) -> None:
        for _ in range(LAPS):
            await queues[(i + 1) % 3].put(await queues[i].get())

    await queues[0].put(0)
    await asyncio.gather(*[node(i) for i in range(3)])


def wide(tasks: int) -> Main:
    """So many tasks are ready at any time."""

    async def spin() -> None:
        for _ in range(SPINS // tasks):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*[spin() for _ in range(tasks)])

    return main


async def streams_ring() -> None:
    """Three servers pass a line on over TCP, all in one process."""
    writers: list[asyncio.StreamWriter] = []
    laps, open_ends = 0, 3
    over = asyncio.get_running_loop().create_future()

    def handler(i: int) -> Callable[[Any, Any], Awaitable[None]]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal laps, open_ends
            while line := await reader.readline():
                laps += i == 0
                if laps >= LAPS:
                    break
                writers[i].write(line)
            writers[i].close()  # the next one sees the end of its stream, and so on around
            writer.close()
            open_ends -= 1
            if not open_ends:
                over.set_result(None)

        return handle

    servers = [await asyncio.start_server(handler(i), HOST[0], PORT + i) for i in range(3)]
    for i in range(3):
        writers.append((await asyncio.open_connection(HOST[0], PORT + (i + 1) % 3))[1])
    writers[2].write(b"x\n")
    await over
    for server in servers:
        server.close()


async def lost_update(clients: int = 4) -> int:
    """An aiohttp server that reads, rests and writes, and concurrent clients; returns its counter."""
    import aiohttp
    from aiohttp import web

    counter = 0

    async def add(request: web.Request) -> web.Response:
        nonlocal counter
        seen = counter
        await asyncio.sleep(0.01)
        counter = seen + 1
        return web.json_response({"n": counter})

    app = web.Application()
    app.router.add_post("/add", add)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST[0], PORT).start()
    async with aiohttp.ClientSession() as session:

        async def one() -> None:
            async with session.post(f"http://{HOST[0]}:{PORT}/add") as answer:
                await answer.json()

        await asyncio.gather(*[one() for _ in range(clients)])
    await runner.cleanup()
    return counter


PROGRAMS: dict[str, tuple[Main, int, int, str]] = {
    "empty": (empty, 1, 500, "runs"),
    "queue ring, 3 nodes": (queue_ring, 3 * LAPS, 5, "messages"),
    "streams ring, 3 nodes": (streams_ring, 3 * LAPS, 2, "messages"),
    "wide, 10 ready": (wide(10), SPINS, 2, "steps"),
    "wide, 1000 ready": (wide(1000), SPINS, 1, "steps"),
}
"""name -> (program, units in a run, runs in a round, what a unit is)."""


def rate(work: Callable[[], int], rounds: int) -> float:
    """Units per CPU second, the median of several rounds; `work` returns how many it did."""
    found = []
    for _ in range(rounds):
        started = time.process_time()
        done = work()
        found.append(done / (time.process_time() - started))
    return statistics.median(found)

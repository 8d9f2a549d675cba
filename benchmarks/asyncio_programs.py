"""Speed of asyncio programs under demi and under its peers, one core, CPU time, medians.

    python benchmarks/asyncio_programs.py [--quick] [--no-peers]

(Not asyncio.py: run as a script, a module of that name would hide asyncio itself.)
The first table holds the same programs under every tool, each run under another random schedule: a token
that three nodes pass on through queues, and over TCP; tasks that are always ready; an aiohttp server and
four concurrent clients that lose updates, with the outcomes that were seen.  The peers are installed from
PyPI into an environment of their own, made for the run, for the interpreter that runs this; those that do
not install or cannot run a program say so.

The second is demi alone, with three hosts whose every message is an event that waits for permission: bare,
and recorded with causes, payloads and digests.  (Queues between tasks of one host are no events: a run of
the queue ring is one step, recorded or not.)  Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from asyncio_workloads import HOST, PORT, PROGRAMS, Main, lost_update, rate, streams_ring

from demi.interpose.aio import AsyncioWorld, Host, Service
from demi.interpose.aio.framings import Framing
from demi.interpose.framing import Lines
from demi.interpose.world import World
from demi.scheduler.record import Recorder

PEERS = ("detangle", "simloom", "simloop")
HERE = Path(__file__).parent
AIOHTTP = "aiohttp, 4 clients"
STEPS = 3000  # messages of a ring of hosts
SEEDS = 60  # runs of the lost update
Cell = str


# ---- the same programs under every tool


def world_of(main: Main) -> AsyncioWorld:
    """One host that runs a program."""

    async def run(host: Host) -> None:
        host.state = await main()

    framing = {PORT + i: Framing(Lines()) for i in range(3)} if main is streams_ring else {}
    return AsyncioWorld({"node": Service(run)}, framing=framing)


def walk(world: World, seed: int) -> None:
    """One run under a random schedule."""
    world.reset(seed)
    draw = random.Random(seed)
    while events := world.enabled():
        world.take(draw.choice(events))


def demi(main: Main, units: int, runs: int, rounds: int) -> tuple[float, list[Any]]:
    """Units a second, and what the program returned."""
    world = world_of(main)
    seen = set()

    def work() -> int:
        for seed in range(runs):
            walk(world, seed)
            seen.add(world.observe().state(0))
        return units * runs

    try:
        return rate(work, rounds), sorted(seen, key=str)
    finally:
        world.close()


def peers(rounds: int) -> dict[str, dict[str, Cell]]:
    """tool -> program -> what to show.  Makes an environment and removes it again."""
    with tempfile.TemporaryDirectory(prefix="demi-peers-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "aiohttp"], capture_output=True, check=False)
        found = {"asyncio": measured(python, "asyncio", rounds)}
        for peer in PEERS:
            done = subprocess.run([*pip, peer], capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{peer} does not install on Python {sys.version.split()[0]}")
            else:
                found[peer] = measured(python, peer, rounds)
        return found


def measured(python: str, peer: str, rounds: int) -> dict[str, Cell]:
    """One peer in a process of its own."""
    done = subprocess.run(
        [python, str(HERE / "asyncio_peers.py"), peer, str(rounds)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    cells = {}
    for line in done.stdout.splitlines():
        told = json.loads(line)
        if "why" in told:
            print(f"{peer} cannot run {told['program']}: {told['why']}")
        cells[told["program"]] = shown(told.get("rate"), told.get("seen"))
    return cells


def shown(speed: float | None, seen: list[Any] | None = None) -> Cell:
    outcomes = f" {{{','.join(map(str, seen))}}}" if seen else ""
    return "fails" if speed is None else f"{speed:,.0f}{outcomes}"


# ---- demi alone: hosts, and messages as events


async def streams(host: Host) -> None:
    """Passes on what arrives over TCP."""
    ready = host.loop.create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out = await ready
        while data := await reader.read(64):
            out.write(data)

    await asyncio.start_server(handle, "0.0.0.0", PORT)
    host.state = await asyncio.open_connection(f"n{(host.index + 1) % 3}", PORT)
    ready.set_result(host.state[1])
    if host.index == 0:
        host.state[1].write(b"x\n")


async def datagrams(host: Host) -> None:
    """Passes on what arrives over UDP."""
    to = (f"n{(host.index + 1) % 3}", PORT)

    class Pass(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            host.state.sendto(data, to)

    host.state, _ = await host.loop.create_datagram_endpoint(Pass, local_addr=("0.0.0.0", PORT))
    if host.index == 0:
        host.state.sendto(b"x", to)


def ring(main: Callable[[Host], Any], recorded: bool, rounds: int) -> float:
    """Messages a second around three hosts."""
    world = AsyncioWorld({f"n{i}": Service(main, lambda state: None) for i in range(3)})

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    options = parser.parse_args()
    rounds = 3 if options.quick else 7
    others = {} if options.no_peers else peers(rounds)
    HOST[0] = "node"
    title = f"units per CPU second, Python {sys.version.split()[0]}"
    table = Table(title=title)
    for column in ("program", "unit", "demi", *others):
        table.add_column(column, justify="left" if column in ("program", "unit") else "right")
    for name, (program, units, runs, unit) in PROGRAMS.items():
        speed, _ = demi(program, units, runs, rounds)
        table.add_row(name, unit, shown(speed), *(cells.get(name, "") for cells in others.values()))
    cells = shown(*demi(lost_update, 1, SEEDS, rounds))
    table.add_row(AIOHTTP, "runs", cells, *(o.get(AIOHTTP, "") for o in others.values()))
    hosts = Table(title="three hosts, every message an event: messages per CPU second")
    for column in ("program", "bare", "recorded"):
        hosts.add_column(column, justify="left" if column == "program" else "right")
    for name, program in {"datagrams": datagrams, "streams": streams}.items():
        row = [f"{ring(program, recorded, rounds):,.0f}" for recorded in (False, True)]
        hosts.add_row(f"ring over {name}", *row)
    Console(width=100).print(table, hosts)


if __name__ == "__main__":
    main()

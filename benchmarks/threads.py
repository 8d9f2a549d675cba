"""Threads held: events a second, a fresh world, controllers in process and as black boxes.

    python benchmarks/threads.py [--steps 20000]

CPU seconds of this process, one core; random walk with every invariant checked after every step.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demi.events import External, Kind, number
from demi.oracle import check_all, memories
from demi.target import Target, configure
from targets.pysyncobj.tcp import TARGET as PYSYNCOBJ
from targets.sdn.controllers import faucet, osken

EXAMPLES = Path(__file__).parent.parent / "examples"
LEARNING = Path(__file__).parent.parent / "targets" / "sdn" / "apps" / "learning.py"
FAUCET = """
vlans: {office: {vid: 100}}
dps: {sw1: {dp_id: 1, hardware: Open vSwitch, interfaces: {1: {native_vlan: office}}}}
"""
HELLO = bytes.fromhex("0400000800000001")
PORTS = bytes.fromhex("0413001000000000000d000000000000")


def walk(target: Target, externals: tuple[External, ...], steps: int) -> tuple[float, float]:
    """(events a second, milliseconds of a fresh world)."""
    config = configure(target)
    world, invariants = target.make(config), target.invariants(config)
    begin, done, resets = time.process_time(), 0, 0
    spent = 0.0
    while done < steps:
        at = time.process_time()
        world.reset(resets)
        spent += time.process_time() - at
        world.offer(number(externals))
        draw, memory = random.Random(resets), memories(invariants)
        resets += 1
        for step in range(500):
            enabled = world.enabled()
            if not enabled:
                break
            done += 1
            broken = world.take(enabled[draw.randrange(len(enabled))]).failure is not None
            if broken or check_all(invariants, world.observe(), memory, step) is not None:
                break
    seconds = time.process_time() - begin
    world.close()
    return done / seconds, spent / resets * 1000


def bank() -> Target:
    """The example."""
    spec = importlib.util.spec_from_file_location("bank", EXAMPLES / "bank.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target: Target = module.TARGET
    return target


def timed(repeat: int, func: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Milliseconds of one call."""
    begin = clock()
    for _ in range(repeat):
        func()
    return (clock() - begin) / repeat * 1000


def packet_in() -> bytes:
    match = bytes.fromhex("0001000c8000000400000001") + bytes(4)
    frame = bytes.fromhex("020000000002020000000001") + b"\x08\x00" + bytes(46)
    body = bytes.fromhex("ffffffff000000000000000000000000") + match + bytes(2) + frame
    return bytes.fromhex("040a") + (8 + len(body)).to_bytes(2, "big") + bytes(4) + body


def controller(
    made: Any, table: Table, clock: Callable[[], float], repeat: int, packets: int
) -> None:
    """Start, then packet-ins one at a time."""
    start = timed(repeat, lambda: made.start(1), clock)
    made.connect(1)
    made.feed(1, HELLO)
    made.quiesce()
    sent = b"".join(data for _, data in made.collect())
    at = sent.index(b"\x04\x05\x00\x08")
    reply = bytes.fromhex("04060020") + sent[at + 4 : at + 8] + (1).to_bytes(8, "big")
    made.feed(1, reply + bytes.fromhex("00000100fe") + bytes(11))
    made.quiesce()
    made.feed(1, PORTS)
    made.quiesce()

    def one() -> None:
        made.feed(1, packet_in())
        made.quiesce()
        made.collect()

    each = timed(packets, one, clock)
    table.add_row(
        f"os-ken learning switch, {made.how}", f"{1000 / each:,.0f} packet-ins", f"{start:.1f} ms"
    )
    made.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20_000)
    steps = parser.parse_args().steps
    table = Table("what", "a second", "a fresh one")
    transfers = tuple(
        External(Kind.INJECT, (f"n{i % 2 + 1}",), "transfer", {"amount": i, "to": f"n{2 - i % 2}"})
        for i in range(6)
    )
    commands = tuple(External(Kind.INJECT, ("n1",), "command", {"value": i}) for i in range(6))
    for name, target, externals in (
        ("bank", bank(), transfers),
        ("pysyncobj-tcp", PYSYNCOBJ, commands),
    ):
        speed, fresh = walk(target, externals, steps)
        table.add_row(
            f"{name}, {target.defaults.get('nodes', 2)} nodes",
            f"{speed:,.0f} events",
            f"{fresh:.2f} ms",
        )
    controller(osken.in_process("c1", [LEARNING]), table, time.process_time, 20, 3000)
    controller(osken.black_box("c1", [LEARNING]), table, time.monotonic, 3, 300)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "faucet.yaml"
        config.write_text(FAUCET)
        held = faucet.in_process("c1", config)
        start = timed(5, lambda: held.start(1), time.process_time)
        span = timed(1, lambda: held.advance(36.0), time.process_time)
        table.add_row(
            "c65faucet, in process", f"36 virtual s in {span / 1000:.3f} s", f"{start:.1f} ms"
        )
        held.close()
    Console().print(table)


if __name__ == "__main__":
    main()

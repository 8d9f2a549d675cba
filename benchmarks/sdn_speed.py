"""Speed of the target sdn: a fresh world, events a second, data-plane checks, c65faucet, pysyncobj.

    python benchmarks/sdn_speed.py [--repeat 5]

CPU time of this process, one core, the best of `repeat`; the goal is beside each.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from demi.errors import TargetError
from demi.events import External, Kind, number
from demi.oracle import check_all, memories
from demi.scheduler.strategy import Draws
from demi.target import Target, configure
from targets.pysyncobj.tcp import TARGET as PYSYNCOBJ
from targets.sdn import TARGET as SDN
from targets.sdn.check.invariants import pair_invariants
from targets.sdn.check.policy import Policy
from targets.sdn.controllers import faucet
from targets.sdn.controllers.faucet_config import written_for
from targets.sdn.network.topology import find_topology
from targets.sdn.openflow import messages
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import FlowMod, encode_flow_mod
from targets.sdn.openflow.oxm import make_match
from targets.sdn.openflow.wire import Port
from targets.sdn.world import NetworkWorld

RING = 3


def best(repeat: int, func: Callable[[], Any]) -> float:
    """CPU seconds of one call, the least of several."""
    took = []
    for _ in range(repeat):
        begin = time.process_time()
        func()
        took.append(time.process_time() - begin)
    return min(took)


def fresh_world(repeat: int) -> float:
    """Milliseconds of a reset: os-ken started and the handshake of three switches done."""
    world = SDN.make(configure(SDN))
    world.reset(0)
    seeds = iter(range(10_000))
    took = best(10 * repeat, lambda: world.reset(next(seeds)))
    world.close()
    return took * 1000


def learning_switch(repeat: int) -> float:
    """Events a second of the learning switch: random schedules of 60 inputs, every invariant checked."""
    config = configure(SDN)
    world, invariants = SDN.make(config), SDN.invariants(config)
    hosts, draw = ["h1", "h2", "h3"], random.Random(1)
    sends = [External(Kind.INJECT, (a,), "send", {"to": b}) for a in hosts for b in hosts if a != b]
    inputs = number([sends[draw.randrange(len(sends))] for _ in range(60)])
    rate = 0.0
    for seed in range(2 * repeat):
        world.reset(seed)
        done, memory = 0, memories(invariants)
        begin = time.process_time()
        for one in inputs:
            world.offer((one,))
            while enabled := world.enabled():
                world.take(enabled[draw.randrange(len(enabled))])
                done += 1
                assert check_all(invariants, world.observe(), memory, done) is None
        rate = max(rate, done / (time.process_time() - begin))
    world.close()
    return rate


def fat_tree() -> NetworkWorld:
    """20 switches, 16 hosts, one entry per switch and host along shortest paths."""
    import networkx as nx

    topology = find_topology("fattree:4")
    world = NetworkWorld(topology, [])
    world.reset(0)
    graph = nx.Graph([(a, b) for a, _, b, _ in topology.links])
    port = {(a, b): p for a, p, b, _ in topology.links}
    port |= {(b, a): q for a, _, b, q in topology.links}
    for at, host in enumerate(topology.hosts, 1):
        where, out = topology.at[host]
        paths = nx.single_source_shortest_path(graph, where)
        for name in topology.switches:
            way = paths[name]
            rule(world, name, at, out if name == where else port[name, way[-2]])
    return world


def rule(world: NetworkWorld, name: str, mac: int, port: int) -> None:
    """An entry: packets to this address leave by this port."""
    todo = Instructions((("output", port, 0xFFFF),))
    switch = world.switch(name)
    assert switch is not None
    mod = FlowMod(messages.ADD, 0, 1, make_match(eth_dst=mac), todo)
    assert list(switch.message(encode_flow_mod(mod), 0, 0.0)) == []


def full_check(repeat: int) -> float:
    """Milliseconds of all pair invariants on all 240 pairs, nothing remembered."""
    world = fat_tree()

    def check() -> None:
        for switch in world.wiring.switches.values():
            assert switch is not None
            switch.forwarding.changed()
        invariants = pair_invariants(Policy(), True)
        assert check_all(invariants, world.observe(), memories(invariants), 0) is None

    return best(4 * repeat, check) * 1000


def incremental_check(repeat: int) -> float:
    """Milliseconds of the same after one entry changed, mean over all switches.

    On each, the entry towards h1 is made to ask the controller, and then put back: one check after each.
    """
    world = fat_tree()
    invariants = pair_invariants(Policy(), True)
    memory = memories(invariants)
    assert check_all(invariants, world.observe(), memory, 0) is None
    wanted = make_match(eth_dst=1)
    outs: dict[str, int] = {}
    for name in world.topology.switches:
        switch = world.switch(name)
        assert switch is not None
        entry = next(e for e in switch.forwarding.tables[0] if e.match == wanted)
        outs[name] = int(entry.instructions.apply[0][1])

    def check() -> None:
        for name, out in outs.items():
            for port in (int(Port.CONTROLLER), out):
                rule(world, name, 1, port)
                assert check_all(invariants, world.observe(), memory, 0) is None

    return best(2 * repeat, check) * 1000 / len(outs) / 2


def ring_of_faucet(repeat: int) -> float:
    """Seconds of 36 virtual seconds of c65faucet in charge of a ring (start and handshake not counted)."""
    topology = find_topology(f"ring:{RING}")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "faucet.yaml"
        config.write_text(written_for(topology))
        world = NetworkWorld(topology, [faucet.in_process("c1", config)])
        took = []
        for seed in range(max(2, repeat // 2)):
            world.reset(seed)
            world.offer(number((External(Kind.INJECT, ("c1",), "wait", {"seconds": 36}),)))
            begin = time.process_time()
            while enabled := world.enabled():
                failure = world.take(enabled[0]).failure
                if failure is not None:
                    raise TargetError(f"c65faucet: {failure}")
            took.append(time.process_time() - begin)
            assert world.clock.now >= 36
        world.close()
    return min(took)


def pysyncobj(repeat: int) -> float:
    """Events a second of three nodes over TCP: start-up and every invariant after every event included."""
    return max(walk(PYSYNCOBJ, seed) for seed in range(repeat))


def pysyncobj_alone(repeat: int) -> float:
    """The same events, without reading nodes for invariants; start-up is not counted."""
    return max(walk(PYSYNCOBJ, seed, alone=True) for seed in range(repeat))


def walk(target: Target, seed: int, steps: int = 5000, *, alone: bool = False) -> float:
    """Events a second of random walks of 500; alone: nobody looks at nodes, resets are not counted.

    An event is a message delivered, a thread that goes on, or a timer that fires.
    """
    config = configure(target)
    world, invariants = target.make(config), () if alone else target.invariants(config)
    commands = number(External(Kind.INJECT, ("n1",), "command", {"value": i}) for i in range(6))
    seconds, done, resets = 0.0, 0, 0
    while done < steps:
        begin = time.process_time()
        world.reset(resets)
        if alone:
            begin = time.process_time()
        world.offer(commands)
        view = None if alone else world.observe()
        unit, memory = Draws(resets + seed).unit, memories(invariants)
        resets += 1
        for step in range(500):
            enabled = world.enabled()
            done += 1
            broken = world.take(enabled[int(unit() * len(enabled))]).failure is not None
            if broken or (view and check_all(invariants, view, memory, step) is not None):
                break
        seconds += time.process_time() - begin
    world.close()
    return done / seconds


ROWS: tuple[tuple[str, str, Callable[[int], float], str], ...] = (
    ("fresh world (os-ken, 3 switches)", "{:.2f} ms", fresh_world, "< 2 ms"),
    ("learning switch", "{:,.0f} events/s", learning_switch, ">= 15,000"),
    ("full check, fat tree of 20 switches", "{:.2f} ms", full_check, "< 5 ms"),
    ("check after one changed entry", "{:.2f} ms", incremental_check, "< 1 ms"),
    ("c65faucet ring, 36 virtual s", "{:.3f} s", ring_of_faucet, "< 0.5 s"),
    ("pysyncobj over TCP, resets and invariants", "{:,.0f} events/s", pysyncobj, ">= 40,000"),
    ("pysyncobj over TCP, events alone", "{:,.0f} events/s", pysyncobj_alone, ">= 40,000"),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    args = parser.parse_args()
    table = Table("what", "measured", "goal")
    for name, form, measure, goal in ROWS:
        if args.only in name:
            table.add_row(name, form.format(measure(args.repeat)), goal)
    Console().print(table)


if __name__ == "__main__":
    main()

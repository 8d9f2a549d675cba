"""Engine speed and memory on the five-node Raft, one core: a table, medians of several runs.

    python benchmarks/engine.py [--quick]

Not a test: nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from demi.events import External, Kind, Program, number
from demi.interpose.actor import Context, Node
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step
from demi.scheduler.execute import Subject, execute
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.record import Recorder, make_footer, make_header
from demi.scheduler.src_dst_fifo import SrcDstFifo
from demi.target import Target, configure
from demi.trace import Entry
from demi.trace_codec import TraceWriter
from targets.raft import TARGET

ROUNDS = 5


def raft(invariants: bool) -> Subject:
    """The fixed Raft with five nodes."""
    subject = Subject(TARGET, configure(TARGET, "none", {"nodes": 5}))
    if not invariants:
        subject.invariants = ()
    return subject


def bootstrap(subject: Subject) -> Program:
    """Start every node and give the cluster a few commands."""
    names = subject.world.names
    boots = [External(Kind.INJECT, (name,), "bootstrap") for name in names]
    commands = [
        External(Kind.INJECT, (name,), "client", {"cmd": f"c{i}"}) for i, name in enumerate(names)
    ]
    return Program(number(boots + commands))


def rate(work: Callable[[], int]) -> float:
    """Median units per CPU second of several rounds; a round returns its units."""
    rates = []
    for _ in range(ROUNDS):
        gc.collect()
        gc.disable()
        started = time.process_time()
        units = work()
        rates.append(units / (time.process_time() - started))
        gc.enable()
    return statistics.median(rates)


def bare(steps: int, invariants: bool) -> float:
    """Deliveries per second without a trace."""
    subject = raft(invariants)
    program = bootstrap(subject)
    return rate(lambda: execute(subject, RandomWalk(), 1, program=program, steps=steps).steps)


def traced(steps: int) -> float:
    """Deliveries per second with invariants and the trace written to disk."""
    subject = raft(True)

    def work() -> int:
        with tempfile.TemporaryDirectory() as place:
            return write_run(subject, steps, Path(place) / "run.jsonl")

    return rate(work)


class FileRecorder(Recorder):
    """Streams a run to a file; the header needs what happened at the start, so it is opened then."""

    def __init__(self, subject: Subject, path: Path) -> None:
        super().__init__(subject.world, self._write)
        self._subject = subject
        self._path = path

    def began(self, boot: Step) -> None:
        super().began(boot)
        header = make_header(
            self._subject.world, target=TARGET.name, config=self._subject.config,
            strategy="srcdstfifo", seed=1, boot=self.boot,
        )  # fmt: skip
        self.writer = TraceWriter(self._path, header)

    def _write(self, entry: Entry) -> None:
        self.writer.write(entry)


def write_run(subject: Subject, steps: int, path: Path) -> int:
    """One recorded run, streamed to a file."""
    recorder = FileRecorder(subject, path)
    outcome = execute(
        subject, SrcDstFifo(), 1, program=bootstrap(subject), steps=steps, observer=recorder
    )
    recorder.writer.close(make_footer(outcome))
    return outcome.steps


def empty_runs(count: int) -> float:
    """Runs per second of a run without a step: what a reset costs."""
    subject = raft(True)

    def work() -> int:
        for seed in range(count):
            execute(subject, RandomWalk(), seed, steps=0)
        return count

    return rate(work)


class Juggler(Node):
    """Keeps a constant number of messages in flight: answers each with one."""

    def on_start(self, ctx: Context) -> None:
        self.peers = ctx.peers
        self.turn = 0

    def on_message(self, ctx: Context, sender: str, msg: object) -> None:
        if sender == "ext":
            for i in range(int(msg[1]["count"])):  # type: ignore[index]
                ctx.send(self.peers[i % len(self.peers)], ("ball", i))
            return
        self.turn = (self.turn + 1) % len(self.peers)
        ctx.send(self.peers[self.turn], msg)


def pending(count: int, steps: int, network: str) -> float:
    """Deliveries per second with `count` messages in flight."""
    names = [f"n{i}" for i in range(1, 6)]
    world = ActorWorld(dict.fromkeys(names, Juggler), network=network)
    target = Target("juggler", "", lambda c: world, lambda c: (), lambda c: None)  # type: ignore[arg-type,return-value]
    subject = Subject(target, {})
    share = count // len(names)
    inputs = [External(Kind.INJECT, (name,), "throw", {"count": share}) for name in names]
    program = Program(number(inputs))
    return rate(lambda: execute(subject, RandomWalk(), 1, program=program, steps=steps).steps)


def memory(events: int) -> tuple[float, float]:
    """Resident MB after a tenth of a long recorded run and at its end."""
    process = psutil.Process()
    marks: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        for steps in (events // 10, events):
            write_run(raft(True), steps, Path(place) / "long.jsonl")
            marks.append(process.memory_info().rss / 1e6)
    return marks[0], marks[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    scale = 10 if parser.parse_args().quick else 1
    steps = 200_000 // scale
    table = Table(title="engine, 5-node Raft, one core (median of 5)")
    for column in ("what", "measured", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    table.add_row("deliveries/s, bare", f"{bare(steps, False):,.0f}", "400,000")
    table.add_row("deliveries/s, invariants", f"{bare(steps, True):,.0f}", "")
    table.add_row("deliveries/s, trace + invariants", f"{traced(steps // 2):,.0f}", "150,000")
    table.add_row("empty runs/s", f"{empty_runs(20_000 // scale):,.0f}", "10,000")
    for network in ("fifo", "bag"):
        slow = pending(10, steps, network) / pending(1000, steps, network)
        table.add_row(f"slow-down 10 -> 1,000 pending, {network}", f"{slow:.2f}x", "1.5x")
    first, last = memory(1_000_000 // scale)
    table.add_row(f"MB at {100_000 // scale:,} and {1_000_000 // scale:,} events",
                  f"{first:.0f}, {last:.0f}", "flat")  # fmt: skip
    Console(width=80).print(table)


if __name__ == "__main__":
    main()

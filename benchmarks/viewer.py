"""The viewer on a long trace: time to the first screen, time of a key, memory.

    python benchmarks/viewer.py [STEPS]        # 1 000 000 without an argument

Times are CPU seconds of this process (user and system): on a machine that does other things as well, wall
time measures those.  "while reading": the facts of later steps are still being folded in the background.
A key's time is what it does to the model, and drawing the whole screen (all lanes and panels) again.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from demi.trace import Entry, Footer, Header
from demi.trace_codec import TraceWriter
from demi.verdict import Verdict
from demi.viewer.app import Viewer
from demi.viewer.start import Wish, prepared
from demi.viewer.widgets import Sheet

NODES = 5
SIZE = (200, 60)
KEYS = (
    "down",
    "up",
    "page_down",
    "page_up",
    "last",
    "first",
    "next_on_node",
    "cause",
    "effect",
    "follow",
)
TYPED = ("goto", "search", "filter")


def long_trace(path: Path, steps: int) -> None:
    """Nodes that answer each other: every step sends one message and changes two fields."""
    names = tuple(f"n{number + 1}" for number in range(NODES))
    state = {name: {"role": "follower", "term": 0, "log": []} for name in names}
    header = Header(
        "long", {}, names, strategy="fifo", boot={"out": ["n1>n2:Append#1"], "state": state}
    )
    writer = TraceWriter(path, header)
    for step in range(steps):
        src, dst, after = (names[(step + by) % NODES] for by in (0, 1, 2))
        nth, following = step // NODES + 1, (step + 1) // NODES + 1
        writer.write(
            Entry(
                f"{src}>{dst}:Append#{nth}", msg={"term": step // 1000, "entries": [step, f"x={step}"]},
                out=(f"{dst}>{after}:Append#{following}",), en=4, st="0a1b2c3d",
                delta={"term": step // 1000, "log": {"+": [step]}},
            )
        )  # fmt: skip
    writer.close(Footer(Verdict.NOT_FOUND, "step budget", steps))


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory() -> float:
    """Resident megabytes now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def drawn(app: Viewer) -> None:
    """Draw all that is on the screen."""
    lanes = app.query_one("#lanes")
    for y in range(lanes.size.height):
        lanes.render_line(y)
    for sheet in app.query(Sheet):
        sheet.render_lines(sheet.size.region)


def key(app: Viewer, action: str) -> float:
    """CPU milliseconds of one key, drawing included."""
    before = cpu()
    app.action_act(action)
    drawn(app)
    return 1000 * (cpu() - before)


async def keys(app: Viewer, word: str) -> None:
    """Each key ten times; prints the slowest."""
    times: dict[str, float] = {}
    for step in range(10):
        app.model.goto(str(1 + step * app.model.steps // 11))
        for action in KEYS:
            times[action] = max(times.get(action, 0.0), key(app, action))
    slowest = max(times, key=lambda action: times[action])
    print(
        f"key, {word:<14} slowest {times[slowest]:6.1f} ms ({slowest})   median of the slowest "
        f"{sorted(times.values())[len(times) // 2]:6.1f} ms"
    )


async def measure(path: Path) -> None:
    base, wall, before = memory(), time.perf_counter(), cpu()
    app = prepared(path, Wish())
    async with app.run_test(size=SIZE) as pilot:
        drawn(app)
        print(
            f"opens            {cpu() - before:6.2f} s CPU, {time.perf_counter() - wall:.2f} s wall"
        )
        print(f"memory           {memory() - base:6.0f} MB more than before it was opened")
        await keys(app, "while reading")
        before = cpu()
        while app.model.reading:
            app._tick()
        print(f"reading it all   {cpu() - before:6.1f} s CPU in the background")
        print(f"memory           {memory() - base:6.0f} MB more")
        await keys(app, "all read")
        for what, text in (("search", "no such thing"), ("filter", "node:n3 term>=900")):
            before, turns, slowest = cpu(), 0, 0.0
            (app.model.search if what == "search" else app.model.set_filter)(text)
            while app.model.work is not None:
                now = cpu()
                app._tick()
                slowest, turns = max(slowest, cpu() - now), turns + 1
            print(f"{what:<16} {cpu() - before:6.1f} s CPU, longest slice {1000 * slowest:.1f} ms")
        await keys(app, "filtered")
        print(f"memory           {memory() - base:6.0f} MB more")
        await pilot.pause()


def main() -> None:
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.jsonl"
        long_trace(path, steps)
        print(
            f"{steps} steps, {path.stat().st_size / 1e6:.0f} MB, {NODES} nodes, screen {SIZE[0]}x{SIZE[1]}"
        )
        asyncio.run(measure(path))


if __name__ == "__main__":
    main()

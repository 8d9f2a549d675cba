"""The worked cases of the target sdn beside STS: inputs, minimal sequence, seconds, replays.

    python benchmarks/sdn.py [--seeds 5] [--bug NAME ...] [--black-box]

Ours: medians (worst) over seeds, CPU seconds of one core for finding and shrinking together, without
importing os-ken.  Inputs: how many a run draws, how many had happened when it broke, how many are left.
The certificate (what happens without each event) is part of the replays.

--black-box: also R1 with its controller as a child process, once (some two minutes).  Each candidate is run
up to three times; seconds are those that this process and its children were busy, and those that passed;
the result is run again 20 times, and how often it fails stands there with its 95 % interval (Wilson).

STS's figures are single runs of 2013 in wall-clock time (SIGCOMM'14, table 1; replays from its logs), of
other controllers on other machines: kinds of bugs are compared, not programs.  A row that has no
counterpart here says so.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from demi.fuzz.hunt import Plan, hunt, matches, record_run
from demi.minimizer.minimize import minimize
from demi.minimizer.repeat import minimize_repeated
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.sdn import TARGET

RUNS_MAX = 2000
SEED_STRIDE = 100_000
REPEATS = 3  # of a candidate, where a run need not repeat
NOT = ""
PUBLISHED = (  # STS's name, our case, its inputs -> MCS, seconds, replays
    ("POX migration black hole", "R1", "29 > 3", "1796.0", ""),
    ("(none: link cut)", "R2", "", "", ""),
    ("(none: os-ken's own defect)", "R4", "", "", ""),
    ("(none: os-ken's own defect)", "ghost-switch", "", "", ""),
    ("(none: os-ken's own defect)", "ghost-link", "", "", ""),
    ("POX in-flight black hole", "in-flight", "46 > 7", "641.1", "39"),
    ("POX premature PacketIn", "premature-packet-in", "102 > 2", "249.1", "7"),
    ("NOX discovery loop", "discovery-loop", "150 > 18", "4990.9", "43"),
    ("Overlapping flow entries", "overlapping-entries", "27 > 2", "115.4", ""),
    ("POX load balancer", "load-balancer", "106 > 24", "2396.7", ""),
    ("Floodlight failover", "failover", "202 > 2", "", ""),
    ("Null pointer on a rare path", "null-pointer", "62 > 2", "157.4", "7"),
    ("Delicate timer interleaving", "timer-interleaving", "39 > 39", "", ""),
    ("Memory leak", "memory-leak", "719 > 30", "15022.6", "77"),
    ("Memory corruption", "memory-corruption", "341 > 2", "145.7", "13"),
    ("Multithreaded race", "thread-race", "1596 > 2", "36967.5", "11"),
    ("Pyretic loop", NOT, "36 > 2", "266.2", ""),
    ("Floodlight loop", NOT, "117 > 13", "27930.6", "324"),
    ("ONOS database locking", NOT, "1 > 1", "", ""),
    ("ONOS master election", NOT, "30 > 3", "6325.2", ""),
    ("Algorithm misimplementation", NOT, "40 > 7", "525.2", ""),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--bug", action="append", help="only these; repeatable")
    parser.add_argument("--black-box", action="store_true", help="also R1 with a child process")
    options = parser.parse_args()
    title = f"sdn in process, {TARGET.version({})}, {options.seeds} seeds: median (worst)"
    table = Table(title=title)
    for column in ("STS's row", "case", "runs", "inputs", "left", "events", "replays", "CPU s"):
        left = column in ("STS's row", "case")
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for column in ("STS", "s", "replays"):
        table.add_column(column, justify="right", style="dim", no_wrap=True)
    console = Console(width=190)
    for row, case, inputs, seconds, replays in PUBLISHED:
        if options.bug and case not in options.bug:
            continue
        ours = cells(case, options.seeds) if case else ["not rebuilt", *[""] * 6]
        table.add_row(row, *ours, inputs, seconds, replays)
        if case == "R1" and options.black_box:
            told_rate, ours = black_box(case)
            table.add_row("", *ours, "", "", "")
    console.print(table)
    if options.black_box:
        console.print(told_rate)


def cells(case: str, seeds: int) -> list[str]:
    """What stands in our columns."""
    subject = Subject(TARGET, configure(TARGET, case))  # imports the controller, once
    try:
        rows = [row for row in (measured(subject, case, s) for s in range(seeds)) if row]
    finally:
        subject.world.close()
    name = case if len(rows) == seeds else f"{case} ({len(rows)}/{seeds})"
    if not rows:
        return [name, *[""] * 6]
    runs, taken, left, before, after, replays, seconds = zip(*rows, strict=True)
    drawn = TARGET.profile(subject.config).items[1]
    return [
        name, told(runs), f"{drawn} > {told(taken)}", told(left),
        f"{told(before)} > {told(after)}", told(replays), told(seconds),
    ]  # fmt: skip


def black_box(case: str) -> tuple[str, list[str]]:
    """How often the result fails, and our columns, with the controller as a child process."""
    config = configure(TARGET, case, {"controller": "black-box"})
    subject = Subject(TARGET, config)
    profile, finds = TARGET.profile(config), TARGET.bugs[case].finds
    plan = Plan(profile, profile.strategy, steps=profile.steps, wanted=finds)
    began, passed = busy(), time.monotonic()
    number = next(
        n for n, outcome in hunt(subject, plan, iter(range(99))) if matches(plan, outcome)
    )
    original = record_run(subject, plan, number)
    report, rate = minimize_repeated(subject, original, REPEATS)
    subject.world.close()
    took, passed = busy() - began, time.monotonic() - passed
    small = report.trace
    columns = [
        f"{case}, black box", str(number + 1), f"{profile.items[1]} > {original.externals}",
        str(small.externals), f"{len(original)} > {len(small)}", str(report.replays),
        f"{took:.0f} ({passed:.0f} passed)",
    ]  # fmt: skip
    return f"{case} as a black box: the result fails in {rate.text} runs", columns


def busy() -> float:
    """CPU seconds of this process and its children."""
    return sum(os.times()[:4])


def told(values: Sequence[float]) -> str:
    """`median (worst)`, or the one value that all have."""
    middle, worst = statistics.median(values), max(values)
    digits = ".0f" if all(value == int(value) for value in values) else ".2f"
    same = min(values) == worst
    return f"{middle:{digits}}" if same else f"{middle:{digits}} ({worst:{digits}})"


def measured(subject: Subject, case: str, seed: int) -> tuple[float, ...] | None:
    """(runs, inputs taken, inputs left, events before, after, replays, CPU seconds); None: not found."""
    profile = TARGET.profile(subject.config)
    plan = Plan(
        profile, profile.strategy, seed=seed * SEED_STRIDE, steps=profile.steps,
        wanted=TARGET.bugs[case].finds,
    )  # fmt: skip
    began = time.process_time()
    for number, outcome in hunt(subject, plan, iter(range(RUNS_MAX))):
        if matches(plan, outcome):
            original = record_run(subject, plan, number)
            report = minimize(subject, original)
            small, took = report.trace, time.process_time() - began
            before, after = len(original), len(small)
            counts = (original.externals, small.externals, before, after)
            return number + 1, *counts, report.replays, took
    return None


if __name__ == "__main__":
    main()

"""Going back in an asyncio world: running the prefix again, or a fork at the branch.

    python benchmarks/asyncio_fork.py

A search that returns to a branch point needs the world as it was there.  Coroutines cannot be copied, so
there are two ways: run the prefix again, or fork the process there and let the child go on.  Both are
measured on aiohttp_shop with 2 and with 40 buyers, at a quarter, half and three quarters of the run, in
CPU milliseconds of parent and child; a fork pays where `again` is more than `fork`.  Not a test.
"""

from __future__ import annotations

import os
import resource
import statistics
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from demi.events import External, Kind, Program, number
from demi.interpose.world import World
from demi.scheduler.execute import Choices, Subject, execute
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.record import Taken
from targets.aiohttp_shop import TARGET

ROUNDS = 25
SEED = 7
ANSWER = b"." * 2000  # what a branch tells: about a trace of ten events


def run(subject: Subject, buyers: int) -> list[Taken]:
    """The choices of a whole run with so many buyers."""
    buys = [External(Kind.INJECT, ("buyers",), "buy", {"order": f"o{i}"}) for i in range(buyers)]
    choices = Choices(subject.world)
    program = Program(number(buys))
    execute(subject, RandomWalk(), SEED, program=program, steps=2000, observer=choices)
    return choices.taken


def take(world: World, choices: list[Taken]) -> None:
    """Make choices."""
    for choice in choices:
        world.take(world.offer((choice,))[0] if isinstance(choice, External) else choice)


def cpu() -> float:
    """CPU milliseconds of this process and of the children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1000 * sum(one.ru_utime + one.ru_stime for one in used)


def median(work: Callable[[], None]) -> float:
    """CPU milliseconds."""
    found = []
    for _ in range(ROUNDS):
        before = cpu()
        work()
        found.append(cpu() - before)
    return statistics.median(found)


def again(world: World, prefix: list[Taken]) -> None:
    """Back to the branch by running the prefix."""
    world.reset(SEED)
    take(world, prefix)


def forked(world: World, rest: list[Taken]) -> None:
    """The rest of the run in a child, which answers through a pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        take(world, rest)
        os.write(writing, ANSWER)
        os._exit(0)
    os.close(writing)
    os.read(reading, len(ANSWER))
    os.close(reading)
    os.waitpid(child, 0)


def main() -> None:
    """Print the table."""
    subject = Subject(TARGET, {**TARGET.defaults, "variant": "fixed"})
    world = subject.world
    table = Table(title="back to a branch of aiohttp_shop, CPU ms (medians)")
    for column in ("buyers", "events before", "again", "fork"):
        table.add_column(column, justify="right")
    for buyers in (2, 40):
        choices = run(subject, buyers)
        whole = median(lambda: again(world, choices))  # noqa: B023 - called at once
        for quarter in (1, 2, 3):
            at = len(choices) * quarter // 4
            prefix, rest = choices[:at], choices[at:]
            back = median(lambda: again(world, prefix))  # noqa: B023
            again(world, prefix)
            child = median(lambda: forked(world, rest))  # noqa: B023
            table.add_row(str(buyers), str(at), f"{back:.1f}", f"{child - (whole - back):.1f}")
    world.close()
    Console(width=80).print(table)


if __name__ == "__main__":
    main()

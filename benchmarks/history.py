"""The history checkers: seconds of CPU for long histories of one key, and of transactions.

    python benchmarks/history.py [--operations 10000] [--concurrency 5] [--seeds 5]

A register with values 0 to 4.  "reject": one corrupted read at 90 % of the history.  "unknown ends": 1 %
of the operations have an outcome that nobody knows.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from demi.history.linearizability import check_linearizable, worst
from demi.history.models import Register
from demi.history.operation import INFO, OK, Operation
from demi.history.transactions import find_anomalies


def register_history(
    size: int, clients: int, seed: int, corrupt: float = 0.0, unknown: float = 0.0
) -> list[Operation]:
    """Operations that took effect at a random moment between their begin and end."""
    draw = random.Random(seed)
    state: int | None = None
    under_way: dict[int, list[int | str | bool | None]] = {}
    idle, done, begun, at = list(range(clients)), [], 0, 0
    names = dict.fromkeys(idle, "")
    while begun < size or under_way:
        at += 1
        if idle and begun < size and (not under_way or draw.random() < 0.5):
            client = idle.pop(draw.randrange(len(idle)))
            f = draw.choice(["read", "write"])
            under_way[client] = [f, draw.randrange(5) if f == "write" else None, at, False, None]
            begun += 1
            continue
        client = draw.choice(sorted(under_way))
        for other in [client, *(c for c in sorted(under_way) if draw.random() < 0.3)]:
            one = under_way[other]
            if not one[3]:
                one[3] = True
                if one[0] == "write":
                    state = one[1]
                else:
                    one[4] = state
        f, value, call, _, told = under_way.pop(client)
        if corrupt and f == "read" and len(done) >= corrupt * size:
            told, corrupt = 99, 0.0
        process = f"{client}{names[client]}"
        lost = draw.random() < unknown
        names[client] += "'" * lost
        done.append(
            Operation(
                process, f, value, None if lost else told, INFO if lost else OK, call,
                None if lost else at,
            )
        )  # fmt: skip
        idle.append(client)
    return sorted(done, key=lambda one: one.call)


def transactions(size: int, clients: int, seed: int) -> list[Operation]:
    """Serial transactions of up to 4 steps over rotating keys, reported with some overlap."""
    draw = random.Random(seed)
    lists: dict[int, list[int]] = {}
    found = []
    for number in range(size):
        steps = []
        for _ in range(draw.randrange(1, 5)):
            key = number // 50 + draw.randrange(3)
            if draw.random() < 0.5:
                value = len(lists.setdefault(key, []))
                lists[key].append(value)
                steps.append(("append", key, value))
            else:
                steps.append(("r", key, tuple(lists.get(key, ()))))
        told = tuple(steps)
        call, back = 10 * number, 10 * number + draw.randrange(1, 10 * clients)
        found.append(Operation(str(number % clients), "txn", told, told, OK, call, back))
    return found


def measured(work: Callable[[int], tuple[Callable[[], str], int]], seeds: int) -> tuple[str, str]:
    """(what it says, median and worst CPU seconds) over several seeds."""
    seconds, said = [], set()
    for seed in range(seeds):
        check, _ = work(seed)
        began = time.process_time()
        said.add(check())
        seconds.append(time.process_time() - began)
    return ", ".join(sorted(said)), f"{statistics.median(seconds):.3f} ({max(seconds):.3f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    size, clients = options.operations, options.concurrency
    table = Table(title=f"{size:,} operations, concurrency {clients}, {options.seeds} seeds")
    for column in ("history", "verdict", "CPU s, median (worst)"):
        table.add_column(column)

    def register(**how: float) -> Callable[[int], tuple[Callable[[], str], int]]:
        def work(seed: int) -> tuple[Callable[[], str], int]:
            operations = register_history(size, clients, seed, **how)
            return lambda: worst(check_linearizable(Register(), operations)).value, size

        return work

    def serial(seed: int) -> tuple[Callable[[], str], int]:
        found = transactions(size, clients, seed)
        return lambda: f"{len(find_anomalies(found))} anomalies", size

    for name, work in {
        "register, accept": register(),
        "register, reject": register(corrupt=0.9),
        "register, unknown ends": register(unknown=0.01),
        "list-append, accept": serial,
    }.items():
        table.add_row(name, *measured(work, options.seeds))
    Console(width=80).print(table)


if __name__ == "__main__":
    main()

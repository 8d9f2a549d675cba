"""Other simulators of asyncio on the same programs, each in its own process.

    python benchmarks/asyncio_peers.py PEER ROUNDS     one JSON line per program

Run by `asyncio_programs.py` with the interpreter of an environment that holds them, and nothing of demi.
A program that a peer cannot run is a line with the reason.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from asyncio_workloads import HOST, PROGRAMS, Main, lost_update, rate

Run = Callable[[Main, int], Any]
"""run(main, seed): one run under a random schedule; returns what main returns."""
SEEDS = 20  # runs of the lost update


def asyncio_itself() -> Run:
    return lambda main, seed: asyncio.run(main())  # type: ignore[arg-type]


def detangle() -> Run:
    import detangle as tool

    return lambda main, seed: tool.run(main, seed=seed)


def simloom() -> Run:
    import simloom as tool

    def run(main: Main, seed: int) -> Any:
        done = tool.run(main, seed=seed, seed_randomness=True)
        return done.value if hasattr(done, "value") else done.result

    return run


def simloop() -> Run:
    import simloop as tool

    HOST[0] = "node"

    async def hosted(loop: Any, main: Main) -> Any:
        return await loop.net.host("node").create_task(main())

    def run(main: Main, seed: int) -> Any:
        loop = tool.SimLoop(seed)
        try:
            return loop.run_until_complete(hosted(loop, main))
        finally:
            loop.close()

    return run


PEERS = {"asyncio": asyncio_itself, "detangle": detangle, "simloom": simloom, "simloop": simloop}


def measured(run: Run, name: str, rounds: int) -> dict[str, Any]:
    """One program under one peer."""
    main, units, runs, _ = PROGRAMS[name]

    def work() -> int:
        for seed in range(runs):
            run(main, seed)
        return units * runs

    return {"program": name, "rate": rate(work, rounds)}


def updates(run: Run, rounds: int) -> dict[str, Any]:
    """The lost update, with the outcomes that were seen."""
    seen = set()

    def work() -> int:
        for seed in range(SEEDS):
            seen.add(run(lost_update, seed))
        return SEEDS

    return {"program": "aiohttp, 4 clients", "rate": rate(work, rounds), "seen": sorted(seen)}


def main() -> None:
    peer, rounds = sys.argv[1], int(sys.argv[2])
    run = PEERS[peer]()
    todo: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        (name, lambda name=name: measured(run, name, rounds))
        for name in PROGRAMS  # type: ignore[misc]
    ]
    todo.append(("aiohttp, 4 clients", lambda: updates(run, rounds)))
    for name, measure in todo:
        try:
            told = measure()
        except BaseException as error:
            told = {"program": name, "why": f"{type(error).__name__}: {error}".split("\n")[0][:200]}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

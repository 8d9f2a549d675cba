"""Exploration of threaded worlds leaves no final state out: each reduction against plain enumeration.

And the digest of a world tells apart what has different futures.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from enumeration import final_states

from demi.events import External, Kind
from demi.interpose.framing import Lines
from demi.interpose.threads import program as held
from demi.interpose.threads.world import ThreadsWorld

EXECUTIONS_MAX = 1_500
NODE = '''
import os, socket, threading, time

SEEN = []

def read(connection):
    try:
        for line in connection.makefile("rb"):
            SEEN.append(line.decode().strip())
        SEEN.append("end")
    except OSError as error:
        SEEN.append(type(error).__name__)
    connection.close()

def hears(name):
    """Notes every line and how its connection ended, one thread for each."""
    server = socket.create_server(("", 7))
    while True:
        threading.Thread(target=read, args=(server.accept()[0],)).start()

def late(name):
    """Listens after a while."""
    time.sleep(1)
    hears(name)

def rude(name):
    """Closes after the first line, whatever else is on its way."""
    server = socket.create_server(("", 7))
    while True:
        connection, _ = server.accept()
        SEEN.append(connection.makefile("rb").readline().decode().strip())
        connection.close()

def brief(name):
    """Ends its process after the first connection."""
    server = socket.create_server(("", 7))
    server.accept()
    os._exit(0)

def tell(to, lines, patience, keep):
    """Sends lines, and notes what came of it."""
    try:
        connection = socket.create_connection((to, 7), timeout=patience)
        for line in lines:
            connection.sendall(line.encode() + b"\\n")
            if keep:
                time.sleep(1)
        connection.close()
        SEEN.append("told")
    except OSError as error:
        SEEN.append(type(error).__name__)
'''


def told(host: str, to: str, *lines: str, patience: float = 9, keep: bool = False) -> External:
    args = {"to": to, "lines": list(lines), "patience": patience, "keep": keep}
    return External(Kind.INJECT, (host,), "tell", args)


def fault(kind: Kind, *nodes: str, one_way: bool = False) -> External:
    return External(kind, nodes, one_way=one_way)


def made(path: Path, mains: Sequence[str], timers: str = "free") -> ThreadsWorld:
    file = path / "small_node.py"
    file.write_text(NODE)

    def tell(modules: Any, args: Any) -> None:
        modules["small_node"].tell(args["to"], args["lines"], args["patience"], args["keep"])

    return ThreadsWorld(
        {f"n{i + 1}": held.Program(f"{file}:{main}") for i, main in enumerate(mains)},
        observe=lambda threads, modules: tuple(modules["small_node"].SEEN),
        inputs={"tell": tell},
        decoder=lambda port: Lines(),
        timers=timers,
    )


def ends(
    path: Path, mains: Sequence[str], externals: Sequence[External], algorithm: str, cap: int = 0
) -> tuple[set[str], int]:
    """See `final_states`."""
    return final_states(lambda: made(path, mains), len(mains), externals, algorithm, cap)


CASES: dict[str, tuple[Sequence[str], Sequence[External]]] = {
    "once": (["hears", "hears"], [told("n1", "n2", "a")]),
    "given up": (["hears", "hears"], [told("n1", "n2", "a", patience=1)]),
    "closed while sending": (["hears", "rude"], [told("n1", "n2", "a", "b", keep=True)]),
    "late": (["hears", "late"], [told("n1", "n2", "a")]),
    "ends itself": (["hears", "brief"], [told("n1", "n2", "a", keep=True)]),
    "cut": (["hears", "hears"], [told("n1", "n2", "a"), fault(Kind.CUT, "n1", "n2")]),
    "crash": (["hears", "hears"], [told("n1", "n2", "a"), fault(Kind.CRASH, "n2")]),
}


@pytest.mark.parametrize("case", CASES)
def test_every_final_state_is_reached(case: str, tmp_path: Path) -> None:
    mains, externals = CASES[case]
    truth, all_of_them = ends(tmp_path, mains, externals, "naive", EXECUTIONS_MAX)
    assert all_of_them > 0, "too large to compare"
    for algorithm in ("source", "optimal"):
        seen, executions = ends(tmp_path, mains, externals, algorithm)
        assert seen == truth, algorithm
        assert 0 < executions <= all_of_them


def random_case(seed: int) -> tuple[list[str], list[External]]:
    """Three nodes, two inputs or faults."""
    draw = random.Random(seed)
    names = ["n1", "n2", "n3"]
    mains = [draw.choice(["hears", "hears", "late", "rude", "brief"]) for _ in names]
    externals = []
    for _ in range(2):
        a, b = draw.sample(names, 2)
        lines = [draw.choice("xyz") for _ in range(draw.choice([1, 1, 2]))]
        externals.append(
            draw.choice([
                told(a, b, *lines), told(a, b, *lines, patience=1),
                told(a, b, *lines, keep=draw.choice([False, True])),
                fault(Kind.CRASH, a), fault(Kind.CUT, a, b), fault(Kind.CUT, a, b, one_way=True),
            ])
        )  # fmt: skip
    return mains, externals


def compared(path: Path, seeds: range) -> int:
    done = 0
    for seed in seeds:
        mains, externals = random_case(seed)
        truth, all_of_them = ends(path, mains, externals, "naive", EXECUTIONS_MAX)
        if all_of_them > 0:
            seen, executions = ends(path, mains, externals, "source")
            assert seen == truth, seed
            assert executions <= all_of_them, seed
            done += 1
    return done


def test_some_random_programs(tmp_path: Path) -> None:
    assert compared(tmp_path, range(3)) > 0


@pytest.mark.slow
def test_many_random_programs(tmp_path: Path) -> None:
    assert compared(tmp_path, range(100, 300)) > 50


LOCAL = """
import queue
BOX = queue.Queue()

def main(name):
    kept = BOX.get()
    BOX.get()
    print(kept)
"""


def test_what_only_a_local_variable_holds_is_part_of_a_state(tmp_path: Path) -> None:
    file = tmp_path / "local_node.py"
    file.write_text(LOCAL)
    world = ThreadsWorld(
        {"n1": held.Program(f"{file}:main")},
        inputs={"put": lambda modules, args: modules["local_node"].BOX.put(args)},
    )
    digests = []
    for args in (1, 2, 1):
        world.reset(0)
        world.take(world.offer((External(Kind.INJECT, ("n1",), "put", args),))[0])
        while enabled := world.enabled():
            world.take(enabled[0])
        digests.append((world.digest(), world.node_digest(0)))
    world.close()
    assert digests[0] == digests[2] != digests[1]
    assert digests[0][1] != digests[1][1]

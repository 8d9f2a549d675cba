"""Each module imports only from its floor and those below; the core stays silent and repeatable.

The one insight: the floor of a module follows from its path, so a new module without a floor fails
here before it can tie a knot.  Read with `ast`, nothing is imported; what is loaded by name at run
time (targets) is not seen, and is not meant to be.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE, ENGINES, OUTPUTS, FACES = 0, 3, 4, 5
TARGET_MAY_IMPORT = 1  # the nouns and the contract: a target never sees a scheduler
FLOORS = {
    **dict.fromkeys(("", "errors", "events", "verdict", "causality", "codec"), CORE),  # and trace*
    **dict.fromkeys(("target", "oracle", "interpose", "history"), 1),
    **dict.fromkeys(("scheduler",), 2),
    **dict.fromkeys(("fuzz", "dpor", "minimizer"), ENGINES),
    **dict.fromkeys(("export", "report", "render"), OUTPUTS),
    **dict.fromkeys(("cli", "__main__", "viewer", "pytest_plugin", "testing"), FACES),
}
ONLY_IN = {
    "typer": {"cli"},
    "textual": {"viewer"},
    "rich": {room for room, floor in FLOORS.items() if floor >= OUTPUTS},
}
WALL_CLOCK = {"time.time", "time.time_ns"} | {
    f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")
}
HELD = "targets/sdn/apps/"  # programs under test: their clock is a stand-in's
UNPICKLE = {"pickle.load", "pickle.loads", "pickle.Unpickler"}


def floor_of(room: str) -> int | None:
    return CORE if room.startswith("trace") else FLOORS.get(room)


def room_of(module: str) -> str:
    """`demi.fuzz.corpus` -> `fuzz`; the package itself -> ``."""
    return [*module.split("."), ""][1]


def imports(tree: ast.AST, package: list[str]) -> Iterator[tuple[int, str, str, str]]:
    """(line, what is imported, the name it binds, what that name means), relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                meaning = alias.name if alias.asname else top
                yield node.lineno, alias.name, alias.asname or top, meaning
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            for alias in node.names:
                full = ".".join([*base, alias.name])
                yield node.lineno, full, alias.asname or alias.name, full


def import_fault(top: str, room: str, imported: str) -> str:
    """Why the module in `room` of package `top` may not import `imported`; empty when it may."""
    floor = floor_of(room) if top == "demi" else None
    their_top, their_room = imported.split(".", 1)[0], room_of(imported)
    if their_top == "demi":
        theirs = floor_of(their_room)
        limit = TARGET_MAY_IMPORT if floor is None else floor
        if theirs is not None and theirs > limit:  # None: a plain name, or reported at its own file
            return f"imports {imported} from floor {theirs}; floor {limit} is the limit here"
        if floor == theirs == ENGINES and room != their_room:
            return f"engine {room} imports engine {their_room}; the command line wires them"
    elif their_top == "targets":
        if floor is not None and floor < FACES:
            return f"imports {imported}; a target is loaded by name"
    elif top == "demi" and their_top in ONLY_IN and room not in ONLY_IN[their_top]:
        return f"imports {their_top}; only {', '.join(sorted(ONLY_IN[their_top]))} may"
    elif top == "targets" and their_top in ONLY_IN:
        return f"imports {their_top}; a target shows nothing"
    elif floor == CORE and their_top not in sys.stdlib_module_names | {"msgspec"}:
        return f"imports {their_top}; floor 0 has the standard library and msgspec"
    return ""


def use_fault(name: str, *, called: bool, quiet: bool, repeatable: bool, sealed: bool) -> str:
    """Why `name` (resolved through the imports) may not be used in a module of these kinds."""
    if repeatable and name.startswith("random.") and name.split(".")[1] != "Random":
        return f"{name} draws from the shared stream; use a seeded random.Random"
    if repeatable and called and name in WALL_CLOCK:
        return f"{name}() reads the wall clock"
    if sealed and name in UNPICKLE:
        return f"{name}: loading a trace never unpickles"
    if quiet and called and name == "print":
        return "print() outside the outputs and the faces"
    return ""


def violations(path: str, source: str) -> list[str]:
    """All faults of one file, as `path:line: what`; `path` is relative to the root."""
    parts = path.removesuffix(".py").split("/")
    package = parts[:-1]
    top, room = parts[0], "" if path == "demi/__init__.py" else parts[1]
    floor = floor_of(room) if top == "demi" else None
    if top == "demi" and floor is None:
        return [f"{path}:1: demi.{room} has no floor; give it a floor in tests/test_floors.py"]
    tree = ast.parse(source, path)
    kinds = {
        "quiet": floor is not None and floor <= ENGINES,
        "repeatable": (floor is None or floor <= ENGINES) and not path.startswith(HELD),
        "sealed": top == "demi" and (room.startswith("trace") or room == "cli"),
    }
    faults, meanings = set(), {"print": "print"}
    for line, imported, bound, meaning in imports(tree, package):
        meanings[bound] = meaning
        faults.add((line, import_fault(top, room, imported)))
        faults.add((line, use_fault(imported, called=False, **kinds)))

    def resolve(node: ast.AST) -> str:
        if isinstance(node, ast.Attribute):
            owner = resolve(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return meanings.get(node.id, "") if isinstance(node, ast.Name) else ""

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            faults.add((node.lineno, use_fault(resolve(node), called=False, **kinds)))
        elif isinstance(node, ast.Call):
            faults.add((node.lineno, use_fault(resolve(node.func), called=True, **kinds)))
    return [f"{path}:{line}: {fault}" for line, fault in sorted(faults) if fault]


def test_every_module_keeps_to_its_floor() -> None:
    files = [file for top in ("demi", "targets") for file in sorted((ROOT / top).rglob("*.py"))]
    assert files, f"no modules under {ROOT}: the check looks in the wrong place"
    found = [
        fault
        for file in files
        for fault in violations(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("demi/novel.py", "", "demi/novel.py:1: demi.novel has no floor"),
        ("demi/events.py", "\nimport demi.scheduler.loop", "demi/events.py:2: imports demi.sch"),
        ("demi/events.py", "from demi import fuzz", "from floor 3"),
        ("demi/scheduler/pct.py", "from ..fuzz import corpus", "from floor 3"),
        ("demi/scheduler/__init__.py", "from ..cli.main import run", "from floor 5"),
        ("demi/oracle.py", "def f():\n  from .report import table", "demi/oracle.py:2: imports"),
        ("demi/fuzz/run.py", "from demi.dpor import explore", "engine fuzz imports engine dpor"),
        ("demi/fuzz/run.py", "from targets.raft import TARGET", "loaded by name"),
        ("targets/raft/node.py", "from demi.scheduler import loop", "from floor 2"),
        ("targets/raft/node.py", "import rich", "a target shows nothing"),
        ("demi/report.py", "import typer", "only cli may"),
        ("demi/cli/main.py", "from textual.app import App", "only viewer may"),
        ("demi/dpor/sleep.py", "from rich.table import Table", "imports rich"),
        ("demi/causality.py", "import networkx", "standard library"),
        ("demi/fuzz/run.py", "import random as r\nr.shuffle([])", "run.py:2: random.shuffle"),
        ("targets/raft/node.py", "from random import choice", "random.choice draws"),
        ("demi/scheduler/pos.py", "import time\ntime.time()", "pos.py:2: time.time() reads"),
        ("targets/raft/node.py", "from time import time_ns as t\nt()", "time.time_ns() reads"),
        ("demi/errors.py", "from datetime import datetime as d\nd.now()", "datetime.now() reads"),
        ("demi/tracefile.py", "import pickle\npickle.loads(b'')", "never unpickles"),
        ("demi/cli/replay.py", "from pickle import load", "never unpickles"),
        ("demi/minimizer/ddmin.py", "def f():\n  print(1)", "ddmin.py:2: print()"),
    ],
)
def test_the_check_can_fail(path: str, source: str, expected: str) -> None:
    found = violations(path, source)
    assert len(found) == 1
    assert expected in found[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("demi/trace.py", "from demi import __version__\nimport msgspec\nfrom .errors import E"),
        ("demi/fuzz/run.py", "from .corpus import Corpus\nfrom ..scheduler import loop"),
        ("demi/fuzz/run.py", "import random, time\nrandom.Random(1)\ntime.monotonic()"),
        ("demi/scheduler/pos.py", "from random import Random\nclass R(Random): ..."),
        ("demi/interpose/net.py", "import pickle, time\npickle.loads(b'')\nclock = time.time"),
        ("demi/cli/main.py", "import typer, rich\nfrom demi.viewer.app import show\nprint()"),
        ("targets/sdn/app.py", "from targets.raft import node\nfrom demi.target import Target"),
    ],
)
def test_the_check_lets_pass(path: str, source: str) -> None:
    assert violations(path, source) == []

"""Lines of a target that may differ from run to run, read from its source without running anything.

The one insight: once a run is known not to repeat, a short list of suspicious lines in the code at hand is
worth more than a list of usual causes.  A suspicion is no proof: a clock that decides nothing is harmless.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from demi.target import Target

SHOWN_MAX = 6  # more would not be read
_CALLS = {
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "datetime.now",
    "datetime.utcnow", "datetime.datetime.now", "os.urandom", "uuid.uuid1", "uuid.uuid4", "id", "hash",
    "os.getpid", "secrets.token_hex", "secrets.token_bytes", "next",
}  # fmt: skip
_CONTAINERS = {"list", "dict", "set", "deque", "defaultdict", "Counter", "OrderedDict", "bytearray"}
_CHANGES = {
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "popleft", "popitem", "appendleft",
    "remove", "discard", "clear",
}  # fmt: skip
_WHY = {"next": "draws from something kept between runs?", "hash": "differs with the hash seed"}


def suspects(target: Target) -> list[str]:
    """`file.py:12: calls time.time()`, in the modules that the target's code comes from."""
    found: list[str] = []
    for path in _files(target):
        try:
            tree = ast.parse(path.read_text("utf-8"), str(path))
        except (OSError, SyntaxError, ValueError):
            continue
        shown = os.path.relpath(path)
        lines = sorted({*_faults(tree), *_kept(tree)})
        found += [f"{shown}:{line}: {why}" for line, why in lines]
    return found[:SHOWN_MAX]


def _files(target: Target) -> list[Path]:
    """The files that hold the target or make it, then those of their packages."""
    modules = {
        Path(file).resolve(): module
        for module in list(sys.modules.values())
        if isinstance(file := getattr(module, "__file__", None), str) and file.endswith(".py")
    }
    made = inspect.getsourcefile(inspect.unwrap(target.make))
    homes = {
        file
        for file, module in modules.items()
        if any(one is target for one in vars(module).values())
    }
    homes |= {Path(made).resolve()} if made else set()
    packages = {file.parent for file in homes if (file.parent / "__init__.py").is_file()}
    near = {file for file in modules if any(file.is_relative_to(one) for one in packages)}
    return [*sorted(homes), *sorted(near - homes)]


def _faults(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = (
                ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
            )
            if name in _CALLS or (name.startswith("random.") and name != "random.Random"):
                yield node.lineno, f"calls {name}()" + (f": {_WHY[name]}" if name in _WHY else "")
            elif name in ("list", "tuple", "next", "iter", "enumerate") and node.args:
                yield from _set(node.args[0])
        elif isinstance(node, (ast.For, ast.comprehension)):
            yield from _set(node.iter)


def _set(node: ast.expr) -> Iterator[tuple[int, str]]:
    made = isinstance(node, ast.Call) and ast.unparse(node.func) in ("set", "frozenset")
    if made or isinstance(node, (ast.Set, ast.SetComp)):
        yield node.lineno, "goes through a set, whose order follows hashes"


def _kept(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Functions that change what a module or class keeps: the next run finds it changed."""
    names = {
        target.id
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and _container(node.value)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in ast.walk(function):
                for line, name in _changed(node, names, classes):
                    yield line, f"changes {name}, which outlives the run"


def _container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).rsplit(".", 1)[-1] in _CONTAINERS
    return isinstance(value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp))


def _changed(node: ast.AST, names: set[str], classes: set[str]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Global):
        yield from ((node.lineno, name) for name in node.names)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = node.func.value
        if isinstance(owner, ast.Name) and owner.id in names and node.func.attr in _CHANGES:
            yield node.lineno, owner.id
    elif isinstance(node, (ast.Assign, ast.AugAssign, ast.Delete)):
        for target in [node.target] if isinstance(node, ast.AugAssign) else node.targets:
            if not isinstance(target, (ast.Subscript, ast.Attribute)):
                continue
            home = target.value.id if isinstance(target.value, ast.Name) else ""
            if isinstance(target, ast.Attribute) and home in classes:
                yield node.lineno, f"{home}.{target.attr}"
            elif isinstance(target, ast.Subscript) and home in names:
                yield node.lineno, home

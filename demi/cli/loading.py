"""Finding targets: by name, by `module:attribute`, by `file.py:ATTRIBUTE`, or by the folder of a package.

The one insight: importing is running code, so only the *user* may name code to import (on the command
line, or in `[tool.demi.targets.X]`); the target name inside a trace is data and is looked up among
installed and configured names, never imported.

Not here: building a world of a target (`subjects.py`).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from demi.cli.config import Configuration
from demi.errors import TargetError
from demi.target import Target, nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "demi.targets"
ATTRIBUTE = "TARGET"  # what `file.py` means without an attribute
EXTRAS = {"pysyncobj": "demi-debugger[pysyncobj]"}  # missing module -> what to install


@dataclass(frozen=True, slots=True)
class Loaded:
    """A target and how to name it again.  spec: what the user wrote; source: where the code is."""

    target: Target
    spec: str
    source: str


def known_targets(configuration: Configuration) -> dict[str, str]:
    """name -> `module:attribute` or path, of all that is configured and installed, sorted."""
    known = {name: point.value for name, point in _installed().items()}
    known.update(configuration.paths)
    return dict(sorted(known.items()))


def _installed() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # slow to import; many commands need no target

    return {point.name: point for point in entry_points(group=GROUP)}


def is_installed(spec: str, configuration: Configuration) -> bool:
    """Is it the name of an installed target, which any code can import?"""
    return spec in _installed() and spec not in configuration.paths


def load_target(spec: str, configuration: Configuration) -> Loaded:
    """The target that the user asked for.  Raises TargetError."""
    known = known_targets(configuration)
    if spec in known:
        folder = configuration.folder if spec in configuration.paths else os.getcwd()
        return Loaded(_from_code(known[spec], Path(folder), spec), spec, known[spec])
    if ":" in spec or spec.endswith(".py"):
        return Loaded(_from_code(spec, Path.cwd(), spec), spec, spec)
    package = _package(Path.cwd() / spec)
    if package is not None:
        module, folder_of_it = package
        code = f"{module}:{ATTRIBUTE}"
        name = next((name for name, value in known.items() if value == code), spec)
        return Loaded(_from_code(code, folder_of_it, spec), name, code)
    raise TargetError(f"unknown target {spec!r}", remedy=_nearest(spec, known))


def _package(folder: Path) -> tuple[str, Path] | None:
    """The name of the package in a folder, and where it is to be imported from."""
    folder = folder.resolve()
    parts: list[str] = []
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return (".".join(parts), folder) if parts else None


def load_recorded(name: str, given: str, configuration: Configuration) -> Loaded:
    """The target of a trace.  name: from its header, so not to be trusted.  given: `--target`, or ""."""
    if given:
        return load_target(given, configuration)
    known = known_targets(configuration)
    if name in known:
        return load_target(name, configuration)
    path = name if ":" in name else "FILE.py:ATTRIBUTE"
    raise TargetError(
        f"trace was recorded with target {name!r}; pass --target {path} to load it",
        remedy=f"or configure it under [tool.demi.targets]; {_nearest(name, known)}",
    )


def _nearest(word: str, known: Mapping[str, str]) -> str:
    return nearest(word, known) if known else "no target is installed"


def _from_code(code: str, folder: Path, spec: str) -> Target:
    place, _, attribute = code.rpartition(":") if ":" in code else (code, "", ATTRIBUTE)
    if place.endswith(".py"):
        module = _import_file(folder / place, spec)
    else:
        module = _import_module(place, folder, spec)
    found: object = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if isinstance(found, Target):
        return found
    named = [name for name, value in vars(module).items() if isinstance(value, Target)]
    what = "is not a Target" if found is not None else "does not exist"
    remedy = nearest(attribute, named) if named else "the module defines no Target"
    raise TargetError(f"{attribute} {what} in {place}", where=spec, remedy=remedy)


def _import_file(path: Path, spec: str) -> ModuleType:
    if not path.is_file():
        raise TargetError(f"no file {os.path.relpath(path)}", where=spec, remedy="check the path")
    name = "demi_target_" + "".join(c if c.isalnum() else "_" for c in path.stem)
    made = importlib.util.spec_from_file_location(name, path)
    assert made is not None and made.loader is not None  # a .py file always has a loader
    module = importlib.util.module_from_spec(made)
    sys.modules[name] = module  # messages of its classes are serialized by module name
    _reach(path.parent)
    try:
        made.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _broken(error, spec) from error
    return module


def _import_module(name: str, folder: Path, spec: str) -> ModuleType:
    _reach(folder)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _broken(error, spec) from error


def _reach(folder: Path) -> None:
    """Make modules of a folder importable, behind all that already is."""
    if str(folder.resolve()) not in sys.path:
        sys.path.append(str(folder.resolve()))


def _broken(error: BaseException, spec: str) -> TargetError:
    frames = [
        f"{os.path.basename(frame.filename)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(("<", __file__, importlib.__file__))
    ]
    place = f", {frames[-1]}" if frames else ""
    if isinstance(error, SyntaxError):
        place = f", {os.path.basename(error.filename or '')}:{error.lineno}"
    remedy = "correct the target's code"
    if isinstance(error, ModuleNotFoundError):
        remedy = "check the name, or run in the environment that has it"
        missing = (error.name or "").split(".")[0]
        if missing in EXTRAS:
            remedy = f"python -m pip install '{EXTRAS[missing]}'"
    text = f"cannot import the target: {type(error).__name__}: {error}"
    return TargetError(text[:300], where=f"{spec}{place}", remedy=remedy)

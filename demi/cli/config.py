"""Settings: who may override whom, and what `[tool.demi]` may say.

The one insight: every source gives the same few fields, so precedence is the order in which they are laid
over each other, and `demi config` can say where each value comes from.

Precedence: command line, then environment, then `[tool.demi.profiles.P]` where `--profile P` asks for
it, then `[tool.demi.targets.X]`, then `[tool.demi]` of the nearest `pyproject.toml`, then the defaults.
Not here: the fields and their values (`values.py`); what a setting does.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from demi.cli.values import DEFAULTS, Settings, parse
from demi.errors import UsageError
from demi.target import nearest

ENV = "DEMI_"
_EMPTY: Mapping[str, Any] = MappingProxyType({})
KEYS = tuple(one.name for one in fields(Settings))
TARGET_KEYS = (*KEYS, "path", "set")


@dataclass(frozen=True, slots=True)
class Configuration:
    """`[tool.demi]` of one pyproject.toml, checked.  folder: where it lies; "" when there is none.

    values: for all targets.  targets: per target; `path` and `set` of a target are kept apart.
    """

    folder: str = ""
    values: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)
    paths: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: _EMPTY)

    def settings(self, target: str, given: Mapping[str, Any], profile: str = "") -> Settings:
        """All settings for a target.  given: command line options; None means not given."""
        chosen: dict[str, Any] = {}
        for _, values in self.layers(target, given, profile):
            chosen.update(values)
        return replace(DEFAULTS, **chosen)

    def layers(
        self, target: str, given: Mapping[str, Any], profile: str = ""
    ) -> list[tuple[str, dict[str, Any]]]:
        """(where it was said, settings) from the weakest to the strongest, without the defaults.

        Raises UsageError for an unknown profile or a value that a setting may not have.
        """
        if profile and profile not in self.profiles:
            raise UsageError(
                f"no profile {profile!r}: [tool.demi.profiles.{profile}] is not there",
                where="--profile",
                remedy=nearest(profile, self.profiles) if self.profiles else "none is configured",
            )
        options = {
            key: parse(key, value, "--" + key.replace("_", "-"))
            for key, value in given.items()
            if value is not None
        }
        file = os.path.relpath(Path(self.folder) / "pyproject.toml") if self.folder else ""
        return [
            (f"{file} [tool.demi]", dict(self.values)),
            (f"{file} [tool.demi.targets.{target}]", dict(self.targets.get(target, {}))),
            (f"{file} [tool.demi.profiles.{profile}]", dict(self.profiles.get(profile, {}))),
            ("environment", from_environment(os.environ)),
            ("command line", options),
        ]


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings in `DEMI_*`.  A near miss of a name is refused; a foreign one is let be."""
    chosen: dict[str, Any] = {}
    for name in sorted(environ):
        if not name.startswith(ENV):
            continue
        key = name.removeprefix(ENV).lower()
        if key in KEYS:
            chosen[key] = parse(key, environ[name], name)
        elif difflib.get_close_matches(key, KEYS, n=1, cutoff=0.75):
            names = [ENV + known.upper() for known in KEYS]
            raise UsageError(f"unknown variable {name}", remedy=nearest(name, names))
    return chosen


def read_configuration(start: Path) -> Configuration:
    """The `[tool.demi]` of the nearest pyproject.toml at `start` or above.

    Raises UsageError naming file and line for a key or value that is not known.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _checked(path)
    return Configuration()


def _checked(path: Path) -> Configuration:
    name = os.path.relpath(path)
    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text).get("tool", {}).get("demi", {})
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read: {error}", where=name, remedy="correct the file") from None
    if not isinstance(table, dict):
        raise UsageError("[tool.demi] must be a table", where=name)
    lines = _Lines(name, text)
    table = dict(table)
    targets, profiles = table.pop("targets", {}), table.pop("profiles", {})
    values = _section(table, KEYS, "tool.demi", lines, path.parent)
    per_target, paths, sets = {}, {}, {}
    if not isinstance(targets, dict):
        raise UsageError("must be a table per target", where=lines.find("tool.demi", "targets"))
    for target, section in targets.items():
        if not isinstance(section, dict):
            raise UsageError("must be a table", where=lines.find("tool.demi.targets", target))
        head = f"tool.demi.targets.{target}"
        own = _section(section, TARGET_KEYS, head, lines, path.parent)
        if "path" in own:
            paths[target] = own.pop("path")
        sets[target] = own.pop("set", {})
        per_target[target] = own
    per_profile = _profiles(profiles, lines, path.parent)
    return Configuration(str(path.parent), values, per_target, per_profile, paths, sets)


def _profiles(profiles: Any, lines: _Lines, folder: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(profiles, dict):
        raise UsageError("must be a table per profile", where=lines.find("tool.demi", "profiles"))
    checked = {}
    for name, section in profiles.items():
        if not isinstance(section, dict):
            raise UsageError("must be a table", where=lines.find("tool.demi.profiles", name))
        checked[name] = _section(section, KEYS, f"tool.demi.profiles.{name}", lines, folder)
    return checked


def _section(
    table: Mapping[str, Any], known: tuple[str, ...], head: str, lines: _Lines, folder: Path
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for key, value in table.items():
        where = lines.find(head, key)
        if key not in known:
            extra = ["targets", "profiles"] if head == "tool.demi" else []
            raise UsageError(
                f"[{head}] has no key {key!r}", where=where, remedy=nearest(key, [*known, *extra])
            )
        if key == "path":
            chosen[key] = str(value)
        elif key == "set":
            if not isinstance(value, dict):
                raise UsageError("'set' must be a table of settings", where=where)
            chosen[key] = value
        elif key == "out":
            chosen[key] = os.path.relpath(folder / parse(key, value, where))
        else:
            chosen[key] = parse(key, value, where)
    return chosen


@dataclass(frozen=True, slots=True)
class _Lines:
    """Finds the line of a key, which tomllib does not tell."""

    name: str
    text: str

    def find(self, head: str, key: str) -> str:
        """`pyproject.toml:12`, or of the table's head when the key is written in another way."""
        section, at = "", 0
        for number, line in enumerate(self.text.splitlines(), 1):
            opened = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
            if opened:
                section = opened[1].replace('"', "").replace("'", "").replace(" ", "")
                if section == f"{head}.{key}":
                    return f"{self.name}:{number}"
                at = number if section == head else at
            elif section == head and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
                return f"{self.name}:{number}"
        return f"{self.name}:{at}" if at else self.name

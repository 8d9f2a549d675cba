"""`demi config [TARGET]`: every setting, its value, and who said so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from demi.cli.config import ENV
from demi.cli.options import target_names
from demi.cli.output import Line, Message, columns
from demi.cli.session import Session
from demi.cli.values import AUTO, DEFAULTS, RANDOM
from demi.errors import ExitCode

DEFAULT = "default"
_SHOWN = {("seed", RANDOM): "random", ("workers", AUTO): "auto", ("strategy", ""): "the target's"}
_NO_LIMIT = frozenset({"max_time", "max_replays"})
_TARGETS_OWN = frozenset({"steps"})


def config(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(help="Whose settings [those for all].", autocompletion=target_names)
    ] = "",
) -> int:
    """Show every setting with its value and where that comes from.

    The strongest wins: the command line, DEMI_* variables, the profile that --profile names,
    [tool.demi.targets.X], [tool.demi] of the nearest pyproject.toml, the default.

    \b
    Examples:
      demi config raft
      demi --profile ci config
      DEMI_RUNS=50 demi --json config
    """
    from demi.cli.messages import summary

    session: Session = context.obj
    configuration = session.configuration
    origin = dict.fromkeys(asdict(DEFAULTS), DEFAULT)
    for where, values in configuration.layers(target, {}, session.profile):
        named = {key: f"{ENV}{key.upper()}" if where == "environment" else where for key in values}
        origin.update(named)
    settings = asdict(session.settings(target, {}))
    cells = [(key, shown(key, value), origin[key]) for key, value in settings.items()]
    for (key, _, where), text in zip(cells, columns(cells), strict=True):
        data = {"key": key, "value": settings[key], "origin": where}
        session.writer.emit(Message("setting", data, (Line("", text, room=0, wrap=False),)))
    names: dict[str, Any] = {
        "profiles": sorted(configuration.profiles),
        "targets": sorted({*configuration.targets, *configuration.paths}),
    }
    lines = tuple(Line(head, ", ".join(known)) for head, known in names.items() if known)
    session.writer.emit(summary("listed", ExitCode.OK, lines, **names))
    return int(ExitCode.OK)


def shown(key: str, value: Any) -> str:
    """A value as it is spelled in a file, or what it stands for."""
    if (key, value) in _SHOWN:
        return _SHOWN[key, value]
    if value == 0 and key in _NO_LIMIT:
        return "no limit"
    if value == 0 and key in _TARGETS_OWN:
        return "the target's"
    return str(value).lower() if isinstance(value, bool) else f"{value}"

"""The `demi` command as its options and commands; a new command is one file and one line here.

Not here: the way in and out of the process (`main.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from demi import __version__
from demi.cli import (
    check,
    check_history,
    configuration,
    demo,
    diff,
    explore,
    export,
    fuzz,
    init,
    minimize,
    replay,
    report,
    targets,
    view,
)
from demi.cli.output import make_writer
from demi.cli.own_options import OPEN
from demi.cli.session import Session
from demi.errors import UsageError
from demi.interpose.escapes import allow
from demi.target import nearest

EPILOG = (
    "--json, -q, -v, --color, --profile and --allow-escape may stand anywhere.  Exit codes: "
    "0 nothing violated, 1 violation, 2 usage, target or file error, 3 internal error, 4 diverged, "
    "5 nothing ran, 130 interrupted."
)
app = typer.Typer(
    name="demi",
    help="A debugger for distributed systems: hold every step, find the failing order, shrink it.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
COMMANDS: dict[str, Callable[..., int]] = {
    "init": init.init,
    "targets": targets.targets,
    "fuzz": fuzz.fuzz,
    "explore": explore.explore,
    "replay": replay.replay,
    "minimize": minimize.minimize,
    "view": view.view,
    "export": export.export,
    "report": report.report,
    "diff": diff.diff,
    "config": configuration.config,
    "check-history": check_history.check_history,
    "check": check.check,
    "demo": demo.demo,
}
WITH_OWN_OPTIONS = (
    "fuzz",
    "explore",
    "check",
    "replay",
)  # a target's settings may stand as options
COLORS = ("auto", "always", "never")
_VALUED = ("--color", "--profile", "--allow-escape")
_ANYWHERE = {"--json", "-q", "--quiet", "-v", "--verbose"}


def _version(asked: bool) -> None:
    if asked:
        print(f"demi {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    context: typer.Context,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout; people read stderr.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress, no background.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="More: the stage table, every name.")
    ] = False,
    color: Annotated[
        str, typer.Option("--color", help="auto, always or never; NO_COLOR counts as never.")
    ] = "auto",
    profile: Annotated[
        str, typer.Option("--profile", help="Use [tool.demi.profiles.NAME].", metavar="NAME")
    ] = "",
    allow_escape: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-escape",
            help="Let programs reach a real socket, subprocess, thread or file; repeatable.",
            metavar="KIND",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which demi.")
    ] = False,
) -> None:
    """What every command knows."""
    session: Session = context.obj
    if color not in COLORS:
        raise UsageError(f"unknown color {color!r}", where="--color", remedy=nearest(color, COLORS))
    session.writer = make_writer(json=json, color=color, quiet=quiet, verbose=verbose)
    session.quiet, session.verbose, session.color = quiet, verbose, color
    session.profile = profile
    if allow_escape:
        allow(allow_escape)
    session.command = context.invoked_subcommand or ""


for _name, _function in COMMANDS.items():
    app.command(_name, context_settings=OPEN if _name in WITH_OWN_OPTIONS else {})(_function)


def general_first(words: list[str]) -> list[str]:
    """Options that every command knows, moved in front of the command; behind `--` nothing moves."""
    general: list[str] = []
    others: list[str] = []
    at = 0
    while at < len(words) and words[at] != "--":
        if words[at] in _ANYWHERE or words[at].startswith(tuple(f"{one}=" for one in _VALUED)):
            general.append(words[at])
        elif words[at] in _VALUED and at + 1 < len(words):
            general.extend(words[at : at + 2])
            at += 1
        else:
            others.append(words[at])
        at += 1
    return [*general, *others, *words[at:]]

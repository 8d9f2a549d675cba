"""Options that several commands share: one spelling, one help text, one completion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def target_names(incomplete: str) -> list[str]:
    """Names of targets that begin so, for the shell's completion."""
    from demi.cli.config import read_configuration
    from demi.cli.loading import known_targets
    from demi.errors import DemiError

    try:
        known = known_targets(read_configuration(Path.cwd()))
    except DemiError:  # a faulty file is no reason to talk in the middle of a command line
        return []
    return [name for name in known if name.startswith(incomplete)]


TraceFile = Annotated[
    Path, typer.Argument(help="A trace file, .jsonl or .jsonl.gz.", metavar="TRACE")
]
TargetOption = Annotated[
    str, typer.Option("--target", help="The target, if the trace's own name does not lead to it.")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE, a setting of the target; repeatable.")
]
Times = Annotated[str | None, typer.Option("--max-time", help="Stop after 30s, 2m, 1h [no limit].")]

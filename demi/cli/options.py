"""Options that several commands share: one spelling, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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

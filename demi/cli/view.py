"""`demi view TRACE`: the run as lanes, one row per step, for a terminal, a pager or a mail."""

from __future__ import annotations

import shutil
import sys
from typing import Annotated

import typer

from demi.cli.options import TraceFile
from demi.cli.output import WIDTH, Line, Message
from demi.cli.session import Session
from demi.errors import ExitCode, UsageError

WIDTH_MIN, WIDTH_MAX = 20, 1000  # below, nothing can be read; above, no terminal is


def view(
    context: typer.Context,
    trace: TraceFile,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print the rows; the only view so far.")
    ] = True,
    width: Annotated[
        int | None,
        typer.Option(help="Columns [the terminal's, else 80].", min=WIDTH_MIN, max=WIDTH_MAX),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="No line-drawing characters.")
    ] = False,
    first: Annotated[int, typer.Option("--from", help="The first step to show.", min=1)] = 1,
    last: Annotated[
        int | None, typer.Option("--to", help="The last step to show [the end].", min=1)
    ] = None,
) -> int:
    """Show a trace: one lane per node, one row per step."""
    from demi.cli.messages import command

    session: Session = context.obj
    run = session.read(trace)
    if last is not None and first > last:
        raise UsageError(f"--from {first} is behind --to {last}", remedy="swap them")
    if len(run) and first > len(run):
        raise UsageError(
            f"--from {first} is behind the end: the trace has {len(run)} steps",
            remedy=command("view", trace, "--from", max(1, len(run) - 20)),
        )
    encoding = getattr(sys.stdout, "encoding", "") or ""
    ascii_only = ascii_only or "utf" not in encoding.lower()
    columns = width or shutil.get_terminal_size((WIDTH, 24)).columns
    for message in picture(run, columns, ascii_only, first, last):
        session.writer.emit(message)
    return int(ExitCode.OK)


def picture(
    run: object, columns: int, ascii_only: bool = False, first: int = 1, last: int | None = None
) -> list[Message]:
    """The rows of a trace as messages."""
    from demi.render.lanes import rows
    from demi.render.rows import ansi
    from demi.trace import Trace

    assert isinstance(run, Trace)
    return [
        Message(
            "row",
            {"step": row.step, "text": row.text},
            (Line("", row.text, room=0, wrap=False, painted=ansi(row)),),
        )
        for row in rows(run, columns, ascii=ascii_only, first=first, last=last)
    ]

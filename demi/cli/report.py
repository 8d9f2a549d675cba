"""`demi report TRACE...`: what to put into a ticket, as Markdown or as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from demi.cli.export import deliver, write_file
from demi.cli.options import TargetOption
from demi.cli.output import Line, Message
from demi.cli.session import Session
from demi.errors import ExitCode


def report(
    context: typer.Context,
    traces: Annotated[
        list[Path], typer.Argument(help="Trace files, .jsonl or .jsonl.gz.", metavar="TRACE...")
    ],
    to: Annotated[str, typer.Option("--to", help="md or html.")] = "md",
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file to write; - is stdout.", metavar="FILE")
    ] = "-",
    target: TargetOption = "",
) -> int:
    """Write a report for a ticket: the bug in one screen, the steps, how to repeat it.

    Nothing is run; --target only goes into the commands.

    \b
    Examples:
      demi report traces/raft/raft-45.min.jsonl | less
      demi report traces/raft/*.min.jsonl --to html -o bugs.html
    """
    from demi.report import Source
    from demi.report import report as written

    session: Session = context.obj
    sources = [Source(session.read(path), str(path)) for path in traces]
    text = written(sources, to, target)
    if out == "-":
        deliver(session, "report", to, text)
    else:
        write_file(Path(out), text, *traces)
        line = Line("saved", out, wrap=False)
        session.writer.emit(Message("report", {"format": to, "saved": out}, (line,)))
    return int(ExitCode.OK)

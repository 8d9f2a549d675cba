"""`demi export TRACE --to FORMAT`: a trace for another tool, on stdout or in a file."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from demi.cli.options import TraceFile
from demi.cli.output import Line, Message
from demi.cli.session import Session
from demi.errors import ExitCode, TraceError, UsageError

if TYPE_CHECKING:
    from demi.trace import Trace


def formats(incomplete: str) -> list[str]:
    """Names of formats that begin so, for the shell's completion."""
    from demi.export import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def export(
    context: typer.Context,
    trace: TraceFile,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="shiviz, mermaid, html, svg, chrome, otlp, dot, text or junit.",
            autocompletion=formats,
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", "-o", help="The file to write; - is stdout.", metavar="FILE")
    ] = "-",
    original: Annotated[
        Path | None,
        typer.Option(help="The run it was minimized from [the file beside it, if it is that]."),
    ] = None,
) -> int:
    """Write a trace in another tool's format; nothing is run.

    \b
    shiviz   a log for ShiViz; original and minimized side by side
    mermaid  a sequence diagram for Markdown and wikis (at most 150 events)
    html     one page with a clickable space-time diagram, readable offline
    svg      the space-time diagram as a picture (at most 400 events)
    chrome   a timeline for Perfetto and chrome://tracing, in logical time
    otlp     OpenTelemetry spans as one JSON line; causality as links
    dot      the reduced happens-before graph for Graphviz
    text     the lanes, as demi view --plain prints them
    junit    one test result for CI services

    \b
    Examples:
      demi export traces/raft/raft-45.min.jsonl --to html -o bug.html
      demi export traces/raft/raft-45.min.jsonl --to dot | dot -Tsvg -o bug.svg
    """
    from demi.export import Source, find_format

    session: Session = context.obj
    form = find_format(to)
    run = session.read(trace)
    first = session.read(original) if original else _parent(session, trace, run)
    if original and first is not None:
        check_parent(run, first, original)
    text = form.write(Source(run, trace.name, first))
    if out == "-":
        deliver(session, "export", to, text)
    else:
        write_file(Path(out), text, trace)
        line = Line("saved", out, wrap=False)
        session.writer.emit(Message("export", {"format": to, "saved": out}, (line,)))
    return int(ExitCode.OK)


def deliver(session: Session, kind: str, form: str, text: str) -> None:
    """A whole text on stdout, or in one NDJSON message."""
    lines = tuple(Line("", row, room=0, wrap=False) for row in text.removesuffix("\n").split("\n"))
    session.writer.emit(Message(kind, {"format": form, "saved": None, "text": text}, lines))


def write_file(path: Path, text: str, *read: Path) -> None:
    """Write a whole file or leave what was there.  Raises UsageError, TraceError."""
    if path.exists() and any(path.samefile(one) for one in read):
        raise UsageError("would overwrite the trace", where=str(path), remedy="choose another -o")
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, "utf-8")
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise TraceError(
            f"cannot write: {error.strerror or error}", where=str(path), remedy="choose another -o"
        ) from error


def _parent(session: Session, path: Path, run: Trace) -> Trace | None:
    """The original beside a minimized file, if its digest says that it is."""
    from demi.trace_codec import digest, load

    stem = re.sub(r"\.min\d*\.jsonl(\.gz)?$", "", path.name)
    if not run.header.parent or stem == path.name:
        return None
    for suffix in (".jsonl", ".jsonl.gz"):
        beside = path.with_name(stem + suffix)
        if beside.is_file():
            try:
                found = load(beside)
            except TraceError:
                continue  # nobody asked for it
            if digest(found) == run.header.parent:
                return found
    return None


def check_parent(run: Trace, original: Trace, path: Path) -> None:
    """Refuse another trace as the original of a minimized one."""
    from demi.trace_codec import digest

    if run.header.parent != digest(original):
        raise UsageError(
            f"the trace was not minimized from it: its parent is {run.header.parent or 'none'}",
            where=str(path),
            remedy="leave out --original",
        )

"""`demi view TRACE`: the run as lanes, one row per step: a screen with keys, or rows for a pager.

The one insight: who can press keys gets the screen, and everybody else (a pipe, a dumb or tiny terminal,
a program) gets the same rows as text, so no question has to be asked.

Not here: the screen (`demi/viewer`), the rows (`demi/render`).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from demi.cli.options import TargetOption, TraceFile
from demi.cli.output import WIDTH, HumanWriter, Line, Message, has_screen, wants_color
from demi.cli.session import Session
from demi.errors import ExitCode, TraceError, UsageError

if TYPE_CHECKING:
    from demi.render.rows import Row
    from demi.scheduler.execute import Subject
    from demi.trace import Header, Trace

WIDTH_MIN, WIDTH_MAX = 20, 1000  # below, nothing can be read; above, no terminal is
AROUND = 10  # steps before and behind `--at` that are printed


def view(
    context: typer.Context,
    trace: TraceFile,
    other: Annotated[
        Path | None,
        typer.Argument(help="A second one of the same target, to compare.", metavar="OTHER"),
    ] = None,
    at: Annotated[str, typer.Option(help="The step to show: its number, or its event id.")] = "",
    filter_: Annotated[
        str, typer.Option("--filter", help="Only steps that pass, as in 'node:n1 term>=2'.")
    ] = "",
    plain: Annotated[
        bool, typer.Option("--plain", help="Print rows; so it is where no keys can be pressed.")
    ] = False,
    calls: Annotated[
        bool, typer.Option("--calls", help="Print the requests as a tree: which caused which.")
    ] = False,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="No line-drawing characters.")
    ] = False,
    theme: Annotated[str, typer.Option(help="Colours of the screen, such as nord.")] = "",
    width: Annotated[
        int | None,
        typer.Option(
            help="Print rows of so many columns [the terminal's, else 80].",
            min=WIDTH_MIN,
            max=WIDTH_MAX,
        ),
    ] = None,
    first: Annotated[
        int | None, typer.Option("--from", help="Print rows from this step on.", min=1)
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", help="Print rows up to this step.", min=1)
    ] = None,
    target: TargetOption = "",
) -> int:
    """Show a trace: one lane per node, one row per step; ? on the screen lists the keys.

    \b
    Examples:
      demi view traces/raft/raft-45.min.jsonl
      demi view traces/raft/raft-45.min.jsonl --at 20 --filter "node:n1"
      demi view traces/raft/raft-45.jsonl.gz traces/raft/raft-45.min.jsonl
      demi view traces/raft/raft-45.jsonl.gz --plain | less -R
      demi view traces/raft/raft-45.min.jsonl --width 100 --from 18 --to 22
      demi view shop.jsonl --calls
    """
    from demi.cli.messages import command

    session: Session = context.obj
    encoding = getattr(sys.stdout, "encoding", "") or ""
    ascii_only = ascii_only or "utf" not in encoding.lower()
    columns = width or shutil.get_terminal_size((WIDTH, 24)).columns
    if calls:
        for message in call_tree(session.read(trace), trace, columns, ascii_only):
            session.writer.emit(message)
        return int(ExitCode.OK)
    printed = plain or not (width is None and first is None and last is None)
    if not printed and isinstance(session.writer, HumanWriter) and has_screen():
        from demi.viewer.start import Wish, show

        session.trace = str(trace)
        session.pin(_header(trace).hash_seed)
        session.pins = False  # from here on there is a screen, and the target runs in a child
        words = ("--target", target) if target else ()
        wish = Wish(other, at, filter_, ascii_only, theme, words)
        colour = wants_color(session.color, sys.stdout)
        return show(trace, wish, colour, lambda path: _subject(session, path, target))
    if other is not None:
        if at or filter_ or first or last:
            raise UsageError(
                "two traces are printed whole: no --at, --filter, --from or --to",
                remedy=command("diff", trace, other),
            )
        for message in side_by_side(trace, other, columns, ascii_only):
            session.writer.emit(message)
        return int(ExitCode.OK)
    run = session.read(trace)
    shown = _window(run, trace, at, first, last)
    for message in picture(run, columns, ascii_only, *shown, filter_):
        session.writer.emit(message)
    return int(ExitCode.OK)


def _subject(session: Session, path: Path, target: str) -> Subject:
    """The target of a trace file.  Raises TargetError."""
    from demi.trace import Trace

    return session.recorded(Trace(_header(path), ()), target)[1]


def _header(path: Path) -> Header:
    """The first line of a trace file.  Raises TraceError."""
    from demi.viewer.source import Source

    source = Source(path)
    source.close()
    return source.header


def _window(
    run: Trace, path: object, at: str, first: int | None, last: int | None
) -> tuple[int, int | None]:
    """The steps to print.  Raises UsageError when there are none such."""
    from demi.cli.messages import command

    if at:
        step = _step(run, at)
        first, last = first or max(1, step - AROUND), last or step + AROUND
    first = first or 1
    if last is not None and first > last:
        raise UsageError(f"--from {first} is behind --to {last}", remedy="swap them")
    if len(run) and first > len(run):
        raise UsageError(
            f"--from {first} is behind the end: the trace has {len(run)} steps",
            remedy=command("view", path, "--from", max(1, len(run) - 20)),
        )
    return first, last


def _step(run: Trace, at: str) -> int:
    if at.isascii() and at.isdigit():
        return max(1, min(int(at[:12]), len(run)))
    for step, entry in enumerate(run.entries, 1):
        if entry.id.startswith(at):
            return step
    raise TraceError(f"no event {at!r} in the trace", where="--at", remedy="a number works as well")


def picture(
    run: Trace,
    columns: int,
    ascii_only: bool = False,
    first: int = 1,
    last: int | None = None,
    filter_: str = "",
) -> list[Message]:
    """The rows of a trace as messages; with a filter, of the steps that pass."""
    from demi.render.lanes import rows

    shown = rows(run, columns, ascii=ascii_only, first=first, last=last)
    if filter_:
        from demi.viewer.filters import parse

        test = parse(filter_)
        passing = {step for step, e in enumerate(run.entries, 1) if test(e, e.name)}
        shown = [row for row in shown if not row.step or row.step in passing]
    return [_message(row) for row in shown]


def side_by_side(left: Path, right: Path, columns: int, ascii_only: bool) -> list[Message]:
    """Two traces aligned by event id, with runs of steps that only one has in one row each."""
    from demi.viewer.opening import compared, opened
    from demi.viewer.picture import Picture

    model = compared(opened(left), opened(right), ascii_only)
    picture = Picture(model, columns)
    rows = [picture.titles(), *(picture.line(at, False).row for at in range(len(model.lines)))]
    return [_message(row) for row in rows]


def call_tree(run: Trace, path: object, columns: int, ascii_only: bool) -> list[Message]:
    """The calls of a trace as messages.  Raises UsageError when there are none."""
    from demi.cli.messages import command
    from demi.render.calls import call_rows

    shown = call_rows(run, columns, ascii=ascii_only)
    if not shown:
        raise UsageError(
            "the trace has no calls: only HTTP requests between held services have call ids",
            where=str(path),
            remedy=command("view", path),
        )
    return [_message(row) for row in shown]


def _message(row: Row) -> Message:
    from demi.render.rows import ansi

    line = Line("", row.text, room=0, wrap=False, painted=ansi(row))
    return Message("row", {"step": row.step, "text": row.text}, (line,))

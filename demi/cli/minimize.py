"""`demi minimize TRACE`: a violating trace shrunk, with the table of what each stage gave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from demi.cli.options import TargetOption, Times, TraceFile
from demi.cli.session import Session
from demi.cli.shrinking import minimized_path, shrink_to, target_words
from demi.errors import ExitCode


def minimize(
    context: typer.Context,
    trace: TraceFile,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write [TRACE with .min].")
    ] = None,
    max_time: Times = None,
    max_replays: Annotated[
        int | None, typer.Option(help="Stop after that many replays [no limit].")
    ] = None,
    target: TargetOption = "",
) -> int:
    """Shrink a violating trace; the result is verified by strict replay.

    Exit code 0 when it was shrunk, 130 after Ctrl-C with the best so far saved.
    """
    from demi.cli.messages import command, stage, summary, violated

    session: Session = context.obj
    original = session.read(trace)
    loaded, subject = session.recorded(original, target)
    settings = session.settings(loaded.spec, {"max_time": max_time, "max_replays": max_replays})
    path = out or minimized_path(trace)
    report = shrink_to(session, subject, original, path, settings.max_replays, settings.max_time)
    subject.world.close()
    for number, one in enumerate(report.stages):
        session.writer.note(stage(one, number == 0))
    words = target_words(loaded, original)
    commands = [command("view", path), command("replay", path, *words)]
    if report.exhausted or report.interrupted:
        commands.append(command("minimize", path, *words))
    small = report.trace
    assert small.violation is not None  # the minimizer verified it
    block = violated(
        small, small.violation, saved=path, minimized=path, report=report, before=len(original),
        next_commands=commands,
    )  # fmt: skip
    session.writer.emit(block)
    code = ExitCode.INTERRUPTED if report.interrupted else ExitCode.OK
    session.writer.emit(
        summary(
            "minimized", code, before=len(original), after=len(small), externals=small.externals,
            replays=report.replays, seconds=round(report.seconds, 3), verified=report.verified,
        )
    )  # fmt: skip
    return int(code)

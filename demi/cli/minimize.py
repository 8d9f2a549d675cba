"""`demi minimize TRACE`: a violating trace shrunk, with the table of what each stage gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from demi.cli.options import TargetOption, Times, TraceFile
from demi.cli.output import Line, Message, plural
from demi.cli.rungs import rungs_up_to
from demi.cli.session import Session, tell_version
from demi.cli.shrinking import (
    minimized_path,
    rated,
    save_others,
    shrink_repeatedly,
    shrink_to,
    target_words,
    write_test,
)
from demi.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from demi.minimizer.repeat import Rate
    from demi.minimizer.rungs import Rung
    from demi.trace import Trace


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
    explain: Annotated[
        bool, typer.Option("--explain", help="One line per event: what happens without it.")
    ] = False,
    emit_test: Annotated[
        Path | None,
        typer.Option(help="Also write a pytest file that fails until the bug is gone."),
    ] = None,
    pipeline: Annotated[
        str,
        typer.Option(help="default, or to compare: demi-sts, demi-tfb, no-diverge, ddmin, cdd."),
    ] = "default",
    prove: Annotated[
        int,
        typer.Option(
            min=0, show_default=False, help="Steps that the search for a proof may take [8,000]."
        ),
    ] = 0,
    oracle: Annotated[
        str,
        typer.Option(
            help="How far to go for a candidate that lenient replay gave up: lenient, unexpected"
            " (with some other deliveries), search (of the orders around it)."
        ),
    ] = "lenient",
    repeat: Annotated[
        int,
        typer.Option(
            min=0,
            show_default=False,
            help="Run each candidate so often, for what does not repeat exactly [5 where it says so].",
        ),
    ] = 0,
    target: TargetOption = "",
) -> int:
    """Shrink a violating trace; the result is verified by strict replay.

    Exit code 0 when it was shrunk, 130 after Ctrl-C with the best so far saved.

    \b
    Examples:
      demi minimize found.jsonl --explain
      demi minimize found.jsonl --max-time 2m --emit-test test_found.py
    """
    from demi.cli.messages import command, stage, summary, violated
    from demi.minimizer.certify import minimality
    from demi.minimizer.pipelines import find_pipeline

    session: Session = context.obj
    find_pipeline(pipeline)  # refuses an unknown one now
    rungs = rungs_up_to(oracle)
    if repeat and (pipeline != "default" or prove or rungs):
        raise UsageError(
            "--repeat asks by majority: it has passes of its own and can prove nothing",
            where="--pipeline" if pipeline != "default" else "--prove" if prove else "--oracle",
            remedy="leave it out, or leave out --repeat",
        )
    original = session.read(trace)
    loaded, subject = session.recorded(original, target)
    tell_version(session, original, subject)
    settings = session.settings(loaded.spec, {"max_time": max_time, "max_replays": max_replays})
    path = out or minimized_path(trace)
    rate: Rate | None = None
    if repeat or not subject.world.capabilities.exact:
        budget = (settings.max_replays, settings.max_time)
        report, path, rate = shrink_repeatedly(session, subject, original, path, *budget, repeat)
    else:
        report, path = shrink_to(
            session,
            subject,
            original,
            path,
            settings.max_replays,
            settings.max_time,
            pipeline,
            prove,
            rungs,
        )
    subject.world.close()
    for number, one in enumerate(report.stages):
        session.writer.note(stage(one, number == 0))
    words = target_words(loaded, original)
    for name, kept in save_others(report, path).items():
        session.writer.note(Message("other", {"saved": str(kept)}, (other_line(name, kept),)))
    if report.unread:
        session.writer.note(earlier(original, report.unread))
    if rungs:
        session.writer.note(accepted(rungs, report.accepted))
    if report.refusals[0]:
        session.writer.note(refused(*report.refusals))
    commands = [command("view", path), command("replay", path, *words)]
    if report.exhausted or report.interrupted:
        commands.append(command("minimize", path, *words))
    small = report.trace
    assert small.violation is not None  # the minimizer verified it
    if emit_test is not None:
        write_test(session, loaded, small, emit_test)
        session.writer.emit(Message("test", {"saved": str(emit_test)}, (tested(emit_test),)))
    block = violated(
        small, small.violation, saved=path, minimized=path, report=report, before=len(original),
        next_commands=commands,
    )  # fmt: skip
    for message in explained(small) if explain else ():
        session.writer.emit(message)
    if rate is not None:
        can = subject.world.capabilities
        effort = "" if can.exact else f"{can.how}, best effort: "
        session.writer.emit(rated(rate, f"{effort}the result fails in"))
    session.writer.emit(block)
    code = ExitCode.INTERRUPTED if report.interrupted else ExitCode.OK
    session.writer.emit(
        summary(
            "minimized", code, before=len(original), after=len(small), externals=small.externals,
            replays=report.replays, seconds=round(report.seconds, 3), verified=report.verified,
            minimality=minimality(small), accepted=report.accepted, unread=report.unread,
        )
    )  # fmt: skip
    return int(code)


def explained(trace: Trace) -> list[Message]:
    """The certificate of a minimized trace, one message per event and the verdict."""
    from demi.minimizer.certify import NOT_ESTABLISHED, bound_of, explanation, minimality
    from demi.minimizer.races import told_lines

    verdict = minimality(trace)
    told = [(entry, explanation(trace, at)) for at, entry in enumerate(trace.entries)]
    messages = [
        Message(
            "why",
            {"event": entry.id, "text": text, **entry.extra.get("why", {})},
            (Line("" if number else "why", text, hang=2),),
        )
        for number, (entry, text) in enumerate(one for one in told if one[1])
    ]
    sure = "each event alone was left out, and the violation was gone"
    if verdict == NOT_ESTABLISHED:
        sure = "each event alone was not tried"
    text = f"{verdict}: {plural(len(trace), 'event')}; {sure}"
    lines = [Line("verdict", text)]
    if bound_of(trace):
        lines.append(Line("", bound_of(trace)))
    story = [Line("because", line, hang=2) for line in told_lines(trace)]
    messages.extend(Message("because", {"text": line.text}, (line,)) for line in story)
    return [*messages, Message("minimality", {"verdict": verdict}, tuple(lines))]


def refused(number: int, reason: str) -> Message:
    """Candidates that say nothing, because the target could not run them."""
    text = f"{plural(number, 'candidate')} could not be run and counted as not failing: {reason}"
    return Message("refused", {"candidates": number, "reason": reason}, (Line("refused", text),))


def earlier(original: Trace, events: int) -> Message:
    """The original breaks sooner than it says: what comes behind that was not looked at."""
    assert original.violation is not None  # the minimizer refused others
    recorded = original.violation.step + 1
    text = f"the violation comes at step {recorded - events} of the trace, not at {recorded} as recorded"
    text += f": {plural(events, 'event')} behind it left out"
    data = {"step": recorded - events, "recorded": recorded, "events": events}
    return Message("earlier", data, (Line("earlier", text, hang=2),))


def accepted(rungs: Sequence[Rung], counts: Mapping[str, int]) -> Message:
    """What each rung of the oracle was good for."""
    names = ["lenient", *[rung.name for rung in rungs]]
    told = ", ".join(f"{name} {counts.get(name, 0)}" for name in names)
    text = f"candidates that failed, by the rung that showed it: {told}"
    return Message("oracle", {"accepted": dict(counts)}, (Line("oracle", text, hang=2),))


def other_line(fingerprint: str, path: Path) -> Line:
    """The line that names a run of another violation that was met on the way."""
    return Line("other", f"{fingerprint}: {path}", wrap=False)


def tested(path: Path) -> Line:
    """The line that names an emitted test."""
    return Line("test", f"{path}: fails now, passes when the bug is gone", wrap=False)

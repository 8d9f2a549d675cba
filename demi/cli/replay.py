"""`demi replay TRACE`: does it happen again, exactly (strict), or at all (lenient)?

The one insight: strict replay answers "is this record true here?", lenient replay "does this sequence
still break it?"; the second is the one to ask of another release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from demi.cli.loading import Loaded, load_recorded
from demi.cli.options import Sets, TargetOption, TraceFile
from demi.cli.output import Line, Message, count, plural
from demi.cli.own_options import own_options
from demi.cli.session import Session, check_expected, shows, tell_version
from demi.cli.shrinking import rated, target_words
from demi.cli.watching import Field, watched, watched_fields
from demi.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from demi.scheduler.execute import Subject
    from demi.trace import Trace
    from demi.verdict import Violation

NAMES_MAX = 8  # absent events that are named without -v


@dataclass(frozen=True, slots=True)
class Job:
    """What is replayed.  words: `--target` and `--set`, for the commands to paste next."""

    session: Session
    loaded: Loaded
    subject: Subject
    trace: Trace
    path: str
    words: tuple[str, ...]


def replay(
    context: typer.Context,
    trace: TraceFile,
    times: Annotated[int, typer.Option(help="How many times.", min=1, max=1_000_000)] = 1,
    until: Annotated[
        str | None, typer.Option(help="Stop after this step: its number from 1, or its event id.")
    ] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(help="NODE.FIELD: tell its value whenever it changes; repeatable."),
    ] = None,
    lenient: Annotated[
        bool,
        typer.Option("--lenient", help="Skip what is absent: for another release or setting."),
    ] = False,
    expect: Annotated[
        str, typer.Option(help="Exit 0 exactly when this fingerprint is reproduced, else 1.")
    ] = "",
    set_: Sets = None,
    target: TargetOption = "",
) -> int:
    """Run a trace again.

    Exit code 1 when the violation appears, 0 when none does, 4 when the run diverges.
    Settings of the target may stand behind the trace as options.

    \b
    Examples:
      demi replay traces/raft/raft-45.min.jsonl
      demi replay traces/raft/raft-45.min.jsonl --watch n1.role --until 20
      demi replay traces/raft/raft-45.min.jsonl --lenient --set variant=fixed
    """
    session: Session = context.obj
    run = session.read(trace)
    sets = list(set_ or [])
    if context.args:
        named = load_recorded(run.header.target, target, session.configuration)
        sets += own_options(context, named.target)
    loaded, subject = session.recorded(run, target, sets)
    check_expected(expect, subject)
    words = [*target_words(loaded, run), *(w for s in sets for w in ("--set", s))]
    job = Job(session, loaded, subject, run, str(trace), tuple(words))
    stop = step_number(run, until)
    fields = watched_fields(run, watch or [])
    if fields and lenient:
        raise UsageError("--watch needs a strict replay", remedy="leave out --lenient")
    tell_version(job.session, job.trace, job.subject)
    code, seen = _lenient(job, stop, times) if lenient else _strict(job, stop, times, fields)
    subject.world.close()
    return int(concluded(job, code, seen, expect))


def step_number(trace: Trace, until: str | None) -> int:
    """`--until` as a number of events.  Raises UsageError when it is none of the trace."""
    if until is None:
        return len(trace)
    if until.isascii() and until.isdigit() and 1 <= int(until[:18]) <= len(trace):
        return int(until)
    ids = [entry.id for entry in trace.entries]
    if until in ids:
        return ids.index(until) + 1
    raise UsageError(
        f"the trace has no step {until!r}",
        where="--until",
        remedy=f"give a number from 1 to {len(ids)} or an event id",
    )


def known_cause(job: Job) -> str:
    """Why a strict replay cannot but diverge, if we know."""
    header, subject = job.trace.header, job.subject
    if subject.config != header.config:
        return "other settings than recorded; --lenient asks whether it still fails"
    if subject.target.version(subject.config) != header.target_version:
        return "another release than recorded; --lenient asks whether it still fails"
    return ""


def _strict(
    job: Job, stop: int, times: int, fields: list[Field]
) -> tuple[ExitCode, Violation | None]:
    from demi.cli.messages import command, diverged
    from demi.scheduler.replay import replay as replay_strictly

    seen: Violation | None = None
    with job.session.progress() as progress:
        for number in range(1, times + 1):
            result = replay_strictly(job.subject, job.trace, until=stop)
            progress.tell(f"replay {number} of {times}")
            if result.divergence is not None:
                break
            seen = result.outcome.violation
    for message in watched(job.trace, result.entries, fields) if fields else ():
        job.session.writer.emit(message)
    if result.divergence is not None:
        times_text = f" (replay {number} of {times})" if times > 1 else ""
        commands = [
            command("replay", job.path, "--lenient", *job.words),
            command("targets", job.loaded.spec),
        ]
        cause = known_cause(job)
        job.session.writer.emit(diverged(result.divergence, times_text, commands, cause))
        return ExitCode.DIVERGED, result.outcome.violation
    steps = result.outcome.steps
    text = f"{count(steps)} of {plural(len(job.trace), 'event')}, {plural(times, 'time')}, each identical"
    data = {"steps": steps, "times": times, "lenient": False}
    job.session.writer.emit(Message("replay", data, (Line("replayed", text),)))
    return (ExitCode.VIOLATION if seen else ExitCode.OK), seen


def _same(wanted: Violation | None, seen: Violation | None) -> bool:
    return seen is not None and (wanted is None or seen.fingerprint == wanted.fingerprint)


def _rate(job: Job, hits: int, times: int) -> None:
    """How often it failed in the recorded way, where that may differ from run to run."""
    from demi.minimizer.repeat import Rate

    if times > 1 and job.trace.violation is not None:
        job.session.writer.emit(rated(Rate(hits, times), "the recorded violation appears in"))


def _lenient(job: Job, stop: int, times: int) -> tuple[ExitCode, Violation | None]:
    from demi.scheduler.execute import execute
    from demi.scheduler.plan import Recorded, plan_of

    world = job.subject.world
    plan = plan_of(job.trace, world.names)[:stop]
    wanted = job.trace.violation
    seen: Violation | None = None
    hits = 0
    for _ in range(times):
        strategy = Recorded(plan, world)
        outcome = execute(job.subject, strategy, job.trace.header.seed, observer=strategy)
        seen = outcome.violation or seen
        hits += _same(wanted, outcome.violation)
    absent = [plan[at].name for at in strategy.absent]
    left = len(plan) - len(strategy.used) - len(absent)  # behind the violation
    text = f"{count(len(strategy.used))} of {plural(len(plan), 'event')} used"
    text += f" ({len(strategy.alike)} by type only)" if strategy.alike else ""
    text += f", {len(absent)} absent" + (f", {left} left over" if left else "")
    lines = [Line("replayed", text)]
    if absent:
        shown = absent if job.session.verbose else absent[:NAMES_MAX]
        more = f" and {len(absent) - len(shown)} more (-v)" if len(shown) < len(absent) else ""
        lines.append(Line("absent", ", ".join(shown) + more))
    data = {
        "lenient": True, "times": times, "used": len(strategy.used), "absent": absent,
        "alike": [plan[at].name for at in strategy.alike], "left": left, "steps": outcome.steps,
    }  # fmt: skip
    job.session.writer.emit(Message("replay", data, tuple(lines)))
    _rate(job, hits, times)
    return (ExitCode.VIOLATION if seen else ExitCode.OK), seen


def concluded(job: Job, code: ExitCode, seen: Violation | None, expect: str) -> ExitCode:
    """The verdict and the exit code; with `--expect` only that fingerprint counts."""
    from demi.cli.messages import after, command, summary, violated

    commands = [command("view", job.path)]
    diverged = code is ExitCode.DIVERGED
    lines = []
    if expect:
        met = seen is not None and not diverged and shows(expect, seen.fingerprint)
        code = ExitCode.OK if met else ExitCode.VIOLATION
        text = f"{expect} was {'reproduced' if met else 'not reproduced'}"
        lines.append(Line("expected", text, "good" if met else "bad"))
    if seen is None and not diverged:
        lines.append(Line("result", "no violation appeared. This is not a proof.", "good"))
        lines.extend(after(commands))
    verdict = "diverged" if diverged else "violated" if seen else "not found"
    fingerprint = seen.fingerprint if seen else None
    job.session.writer.emit(summary(verdict, code, lines, fingerprint=fingerprint))
    if seen is not None and not diverged:
        job.session.writer.emit(violated(job.trace, seen, next_commands=commands))
    return code

"""`demi explore TARGET|TRACE`: every order within a bound, one execution per equivalence class.

The one insight: an exhaustive answer is worth what it covered, so the last line always says whether the
search was complete, under which model, and which bound bit.

Not here: searching (`demi/dpor`), shrinking and saving (shared with `fuzz`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.ending import tell_notices
from demi.cli.exploration import (
    SUFFIXES,
    Asked,
    Job,
    Way,
    deeper,
    parse_bounds,
    prepare,
    run,
)
from demi.cli.hunting import show
from demi.cli.loading import Loaded, load_recorded
from demi.cli.options import Sets, TargetOption, Times
from demi.cli.output import Line, count, plural
from demi.cli.own_options import own_options
from demi.cli.prepare import Hunt
from demi.cli.rest import again, keep_rest, read_rest
from demi.cli.session import Session
from demi.errors import ExitCode
from demi.interpose.notices import take_notices

if TYPE_CHECKING:
    from demi.cli.values import Settings
    from demi.dpor.result import Result


def explore(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A target or a trace file.", metavar="TARGET|TRACE")],
    algorithm: Annotated[
        str, typer.Option(help="auto, source, optimal, classic, naive, delays or stateful.")
    ] = "auto",
    bound: Annotated[
        list[str] | None,
        typer.Option(
            help="steps=40, delays=2, crashes=1, drops=1, timers=3; repeatable. steps=1..40 deepens."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="fifo, bag, causal or mailbox, where the target has that setting.")
    ] = "",
    items: Annotated[
        int, typer.Option(help="Inputs drawn from the target's profile after its prefix.", min=0)
    ] = 0,
    any_order: Annotated[
        bool,
        typer.Option("--any-order", help="Explore also the orders of the profile's first inputs."),
    ] = False,
    around: Annotated[
        int | None, typer.Option(help="Of a trace: keep its first STEP events.", min=0)
    ] = None,
    max_executions: Annotated[int, typer.Option(help="Stop after that many [no limit].")] = 0,
    max_time: Times = None,
    all_states: Annotated[
        bool,
        typer.Option(
            "--global", help="Order steps that invariants can tell apart: sound for them."
        ),
    ] = False,
    require_complete: Annotated[
        bool, typer.Option("--require-complete", help="Exit 5 when something was left out.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on from FILE if it exists, and save there what is left over."),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", "-j", help="Processes, for source only.", min=1, max=256)
    ] = 1,
    seed: Annotated[str | None, typer.Option(help="Of the drawn inputs [0].")] = None,
    bug: Annotated[str, typer.Option(help='Switch a known bug on; "none" for none.')] = "",
    set_: Sets = None,
    target: TargetOption = "",
    minimize: Annotated[
        bool | None, typer.Option("--minimize/--no-minimize", help="Shrink what was found [yes].")
    ] = None,
    out: Annotated[str | None, typer.Option(help="Where traces go [traces].")] = None,
    ui: Annotated[
        bool, typer.Option("--ui", help="A full screen: rate, coverage; q leaves it alone.")
    ] = False,
) -> int:
    """Try every order within a bound; say exactly what was covered.

    \b
    Examples:
      demi explore raft --bug 46 --set nodes=3 --bound timers=3 --bound steps=12
      demi explore found.min.jsonl --around 9
    """
    from demi.cli.messages import notice

    session: Session = context.obj
    bounds, deepening = parse_bounds(bound or [])
    sets = [*(set_ or []), *([f"network={model}"] if model else [])]
    if context.args:
        sets += own_options(context, _asked(session, what, target).target)
    settings = session.settings(
        what, {"max_time": max_time, "seed": seed or 0, "minimize": minimize, "out": out}
    )
    way = Way(
        algorithm, workers, max_executions, settings.max_time, "global" if all_states else "local",
        resume is None, read_rest(resume),
    )  # fmt: skip
    way.check(deepening, resume)
    job = prepare(session, settings, what, Asked(bug, sets, items, any_order, around, target))
    inputs = [external.id for external in job.program.externals()]
    session.writer.detail(notice("inputs", ", ".join(inputs) or "none", inputs=inputs))
    rounds: list[str] = []
    title = f"explore {job.loaded.target.name}  {algorithm}  {bounds}"
    with session.campaign(title, ui) as progress:
        if deepening is None:
            result = run(job, way, bounds, progress)
        else:
            for within, result in deeper(job, way, bounds, deepening, progress):
                rounds.append(f"{getattr(within, deepening.name)}: {amount(result)}")
    kept = keep_rest(resume, result, Path(settings.out) / f"{job.loaded.target.name}.rest.json")
    for violation in result.violations:
        _found(session, job, settings, bug, result.algorithm, violation[1])
    tell_notices(session, take_notices(job.subject.world))
    job.subject.world.close()
    deepened = [Line("deepened", f"{deepening.name} " + "; ".join(rounds))] if deepening else []
    return _conclude(session, job, result, require_complete, deepened, kept)


def _found(
    session: Session, job: Job, settings: Settings, bug: str, algorithm: str, choices: Any
) -> None:
    """Save a violating schedule and shrink it, as a hunt does."""
    from demi.fuzz.hunt import Plan
    from demi.scheduler.execute import record
    from demi.trace_codec import digest, save

    trace = record(job.subject, choices, job.seed, strategy=f"explore {algorithm}")
    assert trace.violation is not None  # `record` repeats the run that showed it
    name = f"{job.loaded.target.name}-{trace.violation.invariant}-{digest(trace)[:8]}.jsonl"
    path = Path(settings.out) / name
    save(trace, path)
    profile = job.loaded.target.profile(job.subject.config)
    hunt = Hunt(
        job.loaded, settings, job.subject.config, job.subject, Plan(profile, algorithm), bug, ()
    )
    show(session, hunt, path, trace, shrink=settings.minimize, last=True)


UNITS = {"stateful": "state", "naive": "interleaving", "delays": "schedule"}  # the rest: classes


def amount(result: Result) -> str:
    """How much was explored."""
    if result.states:
        return f"{plural(result.states, 'state')}, {plural(result.transitions, 'transition')}"
    return (
        f"{plural(result.executions, 'execution')} explored, {count(result.blocked)} blocked, "
        f"{count(result.cut)} cut"
    )


def _conclude(
    session: Session, job: Job, result: Result, require_complete: bool, deepened: list[Line],
    kept: Path | None,
) -> int:  # fmt: skip
    from demi.cli.messages import command, summary
    from demi.dpor.tally import Ended
    from demi.verdict import Verdict

    complete = "yes" if result.complete else "no"
    bit = f"; held back by: {result.limit}" if result.limit else ""
    lines = [
        *deepened,
        Line("explored", f"{amount(result)}, depth {result.depth}; complete: {complete}{bit}"),
        Line("how", f"{result.algorithm} ({result.why}); {result.model}; bounds: {result.bounds}"),
        *(Line("note", note) for note in (*job.notes(), *result.notes)),
    ]
    code = ExitCode.OK
    commands: list[str] = []
    if result.violations:
        code = ExitCode.VIOLATION
    elif result.ended is Ended.INTERRUPTED:
        code = ExitCode.INTERRUPTED
    elif not result.depth or (require_complete and not result.complete):
        code = ExitCode.NOTHING
    if result.violations:
        pass  # told above
    elif not result.depth:
        lines.append(Line("nothing", "ran: no event is enabled within these bounds", "bad"))
        commands.append(command("explore", job.loaded.spec, "--items", 2))
    elif result.verdict is Verdict.EXHAUSTED:
        scope = "anywhere" if result.complete else "within these bounds"
        unit = UNITS.get(result.algorithm, "class")
        if result.sound:
            said, style = f"no violation {scope}: every {unit} was explored", "good"
        else:
            said, style = f"no violation {scope} in one run of each class (see the note)", "head"
        lines.append(Line("result", said, style))
    else:
        lines.append(Line("result", "not found in what was explored. This is not a proof."))
        commands.append(command("fuzz", job.loaded.spec))
    if kept is not None:
        lines.append(Line("rest", f"saved in {kept}"))
        commands.insert(0, again(kept))
    session.writer.emit(
        summary(
            result.verdict.value, code, lines, commands, target=job.loaded.target.name,
            complete=result.complete, limit=result.limit, executions=result.executions,
            blocked=result.blocked, cut=result.cut, classes=result.classes, depth=result.depth,
            states=result.states, transitions=result.transitions, algorithm=result.algorithm,
            why=result.why, model=result.model, bounds=result.bounds, notes=list(result.notes),
            sound=result.sound, rest=str(kept) if kept else "", seconds=round(result.seconds, 3),
        )
    )  # fmt: skip
    return code


def _asked(session: Session, what: str, target: str) -> Loaded:
    """The target that a word on the command line names, by itself or by a trace of it."""
    if not what.endswith(SUFFIXES):
        return session.load(what)
    name = session.read(Path(what)).header.target
    return load_recorded(name, target, session.configuration)

"""`demi explore TARGET|TRACE`: every order within a bound, one execution per equivalence class.

The one insight: an exhaustive answer is worth what it covered, so the last line always says whether the
search was complete, under which model, and which bound bit.

Not here: searching (`demi/dpor`), shrinking and saving (shared with `fuzz`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.hunting import Hunt, show, tell_notices
from demi.cli.loading import Loaded
from demi.cli.options import Sets, TargetOption, Times
from demi.cli.output import Line, count, plural
from demi.cli.session import Session, make_subject
from demi.errors import ExitCode, UsageError
from demi.interpose.notices import take_notices

if TYPE_CHECKING:
    from demi.cli.config import Settings
    from demi.dpor.bounds import Bounds
    from demi.dpor.explore import Result
    from demi.dpor.tally import Progress
    from demi.events import Program
    from demi.scheduler.execute import Subject
    from demi.scheduler.record import Taken

SUFFIXES = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Job:
    """What is explored: `prefix` is taken first, then every order of the rest of `program`."""

    loaded: Loaded
    subject: Subject
    program: Program
    prefix: tuple[Taken, ...]
    seed: int

    def notes(self) -> list[str]:
        """What is taken first is not explored, and said."""
        if not self.prefix:
            return []
        return [f"taken first, in this order: {plural(len(self.prefix), 'event')} (the beginning)"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say about the program."""

    bug: str
    sets: list[str]
    items: int
    any_order: bool
    around: int | None
    target: str


def explore(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A target or a trace file.", metavar="TARGET|TRACE")],
    algorithm: Annotated[
        str, typer.Option(help="auto, source, optimal, classic, naive, delays or stateful.")
    ] = "auto",
    bound: Annotated[
        list[str] | None,
        typer.Option(help="steps=40, delays=2, crashes=1, drops=1, timers=3; repeatable."),
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
) -> int:
    """Try every order within a bound; say exactly what was covered.

    \b
    Examples:
      demi explore raft --bug 46 --set nodes=3 --bound timers=3 --bound steps=12
      demi explore found.min.jsonl --around 9
    """
    from demi.cli.messages import notice
    from demi.dpor.explore import explore as search
    from demi.dpor.explore import explore_processes

    session: Session = context.obj
    bounds = parse_bounds(bound or [])
    sets = [*(set_ or []), *([f"network={model}"] if model else [])]
    settings = session.settings(
        what, {"max_time": max_time, "seed": seed or 0, "minimize": minimize, "out": out}
    )
    asked = Asked(bug, sets, items, any_order, around, target)
    job = _prepare(session, settings, what, asked)
    inputs = [external.id for external in job.program.externals()]
    session.writer.detail(notice("inputs", ", ".join(inputs) or "none", inputs=inputs))
    with session.progress() as progress:

        def tell(now: Progress) -> None:
            about = f"  about {count(now.estimate)} in all" if now.estimate else ""
            progress.tell(
                f"explore {job.loaded.target.name}  {plural(now.executions, 'execution')}  "
                f"{count(now.blocked)} blocked{about}  {now.seconds:.0f} s"
            )

        common: dict[str, Any] = {
            "bounds": bounds, "seconds": settings.max_time, "prefix": job.prefix, "seed": job.seed,
            "sound_for": "global" if all_states else "local",
        }  # fmt: skip
        if workers > 1:
            if algorithm not in ("auto", "source") or resume or max_executions:
                raise UsageError(
                    "several workers explore with source, without --resume or --max-executions",
                    where="-j",
                    remedy="leave out -j",
                )
            target_of, config = job.loaded.target, job.subject.config
            result = explore_processes(
                lambda: make_subject(target_of, dict(config)),
                job.program,
                workers=workers,
                **common,
            )
        else:
            result = search(
                job.subject,
                job.program,
                algorithm=algorithm,
                max_executions=max_executions,
                progress=tell,
                resume=_read_resume(resume),
                states=resume is None,
                **common,
            )
    kept = _keep_rest(resume, result)
    for violation in result.violations:
        _found(session, job, settings, bug, result.algorithm, violation[1])
    tell_notices(session, take_notices(job.subject.world))
    job.subject.world.close()
    if kept:
        session.writer.emit(notice("rest", f"saved in {kept}; the same command goes on from there"))
    return _conclude(session, job, result, require_complete)


def parse_bounds(words: list[str]) -> Bounds:
    """`steps=40` and the like.  Raises UsageError naming the nearest match."""
    from demi.dpor.bounds import Bounds
    from demi.target import nearest

    known = tuple(Bounds.__dataclass_fields__)
    chosen: dict[str, int] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in known:
            raise UsageError(
                f"unknown bound {name!r}", where="--bound", remedy=nearest(name, known)
            )
        if not equals or not value.isascii() or not value.isdigit() or len(value) > 9:
            raise UsageError(f"--bound {name} wants a number", remedy=f"as in --bound {name}=3")
        chosen[name] = int(value)
    return Bounds(**chosen)


def _read_resume(path: Path | None) -> dict[str, Any] | None:
    """The rest of an interrupted search.  Raises UsageError when the file is not one."""
    import msgspec

    if path is None or not path.exists():
        return None
    try:
        saved = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(
            f"not the rest of an exploration: {error}", where=str(path), remedy="start over"
        ) from None
    if not isinstance(saved, dict) or saved.get("demi") != "explore":
        raise UsageError("not the rest of an exploration", where=str(path), remedy="start over")
    return saved


def _keep_rest(path: Path | None, result: Result) -> Path | None:
    """Save what an ended search left over; a finished one leaves no file behind."""
    import msgspec

    if path is None:
        return None
    if result.resume is None:
        path.unlink(missing_ok=True)
        return None
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.encode(dict(result.resume)))
    part.replace(path)
    return path


def _prepare(session: Session, settings: Settings, what: str, asked: Asked) -> Job:
    if what.endswith(SUFFIXES):
        return _from_trace(session, Path(what), asked.sets, asked.around, asked.target)
    from demi.events import Program
    from demi.fuzz.program import generate

    if asked.around is not None:
        raise UsageError("--around needs a trace", remedy="demi explore TRACE --around STEP")
    loaded = session.load(what)
    config = session.config(loaded, asked.bug, asked.sets)
    profile = replace(
        loaded.target.profile(config), items=(asked.items, asked.items), spacing=(0, 0), postfix=()
    )
    subject = make_subject(loaded.target, config)
    program = generate(profile, subject.world.names, settings.seed)
    if asked.any_order:
        return Job(loaded, subject, program, (), settings.seed)
    inputs = tuple(program.externals())
    first = len(tuple(Program(profile.prefix).externals()))
    return Job(loaded, subject, Program(inputs[first:]), inputs[:first], settings.seed)


def _from_trace(
    session: Session, path: Path, sets: list[str], around: int | None, target: str
) -> Job:
    """The externals of a trace in every order, or what may follow its first `around` events."""
    from demi.events import External, Program
    from demi.scheduler.replay import replay

    trace = session.read(path)
    loaded, subject = session.recorded(trace, target, sets)
    kept = min(around or 0, len(trace))
    prefix: tuple[Taken, ...] = ()
    if kept:
        done = replay(subject, trace, until=kept)
        if done.divergence is not None:
            from demi.errors import DivergenceError

            raise DivergenceError(done.divergence.brief(), where=str(path))
        prefix = done.choices
    taken = {choice.id for choice in prefix if isinstance(choice, External)}
    rest = [e.external() for e in trace if e.is_external and e.id not in taken]
    return Job(loaded, subject, Program(tuple(rest)), prefix, trace.header.seed)


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


def _conclude(session: Session, job: Job, result: Result, require_complete: bool) -> int:
    from demi.cli.messages import command, summary
    from demi.dpor.tally import Ended
    from demi.verdict import Verdict

    complete = "yes" if result.complete else "no"
    bit = f"; held back by: {result.limit}" if result.limit else ""
    amount = (
        f"{plural(result.states, 'state')}, {plural(result.transitions, 'transition')}"
        if result.states
        else f"{plural(result.executions, 'execution')} explored, {count(result.blocked)} blocked, "
        f"{count(result.cut)} cut"
    )
    lines = [
        Line("explored", f"{amount}, depth {result.depth}; complete: {complete}{bit}"),
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
    if not result.depth:
        lines.append(Line("nothing", "ran: no event is enabled within these bounds", "bad"))
        commands.append(command("explore", job.loaded.spec, "--items", 2))
    elif result.verdict is Verdict.EXHAUSTED and not result.violations:
        scope = "anywhere" if result.complete else "within these bounds"
        unit = "state" if result.states else "class"
        lines.append(Line("result", f"no violation {scope}: every {unit} was explored", "good"))
    elif not result.violations:
        lines.append(Line("result", "not found in what was explored. This is not a proof."))
        commands.append(command("fuzz", job.loaded.spec))
    session.writer.emit(
        summary(
            result.verdict.value, code, lines, commands, target=job.loaded.target.name,
            complete=result.complete, limit=result.limit, executions=result.executions,
            blocked=result.blocked, cut=result.cut, classes=result.classes, depth=result.depth,
            states=result.states, transitions=result.transitions, algorithm=result.algorithm,
            why=result.why, model=result.model, bounds=result.bounds, notes=list(result.notes),
            seconds=round(result.seconds, 3),
        )
    )  # fmt: skip
    return code

"""The hunt as a command does it: search, save, shrink, tell.

The one insight: what was found is saved before anything else is done with it, so neither Ctrl-C nor a
defect in a later stage can lose it.

Not here: searching (`demi/fuzz`), shrinking (`demi/minimizer`), what a command asks for (`prepare.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from demi.cli.ending import conclude, described, tell_notices, tell_refused
from demi.cli.prepare import Hunt
from demi.cli.session import Session, worker_count
from demi.cli.shrinking import rated, shrink_repeatedly, shrink_to, target_words
from demi.cli.values import Settings
from demi.errors import DemiError, DivergenceError, ExitCode

if TYPE_CHECKING:
    from demi.fuzz.campaign import HuntResult
    from demi.fuzz.hunt import Found, Sofar
    from demi.minimizer.minimize import Report
    from demi.minimizer.repeat import Rate
    from demi.trace import Trace
    from demi.verdict import Violation
    from demi.viewer.figures import Figures


def hunt(session: Session, job: Hunt) -> ExitCode:
    """Run a hunt to its end and tell."""
    from demi.cli.messages import started

    settings, plan, target = job.settings, job.plan, job.loaded.target
    workers = worker_count(settings)
    version = target.version(job.config)
    began = time.monotonic()
    session.writer.note(
        started(target.name, version, described(plan), plan.seed, settings.runs, workers, job.bug)
    )
    result = search(session, job, workers)
    tell_notices(session, result.notices)
    tell_refused(session, job, result)
    kept, failure = save_all(session, job, result.found)
    interrupted = result.interrupted
    for number, (path, trace) in enumerate(kept):
        shrink = settings.minimize and not interrupted
        shown = show(session, job, path, trace, shrink=shrink, last=number == len(kept) - 1)
        interrupted |= shown.interrupted
    job.subject.world.close()
    failure = failure or result.error
    if failure is not None:
        raise failure
    result = replace(result, interrupted=interrupted)
    return conclude(session, job, result, time.monotonic() - began)


def search(session: Session, job: Hunt, workers: int) -> HuntResult:
    """The hunt itself, with its progress line."""
    from demi.cli.progress import hunting
    from demi.fuzz.parallel import hunt_parallel
    from demi.scheduler.execute import Subject

    settings, plan, loaded = job.settings, job.plan, job.loaded
    name = loaded.target.name
    title = f"fuzz {name}  {described(plan)}  seed {plan.seed}"
    with session.campaign(title, job.ui) as progress:

        def tell(now: Sofar) -> None:
            progress.figures(figures(now, settings, progress.elapsed))
            progress.tell(
                hunting(
                    name, now.runs, now.steps, progress.elapsed, plan.seed,
                    settings.max_time, settings.runs,
                )
            )  # fmt: skip

        return hunt_parallel(
            lambda: Subject(loaded.target, dict(job.config)),
            plan,
            runs=settings.runs,
            seconds=settings.max_time,
            keep=settings.keep_going,
            workers=workers,
            progress=tell,
            cover=job.ui,
        )


def figures(now: Sofar, settings: Settings, elapsed: float) -> Figures:
    """Where a hunt stands, for its screen."""
    from demi.viewer.figures import Figures

    rate = now.runs / elapsed if elapsed > 0 else 0.0
    left = (settings.runs - now.runs) / rate if rate else -1.0
    if settings.max_time:
        rest = max(0.0, settings.max_time - elapsed)
        left = min(left, rest) if left >= 0 else rest
    return Figures(
        elapsed,
        {"runs": now.runs, "steps": now.steps, "classes": now.classes, "states": now.states},
        {"runs": settings.runs},
        ("states", "classes"),
        ("classes: runs that are not equivalent; states: what single nodes showed",),
        tuple(
            f"{one.violation.fingerprint}  run {one.number}, seed {one.seed}, step "
            f"{one.violation.step + 1}: {one.violation.detail.text}"
            for one in now.found
        ),
        left,
    )


def save_all(
    session: Session, job: Hunt, found: Sequence[Found]
) -> tuple[list[tuple[Path, Trace]], DemiError | None]:
    """Save what repeats; the first failure waits until the rest is safe."""
    kept: list[tuple[Path, Trace]] = []
    failure: DemiError | None = None
    for one in found:
        try:
            kept.append(save_found(job, one))
        except DemiError as error:
            if failure is None:
                failure, session.again = error, _once_more(job, one, error)
    return kept, failure


def _once_more(job: Hunt, found: Found, error: DemiError) -> tuple[str, ...]:
    from demi.cli.messages import command

    spec, plan = job.loaded.spec, job.plan
    words = [*job.words, "--strategy", plan.strategy, "--seed", found.seed, "-n", 1]
    if isinstance(error, DivergenceError):
        return command("targets", spec), command("fuzz", spec, *words, "-j", 1)
    return (command("fuzz", spec, *words, "--out", "ANOTHER/DIRECTORY"),)


def save_found(job: Hunt, found: Found) -> tuple[Path, Trace]:
    """Run a violating run once more, recorded, and write it.

    Raises DivergenceError when it does not show the same violation again.
    """
    from demi.fuzz.hunt import record_run
    from demi.minimizer.repeat import REPEATS
    from demi.scheduler.execute import USUAL_CAUSES
    from demi.trace_codec import digest, save

    exact = job.subject.world.capabilities.exact
    for _ in range(1 if exact else REPEATS):
        trace = record_run(job.subject, job.plan, found.number)
        if _same(trace.violation, found.violation, exact):
            break
    else:
        seen = trace.violation.fingerprint if trace.violation else "no violation"
        raise DivergenceError(
            f"the run does not repeat: it showed {found.violation.fingerprint}, then {seen}",
            where=f"seed {found.seed}, step {found.violation.step + 1}",
            remedy=USUAL_CAUSES,
        )
    name = f"{job.loaded.target.name}-{found.violation.invariant}-{digest(trace)[:8]}.jsonl"
    path = Path(job.settings.out) / "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    save(trace, path)
    return path, trace


def _same(seen: Violation | None, wanted: Violation, exact: bool) -> bool:
    """Is it the same violation, at the same step where runs repeat?"""
    if exact or seen is None:
        return seen == wanted
    return seen.fingerprint == wanted.fingerprint


@dataclass(frozen=True, slots=True)
class Shown:
    """The smallest trace there is of a violation."""

    path: Path
    trace: Trace
    interrupted: bool


def show(
    session: Session, job: Hunt, path: Path, trace: Trace, *, shrink: bool, last: bool
) -> Shown:
    """Shrink a saved trace if asked, and print its block.

    A shrinking that fails is raised only after the block, which says where the original is.
    """
    from demi.cli.messages import command, notice, stage, violated

    report: Report | None = None
    rate: Rate | None = None
    failure: DemiError | None = None
    interrupted = False
    small = path.with_name(path.name.removesuffix(".jsonl") + ".min.jsonl")
    if shrink:
        budget = (job.settings.max_replays, job.settings.max_time)
        try:
            if job.subject.world.capabilities.exact:
                report, small = shrink_to(session, job.subject, trace, small, *budget)
            else:
                report, small, rate = shrink_repeatedly(
                    session, job.subject, trace, small, *budget, 0
                )
            interrupted = report.interrupted
        except DemiError as error:
            failure = error
        except KeyboardInterrupt:
            interrupted = True
    for number, one in enumerate(report.stages if report else ()):
        session.writer.detail(stage(one, number == 0))
    can = job.subject.world.capabilities
    if rate is None and not can.exact:
        session.writer.note(notice("held", f"{can.how}: best effort, a run need not repeat"))
    if rate is not None:
        session.writer.emit(rated(rate, f"{can.how}, best effort: the result fails in"))
    best = small if report else path
    words = target_words(job.loaded, trace)
    often = [] if can.exact else ["--lenient", "--times", 20]
    commands = [command("view", best), command("replay", best, *words, *often)]
    if report is None:
        commands.append(command("minimize", best, *words))
    assert trace.violation is not None  # the hunt found it and the record repeated it
    session.writer.emit(
        violated(
            trace, trace.violation, saved=path, minimized=small if report else None, report=report,
            hint="" if session.verbose else "; -v: stages",
            next_commands=commands if last else (),
        )
    )  # fmt: skip
    if failure is not None:
        session.trace, session.given = str(path), "".join(words[1:])
        raise failure
    return Shown(best, report.trace if report else trace, interrupted)

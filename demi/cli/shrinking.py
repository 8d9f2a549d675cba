"""Shrinking a trace into a file, for every command that does it; and a test from what is left."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from demi.cli.deadline import Deadline, deadline
from demi.cli.keeping import Kept
from demi.cli.loading import ATTRIBUTE, Loaded, is_installed
from demi.cli.output import Line, Message, count
from demi.cli.session import Session
from demi.errors import TraceError, UsageError

if TYPE_CHECKING:
    from demi.minimizer.minimize import Report
    from demi.minimizer.regression import Import
    from demi.minimizer.repeat import Rate
    from demi.minimizer.rungs import Rung
    from demi.scheduler.execute import Subject
    from demi.trace import Trace


def shrink_to(
    session: Session,
    subject: Subject,
    trace: Trace,
    path: Path,
    replays: int,
    seconds: float,
    pipeline: str = "default",
    prove: int = 0,
    rungs: Sequence[Rung] = (),
) -> tuple[Report, Path]:
    """Minimize `trace` within a budget (0: none) and write the result; where it is (`keeping.py`).

    Each better trace is written as soon as it is known: a killed process leaves the best.
    """
    from demi.minimizer.budget import Budget
    from demi.minimizer.minimize import minimize

    kept = Kept(path)
    with session.progress() as progress, deadline(seconds) as limit:

        def tell(stage: str, size: int, done: int) -> None:
            progress.tell(
                f"minimize {stage}  {count(len(trace))} -> {count(size)} events  "
                f"{count(done)} replays  {progress.elapsed:.0f} s"
            )

        report = minimize(
            subject, trace, budget=Budget(replays, seconds), progress=tell, pipeline=pipeline,
            prove=prove, keep=kept.better, rungs=rungs,
        )  # fmt: skip
    return _finished(session, _timely(report, limit), kept)


def shrink_repeatedly(
    session: Session,
    subject: Subject,
    trace: Trace,
    path: Path,
    replays: int,
    seconds: float,
    repeats: int,
) -> tuple[Report, Path, Rate]:
    """The same for what does not replay exactly; each candidate is run up to `repeats` times (0: 5)."""
    from demi.minimizer.budget import Budget
    from demi.minimizer.repeat import REPEATS, minimize_repeated

    kept = Kept(path)
    with session.progress() as progress, deadline(seconds) as limit:

        def tell(stage: str, size: int, done: int) -> None:
            progress.tell(
                f"minimize {stage}  {count(len(trace))} -> {count(size)} events  "
                f"{count(done)} replays  {progress.elapsed:.0f} s"
            )

        report, rate = minimize_repeated(
            subject, trace, repeats or REPEATS, budget=Budget(replays, seconds), progress=tell,
            keep=kept.better,
        )  # fmt: skip
    return *_finished(session, _timely(report, limit), kept), rate


def _finished(session: Session, report: Report, kept: Kept) -> tuple[Report, Path]:
    path = kept.finish(report.trace, not (report.interrupted or report.exhausted))
    if path != kept.path:
        session.writer.note(kept.told())
    return report, path


def _timely(report: Report, limit: Deadline) -> Report:
    """An interruption by the clock is a spent budget."""
    if not (limit.passed and report.interrupted):
        return report
    return replace(report, interrupted=False, exhausted=True)


def rated(rate: Rate, what: str) -> Message:
    """How often, with the 95 % interval."""
    low, high = rate.interval
    data = {"hits": rate.hits, "tries": rate.tries, "low": round(low, 4), "high": round(high, 4)}
    return Message("rate", data, (Line("rate", f"{what} {rate.text} runs, 95 % interval"),))


def save_others(report: Report, path: Path) -> dict[str, Path]:
    """Write the runs of other violations beside the result; fingerprint -> file."""
    from demi.trace_codec import save

    written = {}
    for number, (fingerprint, trace) in enumerate(report.others.items(), 1):
        stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
        written[fingerprint] = path.with_name(f"{stem}.other{number}.jsonl")
        save(trace, written[fingerprint])
    return written


def target_words(loaded: Loaded, trace: Trace) -> list[str]:
    """`--target SPEC` for a command that reads a trace, when its header alone does not lead there."""
    return [] if loaded.spec == trace.header.target else ["--target", loaded.spec]


def write_test(session: Session, loaded: Loaded, trace: Trace, path: Path) -> None:
    """Write a pytest file for a minimized trace.  Raises UsageError, or TraceError for a full disk."""
    from demi.minimizer.regression import emitted

    if path.suffix != ".py":
        raise UsageError(
            f"a test is a Python file, not {path.name!r}",
            where="--emit-test",
            remedy=f"as in --emit-test test_{trace.header.target}.py",
        )
    text = emitted(trace, _import_of(session, loaded, path.parent))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise TraceError(
            f"cannot write: {error.strerror or error}",
            where=str(path),
            remedy="choose another place for --emit-test",
        ) from error


def _import_of(session: Session, loaded: Loaded, folder: Path) -> Import:
    """How a file in `folder` imports a target that was found as `loaded` says."""
    from demi.minimizer.regression import Import

    code = loaded.source
    place, _, attribute = code.rpartition(":") if ":" in code else (code, "", ATTRIBUTE)
    if is_installed(loaded.spec, session.configuration):
        return Import(place, attribute)
    configured = loaded.spec in session.configuration.paths
    base = Path(session.configuration.folder) if configured else Path.cwd()
    if place.endswith(".py"):
        file = base / place
        base, place = file.parent, file.stem
    return Import(place, attribute, os.path.relpath(base.resolve(), folder.resolve()) or ".")


def minimized_path(path: Path) -> Path:
    """`a.min.jsonl` for `a.jsonl`, `a.min2.jsonl` for that: never the file that was read."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    match = re.fullmatch(r"(.*)\.min(\d*)", stem)
    if match is None:
        return path.with_name(f"{stem}.min.jsonl")
    return path.with_name(f"{match[1]}.min{int(match[2] or 1) + 1}.jsonl")

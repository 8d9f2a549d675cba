"""Shrinking a trace into a file, for every command that does it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from demi.cli.loading import Loaded
from demi.cli.output import count
from demi.cli.session import Session

if TYPE_CHECKING:
    from demi.minimizer.minimize import Report
    from demi.scheduler.execute import Subject
    from demi.trace import Trace


def shrink_to(
    session: Session, subject: Subject, trace: Trace, path: Path, replays: int, seconds: float
) -> Report:
    """Minimize `trace` within a budget (0: none) and write the result."""
    from demi.minimizer.minimize import minimize
    from demi.minimizer.problem import Budget
    from demi.trace_codec import save

    with session.progress() as progress:

        def tell(stage: str, size: int, done: int) -> None:
            progress.tell(
                f"minimize {stage}  {count(len(trace))} -> {count(size)} events  "
                f"{count(done)} replays  {progress.elapsed:.0f} s"
            )

        report = minimize(subject, trace, budget=Budget(replays, seconds), progress=tell)
    save(report.trace, path)
    return report


def target_words(loaded: Loaded, trace: Trace) -> list[str]:
    """`--target SPEC` for a command that reads a trace, when its header alone does not lead there."""
    return [] if loaded.spec == trace.header.target else ["--target", loaded.spec]


def minimized_path(path: Path) -> Path:
    """`a.min.jsonl` for `a.jsonl`, `a.min2.jsonl` for that: never the file that was read."""
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    match = re.fullmatch(r"(.*)\.min(\d*)", stem)
    if match is None:
        return path.with_name(f"{stem}.min.jsonl")
    return path.with_name(f"{match[1]}.min{int(match[2] or 1) + 1}.jsonl")

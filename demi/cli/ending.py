"""The last words of a hunt: its verdict, what its runs ended in, and what to do next.

The one insight: "not found" is worth what the runs behind it are worth, so runs that the program made
impossible are counted beside it, and where there are any the answer is an error with its place.

Not here: hunting (`hunting.py`), the text of each message (`messages.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from demi.cli.output import Line, count, plural
from demi.cli.session import Session
from demi.errors import ExitCode

if TYPE_CHECKING:
    from demi.cli.prepare import Hunt
    from demi.fuzz.campaign import HuntResult
    from demi.fuzz.hunt import Plan

REFUSED_SHOWN = 3  # kinds of errors that runs ended in; the first to be mended are enough


def tell_notices(session: Session, texts: Sequence[str]) -> None:
    """What a world has to say that decides nothing."""
    from demi.cli.messages import notice

    for text in texts:
        session.writer.note(notice("note", text))


def tell_refused(session: Session, job: Hunt, result: HuntResult) -> None:
    """What the program made impossible, and in how many runs."""
    from demi.cli.messages import refused

    for one in result.refused[:REFUSED_SHOWN]:
        session.writer.fail(refused(one, result.runs, job.plan.seed + one.number))
    more = len(result.refused) - REFUSED_SHOWN
    if more > 0:
        tell_notices(session, [f"runs ended in {more} more kinds of errors"])


def described(plan: Plan) -> str:
    """`pct depth 3`, `random`."""
    return f"{plan.strategy} depth {plan.depth}" if plan.strategy == "pct" else plan.strategy


def conclude(session: Session, job: Hunt, result: HuntResult, seconds: float) -> ExitCode:
    """The last words and the exit code."""
    from demi.cli.messages import command, summary

    verdict, code, lines = verdict_of(job.plan, result)
    commands: list[str] = []
    if not result.found:
        again = ["fuzz", job.loaded.spec, *job.words]
        same = ["--strategy", job.settings.strategy] if job.settings.strategy else []
        after_last = job.plan.seed + result.runs
        if result.refused:
            first = job.plan.seed + result.refused[0].number
            commands = [command(*again, "--strategy", job.plan.strategy, "--seed", first, "-n", 1)]
        elif code is ExitCode.NOTHING:
            commands = [command(*again, *same, "-n", 1000)]
        else:
            commands = [command(*again, *same, "-n", 10 * job.settings.runs, "--seed", after_last)]
            other = "pct" if job.plan.strategy != "pct" else "random"
            commands.append(command(*again, "-n", job.settings.runs, "--strategy", other))
    session.writer.emit(
        summary(
            verdict, code, lines, commands, target=job.loaded.target.name, runs=result.runs,
            steps=result.steps, seed=job.plan.seed, strategy=job.plan.strategy,
            violations=len(result.found), others=result.others, refused=result.lost,
            seconds=round(seconds, 3),
        )
    )  # fmt: skip
    return code


def verdict_of(plan: Plan, result: HuntResult) -> tuple[str, ExitCode, list[Line]]:
    """What a hunt says: verdict, exit code and the lines for people."""
    ran = f"{plural(result.runs, 'run')}"
    if result.runs:
        last = plan.seed + result.runs - 1
        ran += f" (seeds {plan.seed}-{last}, {described(plan)}, at most {count(plan.steps)} steps each)"
    lines = [
        Line("others", f"{plural(number, 'run')} showed {name}, which was not asked for", "warn")
        for name, number in sorted(result.others.items())
    ]
    if result.interrupted:
        what = f"interrupted after {ran}; {plural(len(result.found), 'violation')} saved"
        return "interrupted", ExitCode.INTERRUPTED, [Line("stopped", what, "warn"), *lines]
    if result.found:
        return "violated", ExitCode.VIOLATION, []
    if not result.runs:
        return (
            "nothing ran",
            ExitCode.NOTHING,
            [Line("nothing", "ran: the budget allows no run", "bad")],
        )
    asked = f"{plan.wanted} " if plan.wanted else ""
    why = " when the time was up" if result.timed_out else ""
    if result.refused:
        why += f", {count(result.lost)} of which ended in an error of the program"
        why += "; given up, as the last 20 did" if result.gave_up else ""
        what = f"{asked}not found in {ran}{why}."
        return "errors", ExitCode.USAGE, [Line("result", what, "bad"), *lines]
    what = f"{asked}not found in {ran}{why}. This is not a proof."
    return "not found", ExitCode.OK, [Line("result", what, "good"), *lines]

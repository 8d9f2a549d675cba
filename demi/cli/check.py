"""`demi check TARGET`: does it repeat, in other processes, with other hash seeds and collectors?

The one insight: a target that does not repeat makes every later answer worthless, so this is asked before
anything else, and the answer names the first step that differs, what led to it and the likely reason.
"""

from __future__ import annotations

from typing import Annotated

import typer

from demi.cli.elsewhere import ORDER, Difference, Schedule, Setting, compare, settings
from demi.cli.options import Sets
from demi.cli.output import Line, Message, plural
from demi.cli.own_options import own_options
from demi.cli.session import Session
from demi.errors import ExitCode
from demi.target import Target

SEED = 1  # any would do; a fixed one makes the check itself repeatable
PIN = 'sort what is gone through; or pin the seed: Target(..., hash_seed="0")'
STEPS = 300  # long enough for elections, crashes and restarts, short enough to wait for


def check(
    context: typer.Context,
    target: Annotated[str, typer.Argument(help="A name, module:attribute, or file.py:ATTRIBUTE.")],
    bug: Annotated[str, typer.Option(help="A named bug of the target, or none.")] = "",
    set_: Sets = None,
    runs: Annotated[int, typer.Option("--runs", "-n", help="Schedules.", min=1, max=1000)] = 1,
    seed: Annotated[int, typer.Option(help="Of the first schedule.", min=0)] = SEED,
    steps: Annotated[int, typer.Option(help="The longest a schedule may be.", min=1)] = STEPS,
    hash_seeds: Annotated[
        int, typer.Option(help="How many values of PYTHONHASHSEED.", min=1, max=64)
    ] = 3,
) -> int:
    """Run one schedule in several processes and compare every step.

    Exit code 0 when all agree, 4 when two differ, 5 when nothing ran.

    \b
    Example:
      demi check my_target.py --runs 5 --hash-seeds 8
    """
    session: Session = context.obj
    loaded = session.load(target)
    sets = [*(set_ or []), *own_options(context, loaded.target)]
    session.config(loaded, bug, sets)  # refuses what is unknown now
    processes = settings(hash_seeds, loaded.target.hash_seed)
    events = 0
    for number in range(runs):
        schedule = Schedule(target, bug, tuple(sets), seed + number, steps)
        found = one_schedule(session, schedule, processes, number, runs)
        if isinstance(found, Difference):
            return int(not_repeatable(session, loaded.target, schedule, found))
        events += found
    return int(repeatable(session, target, events, runs, processes))


def one_schedule(
    session: Session, schedule: Schedule, processes: list[Setting], number: int = 0, runs: int = 1
) -> Difference | int:
    """The first difference, or how many events were compared."""
    with session.progress() as progress:

        def tell(process: int) -> None:
            progress.tell(
                f"check  schedule {number + 1} of {runs}  process {process + 1} of {len(processes)}"
            )

        trace, difference = compare(schedule, processes, tell)
    return len(trace) if difference is None else difference


def repeatable(
    session: Session, spec: str, events: int, runs: int, processes: list[Setting]
) -> ExitCode:
    """All agreed; or there was nothing to agree on."""
    from demi.cli.messages import command, summary

    seeds = sorted({one.hash_seed for one in processes})
    data = {
        "steps": events, "runs": runs, "processes": len(processes), "hash_seeds": seeds,
        "collectors": sorted({one.threshold for one in processes}),
    }  # fmt: skip
    if not events:
        line = Line("check", "unknown: the schedule has no event, so nothing was compared", "warn")
        commands = [command("fuzz", spec, "-n", 10)]
        session.writer.emit(summary("unknown", ExitCode.NOTHING, (line,), commands, **data))
        return ExitCode.NOTHING
    text = (
        f"repeatable: {plural(events, 'event')}, twice in each of {len(processes)} processes"
        f" (hash seeds {', '.join(map(str, seeds))})"
    )
    lines = (Line("check", text, "good"),)
    session.writer.emit(summary("repeatable", ExitCode.OK, lines, [command("fuzz", spec)], **data))
    return ExitCode.OK


def not_repeatable(
    session: Session, target: Target, schedule: Schedule, found: Difference
) -> ExitCode:
    """The first step that differs, what led to it, and why that may be."""
    from demi.cli.messages import command, diverged, summary
    from demi.cli.suspects import suspects
    from demi.scheduler.determinism import parents

    where = f" ({found.setting.text})" if found.setting else " (run twice in one process)"
    led = parents(found.trace, found.divergence.step)
    likely = suspects(target)
    words = ["--bug", schedule.bug] if schedule.bug else []
    again = [command("check", schedule.spec, *words, "--seed", schedule.seed)]
    session.writer.emit(diverged(found.divergence, where, (), found.cause))
    lines = [
        *_listed("led by", led or ("nothing: it came from outside, or was there at the start",)),
        *_listed("suspects", likely),
        *_listed("remedy", (PIN,) if found.cause == ORDER else ()),
    ]
    data = {"parents": list(led), "suspects": likely}
    session.writer.emit(Message("suspects", data, tuple(lines)))
    session.writer.emit(
        summary(
            "diverged", ExitCode.DIVERGED, (), again, cause=found.cause, seed=schedule.seed,
            hash_seed=found.setting.hash_seed if found.setting else None,
        )
    )  # fmt: skip
    return ExitCode.DIVERGED


def _listed(head: str, texts: tuple[str, ...] | list[str]) -> list[Line]:
    return [Line("" if number else head, text, "warn") for number, text in enumerate(texts)]

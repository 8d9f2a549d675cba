"""`demi demo`: the whole way once, on a real library: find, shrink, look.

The one insight: a demonstration that could not fail shows nothing, so this is a plain hunt from a seed
that anybody may change, on whatever release of the library is installed.
"""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from demi.cli.output import WIDTH
from demi.cli.session import Session, worker_count
from demi.cli.values import WORKERS_MAX
from demi.errors import ExitCode, TargetError

TARGET, BUG = "pysyncobj", "84"
SEED = 1  # the first one tried; seeds 2 to 13 find it as well, within 10 runs
RUNS = 20_000
SECONDS = 45.0  # a demonstration that takes longer has failed
OUT = "traces/demo"


def demo(
    context: typer.Context,
    seed: Annotated[int, typer.Option(help="Of the first run.", min=0)] = SEED,
    out: Annotated[str, typer.Option(help="Where the traces go.")] = OUT,
) -> int:
    """Find a real bug in an unmodified Raft library, shrink it, show it.

    Exit code 0 when the demonstration came to its end.

    \b
    Example:
      demi demo --seed 7
    """
    from demi.cli.ending import conclude
    from demi.cli.hunting import save_found, search, show
    from demi.cli.messages import command, notice, summary
    from demi.cli.prepare import prepare
    from demi.cli.view import picture

    session: Session = context.obj
    if importlib.util.find_spec(TARGET) is None:
        raise TargetError(
            "the demo needs pysyncobj, which is not installed",
            remedy="python -m pip install 'demi-debugger[pysyncobj]'",
        )
    loaded = session.load(TARGET)
    given = {"seed": str(seed), "out": out, "runs": RUNS, "max_time": f"{SECONDS:g}s"}
    settings = session.settings(TARGET, given)
    job = prepare(session, loaded, settings, BUG)
    version = loaded.target.version(job.config)
    writer = session.writer
    writer.note(
        notice("demo", f"{loaded.target.name} {version}, unmodified, three nodes held still")
    )
    writer.note(notice("bug", loaded.target.bugs[BUG].doc))
    writer.note(notice("seed", f"{seed}; the same as: {' '.join(hunt_words(seed))}"))
    result = search(session, job, min(worker_count(settings), WORKERS_MAX))
    if result.interrupted or not result.found:
        return int(conclude(session, job, result, 0.0))
    found = result.found[0]
    where = f"in run {found.number + 1}, seed {found.seed}, {found.steps} steps"
    writer.note(notice("found", f"{where}; now shrinking it"))
    path, trace = save_found(job, found)
    shown = show(session, job, path, trace, shrink=True, last=False)
    for message in picture(shown.trace, WIDTH):
        writer.emit(message)
    job.subject.world.close()
    commands = [
        command("replay", shown.path, "--times", 20),
        command("view", path),
        command("fuzz", TARGET, "--bug", BUG),
    ]
    code = ExitCode.INTERRUPTED if shown.interrupted else ExitCode.OK
    writer.emit(summary("demonstrated", code, (), commands, saved=str(path)))
    return int(code)


def hunt_words(seed: int) -> list[str]:
    """The hunt of the demo as a command."""
    return ["demi", "fuzz", TARGET, "--bug", BUG, "--seed", str(seed)]

"""`demi fuzz TARGET`: many runs from one seed, the first violation saved, shrunk and shown.

Not here: doing it (`hunting.py`), which the demo does as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from demi.cli.hunting import hunt
from demi.cli.options import Sets, target_names
from demi.cli.own_options import own_options
from demi.cli.prepare import prepare
from demi.cli.session import Session
from demi.cli.values import DEFAULTS


def fuzz(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            help="A name, module:attribute, or file.py:ATTRIBUTE.",
            metavar="TARGET",
            autocompletion=target_names,
        ),
    ],
    runs: Annotated[
        int | None, typer.Option("--runs", "-n", help=f"How many runs at most [{DEFAULTS.runs}].")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option(help="Stop after 30s, 2m, 1h; the same for shrinking [no limit].")
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="random, srcdstfifo, pct, pos or fifo [the target's own]."),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help=f"Of pct: the depth of the bug [{DEFAULTS.depth}].")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(help="Of the first run; run i uses seed + i [random, printed].")
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option("--workers", "-j", help="Processes; never changes the result [auto: cores]."),
    ] = None,
    bug: Annotated[
        str, typer.Option(help='Switch a known bug on and look for it; "none" for none.')
    ] = "",
    set_: Sets = None,
    keep_going: Annotated[
        int | None, typer.Option(help="Stop after that many violations [1].")
    ] = None,
    minimize: Annotated[
        bool | None, typer.Option("--minimize/--no-minimize", help="Shrink what was found [yes].")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="The longest run, in events [the target's own].")
    ] = None,
    min_deliveries: Annotated[
        int | None, typer.Option(help="Pass over violating runs that are shorter [0].")
    ] = None,
    out: Annotated[str | None, typer.Option(help=f"Where traces go [{DEFAULTS.out}].")] = None,
    expect: Annotated[
        str, typer.Option(help="Look for this fingerprint only [the bug's, else any].")
    ] = "",
    ui: Annotated[
        bool, typer.Option("--ui", help="A full screen: rates, coverage; q leaves it alone.")
    ] = False,
) -> int:
    """Look for a violation in many runs; save and shrink the first.

    Exit code 1 when one was found, 0 when none was, which is no proof.
    Settings of the target may stand behind it as options.

    \b
    Examples:
      demi fuzz raft --bug 45 --seed 1
      demi fuzz my_target.py -n 100000 --max-time 10m --strategy pct
      demi fuzz sdn --app learning --topology line:3

    """
    session: Session = context.obj
    loaded = session.load(target)
    sets = [*(set_ or []), *own_options(context, loaded.target)]
    settings = session.settings(
        loaded.spec,
        {
            "runs": runs, "max_time": max_time, "strategy": strategy, "depth": depth, "seed": seed,
            "workers": workers, "keep_going": keep_going, "minimize": minimize, "steps": steps,
            "min_deliveries": min_deliveries, "out": out,
        },
    )  # fmt: skip
    job = prepare(session, loaded, settings, bug, sets, expect)
    return int(hunt(session, replace(job, ui=ui)))

"""The oracle of `demi minimize`, up to the rung that was asked for: engines are joined here.

The one insight: the minimizer knows candidates and the explorer knows orders; a search around a candidate is
one call of the explorer, with bounds that make it short.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from demi.errors import DemiError, UsageError
from demi.target import nearest

if TYPE_CHECKING:
    from demi.minimizer.rungs import Around, Rung
    from demi.scheduler.record import Taken

LADDER = ("lenient", "unexpected", "search")


def rungs_up_to(name: str) -> Sequence[Rung]:
    """The rungs above lenient replay.  Raises UsageError naming the nearest."""
    from demi.minimizer.rungs import Searched, Unexpected

    if name not in LADDER:
        raise UsageError(
            f"no oracle {name!r}", where="--oracle", remedy=nearest(name, list(LADDER))
        )
    every: tuple[Rung, ...] = (Unexpected(), Searched(search))
    return every[: LADDER.index(name)]


def search(around: Around) -> tuple[Sequence[Taken] | None, int]:
    """Source-DPOR from the prefix on; the first violating run."""
    from demi.dpor.bounds import Bounds
    from demi.dpor.explore import explore

    try:
        result = explore(
            around.subject, around.program, algorithm="source", prefix=around.prefix,
            bounds=Bounds(steps=around.steps), max_executions=around.executions, seed=around.seed,
            verify=False,
        )  # fmt: skip
    except DemiError:  # what cannot be searched has not been found to fail
        return None, 0
    runs = [run for _, run in result.violations]
    spent = result.executions + result.blocked + result.cut + len(runs)
    return (runs[0] if runs else None), spent

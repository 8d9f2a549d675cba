"""Which pass comes next: of those that may run in any order, the one that has removed most per replay.

The one insight: what a pass gave in this minimization says more of what it will give than any fixed order;
the first round, in which nothing has been measured, takes the order of the pipeline, and so do ties.

Passes that must keep their place (a forward search between two deletions, hops at the end) keep it; the
others take the places that are left.  Not here: ways of matching, chosen in the same manner (`ladder.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demi.minimizer.minimize import Stage
    from demi.minimizer.pipelines.pipeline import Pass


def by_yield(
    passes: Mapping[str, Pass], free: Collection[str], done: Sequence[Stage]
) -> list[tuple[str, Pass]]:
    """The passes of a round in their order.  free: names that may change places.  done: all so far."""
    names = [name for name in passes if name in free]
    best = iter(sorted(names, key=lambda name: -rate(name, done)))
    order = [next(best) if name in free else name for name in passes]
    return [(name, passes[name]) for name in order]


def rate(name: str, done: Sequence[Stage]) -> float:
    """Events removed per replay by a pass, 0.0 while it has made no replay."""
    mine = [stage for stage in done if stage.name == name]
    replays = sum(stage.replays for stage in mine)
    return sum(stage.before - stage.after for stage in mine) / replays if replays else 0.0

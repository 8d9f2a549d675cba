"""The strategies by name: one file and one line each."""

from __future__ import annotations

from collections.abc import Callable

from demi.errors import UsageError
from demi.scheduler.fifo import Fifo
from demi.scheduler.pct import Pct
from demi.scheduler.pos import Pos
from demi.scheduler.random_walk import RandomWalk
from demi.scheduler.src_dst_fifo import SrcDstFifo
from demi.scheduler.strategy import Strategy
from demi.target import Profile, nearest

STRATEGIES: dict[str, Callable[[Profile, int], Strategy]] = {
    "fifo": lambda profile, depth: Fifo(),
    "random": lambda profile, depth: RandomWalk(profile.weights),
    "srcdstfifo": lambda profile, depth: SrcDstFifo(profile.weights),
    "pct": lambda profile, depth: Pct(depth, profile.steps, profile.weights),
    "pos": lambda profile, depth: Pos(profile.weights),
}


def make_strategy(name: str, profile: Profile, depth: int = 3) -> Strategy:
    """The strategy of that name.  depth: PCT's d.  Raises UsageError with the nearest match."""
    if name not in STRATEGIES:
        raise UsageError(f"unknown strategy {name!r}", remedy=nearest(name, list(STRATEGIES)))
    return STRATEGIES[name](profile, depth)

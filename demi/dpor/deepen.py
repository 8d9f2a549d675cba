"""Iterative deepening: one coordinate of the bounds raised round by round.

The one insight: a round within a small bound costs a fraction of the next one, so starting small finds
the violation that needs least first and always ends with a statement about some bound.

Each round starts over.  Not here: the search itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from demi.dpor.bounds import Bounds
from demi.dpor.result import Result
from demi.dpor.tally import Ended


def deepen(
    search: Callable[[Bounds], Result], bounds: Bounds, name: str, low: int, high: int
) -> Iterator[tuple[Bounds, Result]]:
    """Rounds with the bound `name` at low .. high, beside the other bounds.

    Ends after a round that found something, that ended early, or that `name` did not hold back: more of
    it would change nothing.
    """
    for value in range(low, high + 1):
        within = replace(bounds, **{name: value})
        result = search(within)
        yield within, result
        bit = result.limit.split(", ")
        if result.violations or result.ended is not Ended.DONE or name not in bit:
            return

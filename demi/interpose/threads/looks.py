"""Looks at the clock: what time it is at the running node, and how often its thread has asked.

The one insight: programs look many times a step, so a look is C: an attribute of the next in a list of one
thing, again and again; its place in the list is the count.

A poll that finds nothing counts as a look.  Not here: the stand-in for `time` (`clock.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

from demi.interpose.threads.hosts import CURRENT

LOOKS_MAX = 20_000  # of one thread between two waits


class _Last:
    """What stands at the end of the list: whoever gets there is made to wait."""

    @property
    def now(self) -> float:
        rewind(LOOKS_MAX)  # it stays the last
        if CURRENT.kernel is not None:
            CURRENT.kernel.spins()
        return CURRENT.now


_reads: Any = iter([CURRENT] * LOOKS_MAX + [_Last()])
rewind: Callable[[int], None] = _reads.__setstate__
"""Count from here on."""
unread: Callable[[], int] = _reads.__length_hint__
"""LOOKS_MAX + 1, less the looks since then."""
monotonic: Callable[[], float] = partial(next, map(attrgetter("now"), _reads))
"""Virtual seconds since the beginning of the run."""

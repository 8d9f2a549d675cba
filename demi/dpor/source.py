"""Source-DPOR: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014, algorithm 1.

The one insight: to reverse a race it is enough that *some* initial of the reversing continuation is
tried at the node before it; which one does not matter.  Every maximal execution is explored once; what
may be wasted are runs that end in sleep-set blocks.
"""

from __future__ import annotations

from demi.dpor.history import History
from demi.dpor.space import Space
from demi.dpor.tally import Tally
from demi.dpor.tree import First, Frame, Walk, lowest


def on_race(frame: Frame, history: History, f: int, e: int) -> None:
    """frame: before f.  Plan an initial of v = notdep(f, e) . e unless one is planned."""
    events, planned = history.events, frame.planned
    if e == f + 1:
        event = events[e]
        if event not in planned and event in frame.enabled:
            frame.plan(event)
        return
    initials = history.initials(history.not_after(f, e) | 1 << e)
    for at in initials:
        if events[at] in planned:
            return
    first = events[initials[0]]
    if first in frame.enabled:
        frame.plan(first)
    elif initials[0] != e:  # not by the relation of any world here; lose nothing
        for one in frame.enabled:
            frame.plan(one)


def walk(space: Space, tally: Tally, first: First = lowest) -> Walk:
    """Source sets and sleep sets."""
    return Walk(space, tally, on_race, first=first)

"""Source-DPOR: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014, algorithm 1.

The one insight: to reverse a race it is enough that *some* initial of the reversing continuation is
tried at the node before it; which one does not matter.  Every maximal execution is explored once; what
may be wasted are runs that end in sleep-set blocks.
"""

from __future__ import annotations

from demi.dpor.frame import Frame
from demi.dpor.history import History
from demi.dpor.space import Space
from demi.dpor.tally import Tally
from demi.dpor.tree import First, Walk, lowest


def on_race(frame: Frame, history: History, f: int, e: int) -> None:
    """frame: before f.  Plan an initial of v = notdep(f, e) . e unless one is planned."""
    events, planned = history.events, frame.planned
    before = 0 if e == f + 1 else history.not_after(f, e)
    if not before:
        event = events[e]
        if event in frame.enabled:
            frame.plan(event)
            if history.relation.dynamic:
                frame.doubt(event, history.feet[f], history.feet[e])
        return
    # where e may touch something else without f, it is no initial of more than itself
    initials = history.initials(before if history.relation.dynamic else before | 1 << e)
    for at in initials:
        if events[at] in planned:
            return
    first = events[initials[0]]
    if first in frame.enabled:
        frame.plan(first)
    else:  # not by the relation of any world here; lose nothing
        frame.plan_all()


def walk(space: Space, tally: Tally, first: First = lowest) -> Walk:
    """Source sets and sleep sets."""
    return Walk(space, tally, on_race, first=first)

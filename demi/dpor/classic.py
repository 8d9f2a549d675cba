"""Classic DPOR: Flanagan and Godefroid, POPL 2005, with sleep sets, repaired.

The original adds any process that leads to the racing event; together with sleep sets that loses
classes (10 of 12 on three writers in a row).  Chosen here: an *initial* of the reversing continuation
that happens before the racing event, which always exists.
"""

from __future__ import annotations

from demi.dpor.frame import Frame
from demi.dpor.history import History
from demi.dpor.space import Space
from demi.dpor.tally import Tally
from demi.dpor.tree import First, Walk, lowest


def on_race(frame: Frame, history: History, f: int, e: int) -> None:
    """frame: before f.  Plan an initial of v that is e or happens before e, unless one is planned."""
    events, before = history.events, history.not_after(f, e)
    dynamic = history.relation.dynamic  # e may touch something else without f: see `source.py`
    if dynamic and not before and events[e] in frame.enabled:
        frame.doubt(events[e], history.feet[f], history.feet[e])
    past = history.past[e] | 1 << e
    initials = history.initials(before if before and dynamic else before | 1 << e)
    leading = [at for at in initials if past >> at & 1] or initials
    chosen = [events[at] for at in leading]
    if not any(event in frame.planned for event in chosen):
        for event in chosen:
            if event in frame.enabled:
                frame.plan(event)
                return


def walk(space: Space, tally: Tally, first: First = lowest) -> Walk:
    """Persistent sets and sleep sets."""
    return Walk(space, tally, on_race, first=first)

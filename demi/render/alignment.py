"""Two traces side by side: which events are in both, which only in one, and what differs in those.

The one insight: ids name events by what they are, so aligning two runs needs no guessing: it is the
longest increasing subsequence of shared ids (Schensted 1961), n log n for any length; a shared event off
that sequence happened at another moment in the other run.

Not here: counts and digests of the whole state (`en`, `st`), which differ after any removal.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from demi.render.text import brief, safe
from demi.trace import Entry, Trace

COMPARED = ("msg", "delta", "fell", "fail", "out", "armed", "lost", "log")
VALUE_MAX = 60  # characters of one side of a difference


@dataclass(frozen=True, slots=True)
class Pair:
    """One row.  left, right: index of the event in each trace, None where it is not.

    moved: the event is in the other trace too, at that index, but in another order.
    """

    id: str
    left: int | None
    right: int | None
    moved: int | None = None


def align(left: Trace, right: Trace) -> list[Pair]:
    """Every event of both traces in one order: shared ones once, the others where they happened."""
    return align_ids([entry.id for entry in left.entries], [entry.id for entry in right.entries])


def align_ids(left: Sequence[str], right: Sequence[str]) -> list[Pair]:
    """`align` of two lists of event ids, each of which occurs once in a list."""
    theirs = {event: at for at, event in enumerate(right)}
    ours = {event: at for at, event in enumerate(left)}
    shared = [(at, theirs[event]) for at, event in enumerate(left) if event in theirs]
    kept = [shared[at] for at in increasing([there for _, there in shared])]
    pairs: list[Pair] = []
    here = there = 0
    for a, b in [*kept, (len(left), len(right))]:
        for at in range(here, a):
            event = left[at]
            pairs.append(Pair(event, at, None, theirs.get(event)))
        for at in range(there, b):
            event = right[at]
            pairs.append(Pair(event, None, at, ours.get(event)))
        if a < len(left):
            pairs.append(Pair(left[a], a, b))
        here, there = a + 1, b + 1
    return pairs


def increasing(values: Sequence[int]) -> list[int]:
    """Positions of a longest strictly increasing subsequence of distinct values."""
    tails: list[int] = []  # the smallest last value of a subsequence of each length
    ends: list[int] = []  # its position
    before: list[int] = []  # for each position, the one before it in the best subsequence there
    for at, value in enumerate(values):
        length = bisect_left(tails, value)
        before.append(ends[length - 1] if length else -1)
        if length == len(tails):
            tails.append(value)
            ends.append(at)
        else:
            tails[length], ends[length] = value, at
    found = []
    at = ends[-1] if ends else -1
    while at >= 0:
        found.append(at)
        at = before[at]
    return found[::-1]


def differences(left: Entry, right: Entry) -> list[str]:
    """What differs between two records of one event: `delta {term: 1} -> {term: 2}`."""
    return [
        f"{part} {_said(getattr(left, part))} -> {_said(getattr(right, part))}"
        for part in COMPARED
        if getattr(left, part) != getattr(right, part)
    ]


def _said(value: object) -> str:
    return safe(value) if isinstance(value, str) else brief(value, VALUE_MAX)

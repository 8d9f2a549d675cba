"""Answers without a replay: a plan between what a failed replay used and what it asked for fails too.

The one insight: a lenient replay skips what it cannot match without leaving a mark, so a plan that lacks
only some of what was skipped runs exactly like the one that had it.

Plans are compared as sets of wanted events, each with its place in the run it came from; only plans in
the order of those places are looked at, so two that hold the same events hold them in the same order.
Not here: equal plans, and other ways of matching (`problem.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from demi.scheduler.sts import Match, Wanted

KEPT_MAX = 200  # failed replays that are remembered, the newest


class Between:
    """Failed lenient replays of one subject."""

    def __init__(self) -> None:
        self._bits: dict[tuple[object, ...], int] = {}
        self._failed: deque[tuple[int, int, tuple[Match, ...]]] = deque(maxlen=KEPT_MAX)

    def add(self, plan: Sequence[Wanted], used: Sequence[int], ways: tuple[Match, ...]) -> None:
        """A replay of the plan failed to fail; it used these positions.  ways: by which it runs so."""
        asked = self._bits_of(plan)
        if asked and len(used) < len(plan):
            self._failed.append((asked, self._bits_of([plan[at] for at in used]), ways))

    def answers(self, plan: Sequence[Wanted], way: Match) -> bool:
        """Is it known that a replay of the plan, matched in that way, shows nothing?"""
        if not self._failed:
            return False
        asked = self._bits_of(plan)
        return bool(asked) and any(
            asked | more == more and asked & used == used and way in ways
            for more, used, ways in self._failed
        )

    def _bits_of(self, plan: Sequence[Wanted]) -> int:
        """The set of its events; 0 when they are not in the order of their places."""
        bits, last = 0, -1
        for want in plan:
            if want.place <= last:
                return 0
            last = want.place
            key = (want.place, want.choice, want.label, want.content, want.source)
            bits |= 1 << self._bits.setdefault(key, len(self._bits))
        return bits

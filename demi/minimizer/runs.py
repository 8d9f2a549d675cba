"""What a minimization speaks of: plans, failing runs, single replays, and bounds.

Not here: asking (`problem.py`), what is known (`answers.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from demi.scheduler.sts import Match, Wanted
from demi.verdict import Violation

Plan = tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that shows the violation: the plan that was really executed, and what broke.

    causes: for each event the position of the one that sent or armed it, or -1.
    """

    plan: Plan
    violation: Violation
    causes: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(external events, events): candidates are ordered by this."""
        return sum(1 for want in self.plan if want.external), len(self.plan)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a search has exhausted: no run of fewer than `events` that begins with the first `anchor`.

    states, steps: how many were visited and taken for that.  ordered: with the inputs in their order.
    See `search.py` for the space.
    """

    events: int
    anchor: int
    states: int
    steps: int
    ordered: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """One lenient replay.  run: what it executed, if it failed as the original did.

    violation: whatever broke.  absent: positions of the plan that found no match.  refusal: why the
    target could not run it (too slow, an input it does not know), which says nothing about the bug.
    same: the other ways of matching by which the plan would have run exactly like this.
    used: positions of the plan that found a match.
    """

    run: Run | None
    violation: Violation | None
    absent: tuple[int, ...]
    refusal: str = ""
    same: tuple[Match, ...] = ()
    used: tuple[int, ...] = ()

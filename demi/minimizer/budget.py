"""The budget of a minimization: how many replays and seconds, and what of them is spent.

The one insight: one candidate may take for ever, so the time is looked at within a replay too.

Not here: what is left when it is spent (`minimize.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from demi.events import Event
from demi.interpose.world import Step

CLOCK_STRIDE = 256  # steps between looks at the clock


@dataclass(frozen=True, slots=True)
class Budget:
    """When to stop: number of replays and wall seconds; 0 for no limit."""

    replays: int = 0
    seconds: float = 0.0


class BudgetSpent(Exception):
    """The budget is used up; the best so far stands."""


class Spending:
    """What is spent since now.  replays: so many were made."""

    def __init__(self, budget: Budget) -> None:
        self.replays = 0
        self._budget = budget
        self._started = time.monotonic()

    def elapsed(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self._started

    def replay(self) -> None:
        """One replay will be made.  Raises BudgetSpent."""
        budget = self._budget
        if budget.replays and self.replays >= budget.replays:
            raise BudgetSpent
        self.check_time()
        self.replays += 1

    def check_time(self) -> None:
        """Raises BudgetSpent when the seconds are used up."""
        if self._budget.seconds and self.elapsed() >= self._budget.seconds:
            raise BudgetSpent

    def clock(self) -> Clock | None:
        """What ends a replay that outlasts the budget; None where time has no limit."""
        return Clock(self) if self._budget.seconds else None


class Clock:
    """An Observer that looks at the time."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._steps = 0

    def began(self, boot: Step) -> None:
        self._steps = 0

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        self._steps += 1
        if not self._steps % CLOCK_STRIDE:
            self._spending.check_time()

    def after(self, step: Step) -> None:
        """Nothing."""

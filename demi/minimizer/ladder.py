"""How candidates are matched: several ways, and the way that has paid best is tried first.

The one insight: which matching lets a shortened run go on (by content, by what the same event sent, by
type) depends on the system and on how much has been cut already, so it is measured and not fixed.

A way pays by the events it removed per replay, with older trials fading; ties keep the listed order, so
equal histories choose equally.  Not here: which candidates there are (the passes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run
from demi.minimizer.wildcards import by_cause, newest

Way = Callable[[Plan], Plan]
FADING = 0.9  # of the weight of the past per trial: about the last ten count


def exact(plan: Plan) -> Plan:
    """Deliveries match their own content."""
    return plan


WAYS: tuple[Way, ...] = (by_cause, exact, newest)


@dataclass(slots=True)
class Yield:
    """Events removed per trial, fading; the prior is one trial that removed one event."""

    events: float = 1.0
    trials: float = 1.0

    def note(self, events: int) -> None:
        """One trial more."""
        self.events = self.events * FADING + events
        self.trials = self.trials * FADING + 1

    @property
    def rate(self) -> float:
        return self.events / self.trials


def smaller(problem: Problem, run: Run, plan: Plan, ways: int = len(WAYS)) -> Run | None:
    """A run of the plan that is smaller than `run`, trying at most so many ways of matching."""
    yields: list[Yield] = problem.notes.setdefault("ways", [Yield() for _ in WAYS])
    order = sorted(range(len(WAYS)), key=lambda way: -yields[way].rate)
    for way in order[:ways]:
        found = problem.test(WAYS[way](plan))
        gained = 0 if found is None else len(run.plan) - len(found.plan)
        yields[way].note(max(0, gained))
        if found is not None and found.size < run.size:
            return found
    return None


def foresee(problem: Problem, plans: Sequence[Plan]) -> None:
    """Know already what `smaller` will hear of these plans, asked in turn for one way each.

    The last is replayed first, as it fails for those before it that are part of it (`between.py`).
    The ways are those that would come up if all of them fail.
    """
    known: list[Yield] = problem.notes.get("ways") or [Yield() for _ in WAYS]
    yields = [replace(one) for one in known]
    ways = []
    for _ in plans:
        way = max(range(len(WAYS)), key=lambda way: yields[way].rate)
        yields[way].note(0)
        ways.append(WAYS[way])
    for way_of, plan in zip(reversed(ways), reversed(plans), strict=True):
        problem.test(way_of(plan))

"""The search inside DEMi's TFB: which pending message of a type is delivered (NSDI'16, section 4.3).

The one insight: a wildcard asks for a type on a link, and where several contents wait there, each of them
leads to another run; so every such choice is a place to come back to.  No races are computed: the order of
the plan stays, only matches differ.

The oldest is delivered first (BackTrackStrategy); for each other content, the newest first, the run so far
with that one instead is put aside, and the deepest such place comes next.  What a run has lost it skips.
Not here: which plans are searched (`pipelines/demi_tfb.py`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from demi.events import Event
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run
from demi.scheduler.sts import Lenient, Match, Wanted


class Ambiguous(Lenient):
    """Lenient replay that notes where another message would have matched.

    branches: for each such message (how many events before it, those events and it, what is left of
    the plan), as a plan.
    """

    def __init__(self, plan: Sequence[Wanted]) -> None:
        super().__init__(plan)
        self.branches: list[tuple[int, Plan]] = []
        self._done: list[Wanted] = []

    def _match(self, want: Wanted, enabled: Sequence[Event]) -> Event | None:
        event = super()._match(want, enabled)
        if event is None:
            return None
        if want.external is not None or want.is_timer:
            self._done.append(want)
            return event
        content = self._world.fingerprint(event)
        if want.match is Match.OLDEST:
            self._branch(want, event, content)
        self._done.append(replace(want, content=content, match=Match.EXACT))
        return event

    def _branch(self, want: Wanted, event: Event, content: object) -> None:
        world, seen = self._world, [content]
        for other in reversed(world.in_flight(event[1], event[2])):
            if world.label(other) != want.label or not world.allowed(other):
                continue
            its = world.fingerprint(other)
            if its not in seen:
                seen.append(its)
                instead = replace(want, content=its, match=Match.EXACT)
                rest = self._plan[self._at :]
                self.branches.append((len(self._done), (*self._done, instead, *rest)))


def search_matches(problem: Problem, plan: Plan, replays: int) -> Run | None:
    """The smallest failing run among so many, or None.  Deliveries of `plan` ask for the oldest.

    Raises BudgetSpent.
    """
    queue: list[tuple[int, int, Plan]] = [(0, 0, plan)]
    tried = {keyed(plan)}
    best: Run | None = None
    number = 0
    for _ in range(replays):
        if not queue:
            break
        strategy = Ambiguous(heapq.heappop(queue)[2])
        run = problem.attempt(strategy).run
        if run is not None and (best is None or run.size < best.size):
            best = run
        for depth, branch in strategy.branches:
            key = keyed(branch)
            if key not in tried:
                tried.add(key)
                number += 1
                heapq.heappush(queue, (-depth, number, branch))
    return best


def keyed(plan: Plan) -> tuple[object, ...]:
    """What makes two plans the same."""
    return tuple([(want.choice, want.content, want.match) for want in plan])

"""What the replays of one subject have already said, so that no plan is replayed twice.

The one insight: a plan is known by what it asks for and how it is matched, and one replay answers for
several: the other ways of matching that would have run the same, and the plans between what it used and
what it asked for (`between.py`).

For plans beside the best run, what their replay ended in is kept too, so that the certificate need not
make it again.  Not here: replaying (`problem.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from demi.minimizer.between import Between
from demi.minimizer.runs import Run, Trial
from demi.scheduler.sts import Match, Wanted

Key = tuple[object, ...]
States = dict[str, dict[str, Any]]  # node -> field -> value
ENDS_MAX = 1_000  # replays whose end is kept


class Asked:
    """A plan as a question.  way: the one way of matching of all its messages, None where they differ."""

    __slots__ = ("_causes", "_what", "key", "plan", "way")

    def __init__(self, plan: Sequence[Wanted]) -> None:
        self.plan = plan
        ways = {w.match for w in plan if w.external is None and not w.is_timer}
        self.way: Match | None = next(iter(ways)) if len(ways) == 1 else None
        self._what: Key = tuple([(w.choice, w.label, w.content) for w in plan])
        self._causes = _sources(plan)
        self.key = self._key([w.match for w in plan] if len(ways) > 1 else ways)

    def matched(self, way: Match) -> Key:
        """The key of the same plan, matched in another way."""
        return self._key((way,))

    def _key(self, ways: Iterable[Match]) -> Key:
        """By cause, an answer depends on who sent what as well."""
        matches = tuple(ways)
        return (self._what, matches, self._causes if Match.CAUSE in matches else ())


def _sources(plan: Sequence[Wanted]) -> Key:
    """For each event, which of the plan's events sent it (-1: the start), if any did, and the how many-th."""
    index = {want.place: at for at, want in enumerate(plan)}
    index[-1] = -1
    return tuple([(index.get(w.source[0]), *w.source[1:]) if w.source else () for w in plan])


@dataclass(frozen=True, slots=True)
class End:
    """One replay, and what each node showed when it was over, in JSON: the nodes themselves go on."""

    trial: Trial
    states: States


class Answers:
    """The failing run of each plan that was tried, or None; how the latest that are None ended."""

    def __init__(self) -> None:
        self._runs: dict[Key, Run | None] = {}
        self._between = Between()
        self._ends: dict[Key, End] = {}

    def know(self, asked: Asked, lenient_only: bool) -> bool:
        """Is the answer known?  lenient_only: nothing but lenient replay would be asked."""
        if asked.key in self._runs:
            return True
        if lenient_only and asked.way and self._between.answers(asked.plan, asked.way):
            self._runs[asked.key] = None
            return True
        return False

    def answer(self, asked: Asked) -> Run | None:
        """What is known of it.  Raises KeyError when nothing is."""
        return self._runs[asked.key]

    def learn(self, asked: Asked, trial: Trial, run: Run | None) -> None:
        """A plan was replayed.  run: the failing run, by that replay or by a rung above it."""
        self._runs[asked.key] = run
        if asked.way is None:
            return
        for way in trial.same:
            self._runs[asked.matched(way)] = run
        if trial.same and trial.run is None and not trial.refusal:
            self._between.add(asked.plan, trial.used, trial.same)

    def ended(self, asked: Asked, end: End) -> None:
        """Keep how the replay of a plan ended, unless the target could not run it."""
        if end.trial.refusal or len(self._ends) >= ENDS_MAX:
            return
        self._ends[asked.key] = end
        if asked.way is not None:
            for way in end.trial.same:
                self._ends[asked.matched(way)] = end

    def end(self, asked: Asked) -> End | None:
        """How the replay of that very plan ended, where that is known."""
        return self._ends.get(asked.key)

    def forget_ends(self) -> None:
        """The best run is another now: only plans beside it will be asked for."""
        self._ends.clear()

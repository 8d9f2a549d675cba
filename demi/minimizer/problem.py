"""The problem: one failing run, one question ("does this subsequence still fail the same way?").

The one insight: the answer is a *run*, not a bit: what a lenient replay really executed, cut at the
violation, is the next candidate, so events that lost their cause leave for free and every accepted
candidate is a schedule that happened.

Owns statistics and the best so far (anytime).
Not here: the budget (`budget.py`), what is known of plans already tried (`answers.py`), which subsequences
to try (one pass per file), the order of passes (`minimize.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from demi.errors import ContractError, TargetError
from demi.minimizer.answers import Answers, Asked, End
from demi.minimizer.budget import Budget, BudgetSpent, Spending
from demi.minimizer.runs import Bound, Plan, Run, Trial
from demi.scheduler.execute import Subject
from demi.scheduler.prefixes import Prefixes
from demi.scheduler.record import changes
from demi.scheduler.sts import Lenient, Match, Planner, Wanted
from demi.trace import Trace

if TYPE_CHECKING:
    from demi.minimizer.rungs import Rung

REFUSALS_MAX = 20  # candidates in a row that the target could not run: it has broken down
CACHED_MAX = 1_000  # events; longer candidates are rarely met twice, and their runs are large
WATCHED_MAX = 200  # events; on longer ones it costs more time than it saves
WATCHED = (Match.CAUSE, Match.EXACT, Match.NEWEST)
LENIENT = "lenient"  # the lowest rung of the oracle
RUNGS_MAX = 150  # events; longer candidates are cut by lenient replay well enough

Progress = Callable[[str, int, int], None]
"""progress(stage, events left, replays so far)."""
Keep = Callable[[Run], None]
"""Gets every better run as soon as it is known, so that a killed process leaves it."""


class Problem:
    """One minimization.  first: the original.  best: the smallest failing run known.

    home: the subject of the original; subject: that of the best, which may be a smaller one.
    others: the shortest run met of each other violation, at home.  bound: what a search has exhausted.
    prove: steps that a final search may take, 0 for the usual.
    reached: runs made until the best was met; refusals: of all, those that the target could not run,
    with the last reason.
    oracle: how a candidate is replayed; rungs: asked in turn where that gave it up, see `rungs.py`;
    accepted: by each, how many of those of `test`; keep: gets every better run.
    notes: what oracles and passes remember.
    """

    def __init__(
        self,
        subject: Subject,
        trace: Trace,
        first: Run,
        budget: Budget,
        progress: Progress | None = None,
        oracle: Oracle | None = None,
    ) -> None:
        self.subject = self.home = subject
        self.seed = trace.header.seed
        self.fingerprint = first.violation.fingerprint
        self.first = self.best = first
        self.notes: dict[str, Any] = {}
        self.others: dict[str, Run] = {}
        self.bound: Bound | None = None
        self.prove = 0
        self.reached = 0
        self.cached = 0
        self.refusals = self._refused = 0
        self.refusal = ""
        self.stage = ""
        self._spending = Spending(budget)
        self._answers = Answers()
        self._prefixes = Prefixes()
        self._progress = progress
        self._oracle = oracle or lenient
        self.keep: Keep | None = None
        self.rungs: Sequence[Rung] = ()
        self.accepted: dict[str, int] = {}

    @property
    def proven(self) -> bool:
        """Has a search from the beginning found nothing shorter?  True of every order of the events."""
        bound = self.bound
        return bound is not None and bound.anchor == 0 and bound.events == len(self.best.plan)

    @property
    def replays(self) -> int:
        """Runs made."""
        return self._spending.replays

    def elapsed(self) -> float:
        """Wall seconds since the start."""
        return self._spending.elapsed()

    def test(self, plan: Sequence[Wanted]) -> Run | None:
        """The failing run of a plan, or None; a smaller one becomes the best.

        What one replay says of the plan under other ways of matching is remembered too.
        Raises BudgetSpent.
        """
        if len(plan) > CACHED_MAX:
            return self.trial(plan).run
        asked = Asked(plan)
        if self._answers.know(asked, lenient_only=not self.rungs):
            self.cached += 1
            return self._answers.answer(asked)
        trial = self._asked(asked)
        run = trial.run or self._upper(trial, tuple(plan))
        if trial.run is not None:
            self._accepted(LENIENT)
        self._answers.learn(asked, trial, run)
        return run

    def ending(self, plan: Sequence[Wanted]) -> End:
        """How a replay of a plan ends; not made again if it was made since the best run was met.

        Raises BudgetSpent.
        """
        asked = Asked(plan)
        known = self._answers.end(asked)
        if known is not None:
            self.cached += 1
            return known
        return self._end(self.trial(plan))

    def _asked(self, asked: Asked) -> Trial:
        """Replay a plan; if the certificate may ask for it, keep how that ended.

        That asks for the best run less one event; other oracles may answer it in another way.
        """
        trial = self.trial(asked.plan)
        beside = len(self.best.plan) - 1 <= len(asked.plan) <= WATCHED_MAX
        if trial.run is None and beside and self._oracle is lenient:
            self._answers.ended(asked, self._end(trial))
        return trial

    def _end(self, trial: Trial) -> End:
        world = self.subject.world
        view = world.observe()
        shown = {name: changes(None, view.state(node)) for node, name in enumerate(world.names)}
        return End(trial, shown)

    def _upper(self, trial: Trial, plan: Plan) -> Run | None:
        """What the rungs above lenient replay say of a plan that it gave up."""
        if trial.refusal or len(plan) > RUNGS_MAX:
            return None
        for rung in self.rungs:
            run = rung.ask(self, plan)
            if run is not None:
                self._accepted(rung.name)
                return run
        return None

    def trial(self, plan: Sequence[Wanted]) -> Trial:
        """Replay a plan, tried before or not; the world is left as the replay ended.

        Raises BudgetSpent.
        """
        return self.attempt(self._oracle(self, tuple(plan)))

    def attempt(self, strategy: Lenient) -> Trial:
        """One run by any strategy that follows a plan.  Raises BudgetSpent."""
        self._spending.replay()
        trial = self._replay(strategy)
        if trial.run is not None and trial.run.size < self.best.size:
            self.better(trial.run)
        if self._progress:
            self._progress(self.stage, len(self.best.plan), self.replays)
        return trial

    def better(self, run: Run) -> None:
        """The best is this run from here on."""
        self.best, self.reached = run, self.replays
        self._answers.forget_ends()
        if self.keep is not None:
            self.keep(run)

    def moved(self, run: Run) -> None:
        """The best is this run of a smaller subject from here on."""
        if run is not self.best:
            self.better(run)
        self.bound = None
        self._answers = Answers()

    def again(self) -> Lenient:
        """How the best run is run again where runs do not repeat exactly."""
        self.stage = "again"
        return self._oracle(self, self.best.plan)

    def _accepted(self, rung: str) -> None:
        self.accepted[rung] = self.accepted.get(rung, 0) + 1

    def spend(self, replays: int) -> None:
        """So many runs were made elsewhere.  Raises BudgetSpent when that was the last of them."""
        for _ in range(replays):
            self._spending.replay()

    def check_time(self) -> None:
        """Raises BudgetSpent when the seconds are used up."""
        self._spending.check_time()

    def _replay(self, strategy: Lenient) -> Trial:
        planner = Planner(self.subject.world)
        clock = self._spending.clock()
        try:
            outcome = self._prefixes.execute(self.subject, strategy, self.seed, planner, clock)
        except (TargetError, ContractError) as error:
            return self._refuse(error)
        self._refused = 0
        found = outcome.violation
        run = None
        if found is not None:
            run = Run(tuple(planner.plan), found, tuple(planner.causes))
            if found.fingerprint != self.fingerprint:
                if self.subject is self.home:
                    self._note_other(run)
                run = None
        return Trial(
            run, found, tuple(strategy.absent), same=strategy.same(), used=tuple(strategy.used)
        )

    def _refuse(self, error: TargetError | ContractError) -> Trial:
        self.refusals += 1
        self._refused += 1
        self.refusal = str(error)
        if self._refused >= REFUSALS_MAX:
            raise BudgetSpent
        return Trial(None, None, (), self.refusal)

    def _note_other(self, run: Run) -> None:
        known = self.others.get(run.violation.fingerprint)
        if known is None or run.size < known.size:
            self.others[run.violation.fingerprint] = run


def whole(problem: Problem, plan: Sequence[Wanted]) -> bool:
    """Does each atomic group have as many members as in the original?"""
    groups = [w.external.group for w in plan if w.external is not None and w.external.group]
    first = [w.external.group for w in problem.first.plan if w.external is not None]
    return all(groups.count(group) == first.count(group) for group in groups)


Oracle = Callable[[Problem, Plan], Lenient]
"""The strategy that replays one candidate."""


def lenient(problem: Problem, plan: Plan) -> Lenient:
    """Ours: by content, then by content less what the target masks."""
    watch = WATCHED if len(plan) <= WATCHED_MAX else ()
    return Lenient(plan, problem.subject.target.mask, watch)


def by_content(problem: Problem, plan: Plan) -> Lenient:
    """Without the mask, as the published baselines."""
    return Lenient(plan)

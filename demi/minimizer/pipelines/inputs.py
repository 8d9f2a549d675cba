"""For systems that are judged at rest: inputs first, under a schedule without surprises.

The one insight: what a network does between two inputs matters only if the plainest schedule (everything
in flight arrives, oldest first, before the next input) no longer shows the bug; where it does, a run of
60 inputs is a list of 60 things, and no delivery has to be chosen.

Where it does not, inputs leave while the recorded order of deliveries is kept, and what a candidate leaves
in flight still arrives at its end, or the system would never be at rest.  Then the system itself becomes
smaller, and its inputs simpler, as the target proposes.
After STS (SIGCOMM'14), which had to guess when a network is at rest.
Not here: removing deliveries, which a system at rest has none to spare of; `default` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from demi.events import Event
from demi.interpose.world import Step, World
from demi.minimizer.chunks import remove_chunks
from demi.minimizer.ddmin import ddmin
from demi.minimizer.external_ddmin import Positions, atoms, external_ddmin
from demi.minimizer.parts import leave_out
from demi.minimizer.pipelines.pipeline import Pipeline
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Plan, Run
from demi.minimizer.simpler import simplify
from demi.minimizer.sooner import ask_sooner
from demi.scheduler.execute import FIRST_EXTERNAL
from demi.scheduler.fifo import Fifo
from demi.scheduler.sts import Lenient, Wanted

PLAIN = "plain"  # the note that the plain schedule shows the bug
INPUTS_ONLY = ("system", "simpler", "again")  # stages
DRAIN_MAX = 20_000  # deliveries in a row without an input: a storm


class Settled(Lenient):
    """Lenient replay that lets the system come to rest: at the end, and, in a plan of inputs only,
    before each of them.
    """

    name = "settled"

    def __init__(
        self, plan: Sequence[Wanted], mask: Callable[[str, Any], Any] | None = None
    ) -> None:
        super().__init__(plan, mask)
        self._plain = all(want.external is not None for want in plan)

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        self._fifo = Fifo()
        self._fifo.begin(world, seed, boot)
        self._drained = 0
        return super().begin(world, seed, boot)

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        oldest = self._oldest(enabled, last)
        if self._plain and oldest is not None:
            return oldest
        chosen = super().choose(enabled, last)
        if chosen is not None:
            self._drained = 0
            return chosen
        return oldest

    def _oldest(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        """What is in flight longest; None at rest."""
        inside = [event for event in enabled if event[0] < FIRST_EXTERNAL]
        self._drained += 1
        if not inside or self._drained > DRAIN_MAX:
            return None
        return self._fifo.choose(inside, last)


def plain_inputs(problem: Problem, run: Run) -> Run:
    """ddmin over inputs, each candidate under the plain schedule; `run` when that shows nothing."""
    best: Run | None = None

    def fails(kept: Sequence[Positions]) -> bool:
        nonlocal best
        wanted = {at for group in kept for at in group}
        found = problem.test([w for at, w in enumerate(run.plan) if at in wanted])
        if found is not None and (best is None or found.size < best.size):
            best = found
        return found is not None

    groups = atoms(run)
    if fails(groups):
        ddmin(groups, fails)
        problem.notes[PLAIN] = True
    return best or run


def settled(problem: Problem, plan: Plan) -> Lenient:
    """Let candidates come to rest; a certificate is about what happens without more events.

    Where the plain schedule shows the bug, smaller systems and simpler inputs are tried under it too.
    """
    mask = problem.subject.target.mask
    if problem.stage == "certify":
        return Lenient(plan, mask)
    if PLAIN in problem.notes and problem.stage in INPUTS_ONLY:
        plan = tuple([want for want in plan if want.external is not None])
    return Settled(plan, mask)


def _postponed(problem: Problem, run: Run) -> Run:
    """Leave deliveries for the end; those that come after the violation are gone.

    Not of a plain schedule: it has no surprises, which is worth more than fewer steps.
    """
    if PLAIN in problem.notes:
        return run
    return remove_chunks(problem, run)


def _in_the_recorded_order(problem: Problem, run: Run) -> Run:
    """Where the plain schedule shows nothing; otherwise inputs are minimal already."""
    return run if PLAIN in problem.notes else external_ddmin(problem, run)


INPUTS = Pipeline(
    "inputs under a plain schedule, then inputs in the recorded one: for systems judged at rest",
    once={
        "sooner": ask_sooner,
        "plain": plain_inputs,
        "system": leave_out,
        "simpler": simplify,
    },
    rounds={"externals": external_ddmin, "internals": _postponed},
    repeated={
        "sooner": ask_sooner,
        "plain": plain_inputs,
        "externals": _in_the_recorded_order,
        "system": leave_out,
        "simpler": simplify,
    },
    plain=Settled,
    oracle=settled,
    certified=True,
)

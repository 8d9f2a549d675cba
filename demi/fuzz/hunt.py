"""The hunt: seed after seed until something breaks or the budget is spent.

The one insight: run i of a hunt depends on `seed + i` only, so how runs are shared among processes can
change how soon an answer comes and never which answer: the violation with the lowest run number wins.

A hunt runs bare; a violating run is executed once more under the recorder, and replayed, which proves
that it repeats before anybody sees it.  Not here: processes (`parallel.py`), printing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from demi.fuzz.program import generate
from demi.oracle import Violation
from demi.scheduler.determinism import unrepeatable
from demi.scheduler.execute import Recording, Subject, execute
from demi.scheduler.registry import make_strategy
from demi.scheduler.replay import replay
from demi.scheduler.run import Observer, Outcome
from demi.target import Profile
from demi.trace import Trace


@dataclass(frozen=True, slots=True)
class Plan:
    """What to hunt.

    strategy, depth: see `registry.make_strategy`.  seed: of run 0; run i uses seed + i.
    wanted: fingerprint prefix that counts as found; "" for any.  deliveries_min: shorter violating
    runs are passed over (to record an original of a given size).
    """

    profile: Profile
    strategy: str
    depth: int = 3
    seed: int = 0
    steps: int = 1000
    wanted: str = ""
    deliveries_min: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A violating run: its number in the hunt, its seed, and what broke.

    others counts violations passed over because they were not wanted.
    """

    number: int
    seed: int
    violation: Violation
    steps: int


def one_run(subject: Subject, plan: Plan, number: int, observer: Observer | None = None) -> Outcome:
    """Run `number` of a hunt."""
    seed = plan.seed + number
    program = generate(plan.profile, subject.world.names, seed)
    strategy = make_strategy(plan.strategy, plan.profile, plan.depth)
    return execute(subject, strategy, seed, program=program, steps=plan.steps, observer=observer)


def matches(plan: Plan, outcome: Outcome) -> bool:
    """Is this what the hunt is for?"""
    found = outcome.violation
    return (
        found is not None
        and found.fingerprint.startswith(plan.wanted)
        and outcome.steps >= plan.deliveries_min
    )


def hunt(subject: Subject, plan: Plan, numbers: Iterator[int]) -> Iterator[tuple[int, Outcome]]:
    """Run the given runs one by one; what a run raises ends it (`campaign.py` goes on)."""
    for number in numbers:
        yield number, one_run(subject, plan, number)


def record_run(subject: Subject, plan: Plan, number: int) -> Trace:
    """Execute one run of a hunt again, recorded, and replay it.  Raises DivergenceError if that differs."""
    recording = Recording(subject)
    outcome = one_run(subject, plan, number, recording)
    trace = recording.trace(outcome, plan.seed + number, plan.strategy)
    divergence = replay(subject, trace).divergence
    if divergence is not None:
        raise unrepeatable(subject, trace, divergence)
    return trace


@dataclass(frozen=True, slots=True)
class Sofar:
    """A hunt in between: runs finished, steps taken, violations.

    classes, states: how many different ones were seen; 0 unless they are counted.
    """

    runs: int
    steps: int
    found: tuple[Found, ...] = ()
    classes: int = 0
    states: int = 0


Progress = Callable[[Sofar], None]


def first_of(found: Sequence[Found]) -> Found | None:
    """The answer of a hunt: the lowest run number."""
    return min(found, key=lambda one: one.number, default=None)

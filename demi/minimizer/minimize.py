"""The pipeline: verify, prune, remove externals, remove internals, wildcards, until nothing changes.

The one insight: cheap passes that cut a lot go first, and every pass starts from the best run of the one
before, so stopping at any time gives the best so far; the result is replayed strictly before anybody
sees it.

Not here: the passes (one file each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demi.errors import DivergenceError, UsageError
from demi.minimizer.certify import Why, annotated, certify
from demi.minimizer.chunks import exact, remove_chunks
from demi.minimizer.clusters import remove_clusters
from demi.minimizer.external_ddmin import external_ddmin
from demi.minimizer.pairs import remove_pairs
from demi.minimizer.problem import Budget, BudgetSpent, Problem, Progress, Run
from demi.minimizer.provenance import provenance
from demi.minimizer.spans import remove_spans
from demi.minimizer.wildcards import remove_with_wildcards
from demi.scheduler.execute import Subject, execute, record
from demi.scheduler.replay import Replayed, StrictReplay, replay
from demi.scheduler.sts import Observers, Planner
from demi.trace import Trace
from demi.trace_codec import digest

Pass = Callable[[Problem, Run], Run]

PASSES: Mapping[str, Pass] = {
    "provenance": provenance,
    "externals": external_ddmin,
    "internals": lambda problem, run: remove_chunks(problem, run, exact),
    "wildcards": remove_with_wildcards,
    "spans": remove_spans,
    "clusters": remove_clusters,
    "pairs": remove_pairs,
}
ONCE = ("provenance",)
ROUND = ("externals", "internals", "wildcards", "spans", "clusters", "pairs")
ROUNDS_MAX = 12  # each round must shrink the run; four are typical
VERIFICATIONS = 3  # strict replays of the result: one could be luck on a nondeterministic target


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass: events before and after, lenient replays and wall seconds it took."""

    name: str
    before: int
    after: int
    replays: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome.  trace: minimized and strictly verified `verified` times."""

    trace: Trace
    stages: tuple[Stage, ...]
    replays: int
    seconds: float
    verified: int
    interrupted: bool = False
    exhausted: bool = False


def minimize(
    subject: Subject,
    trace: Trace,
    *,
    budget: Budget | None = None,
    progress: Progress | None = None,
) -> Report:
    """Shrink a violating trace of `subject`.

    Ctrl-C and a spent budget end with the best so far.  Raises UsageError when the trace has no
    violation, DivergenceError when it does not replay.
    """
    if trace.violation is None:
        raise UsageError(
            "the trace shows no violation, so there is nothing to minimize",
            remedy="record one with: demi fuzz " + trace.header.target,
        )
    problem = Problem(subject, trace, first_run(subject, trace), budget or Budget(), progress)
    stages: list[Stage] = []
    interrupted = exhausted = False
    whys: tuple[Why, ...] = ()
    try:
        _once(problem, stages)
        whys = _certified(problem, stages)
    except BudgetSpent:
        exhausted = True
    except KeyboardInterrupt:
        interrupted = True
    minimal, verified = _verified(problem, trace, whys)
    return Report(
        minimal, tuple(stages), problem.replays, problem.elapsed(), verified, interrupted, exhausted
    )


def _once(problem: Problem, stages: list[Stage]) -> None:
    for name in ONCE:
        _stage(problem, name, stages)


def _certified(problem: Problem, stages: list[Stage]) -> tuple[Why, ...]:
    """Rounds until nothing changes, then the certificate; when that finds less, once more."""
    whys: list[Why] = []

    def attempt(problem: Problem, run: Run) -> Run:
        whys[:] = certify(problem)
        return problem.best

    while True:
        _rounds(problem, stages)
        before = problem.best.size
        _timed(problem, "certify", attempt, stages)
        if problem.best.size == before:
            return tuple(whys)


def _rounds(problem: Problem, stages: list[Stage]) -> None:
    for _ in range(ROUNDS_MAX):
        before = problem.best.size
        for name in ROUND:
            _stage(problem, name, stages)
        if problem.best.size == before:
            return


def _stage(problem: Problem, name: str, stages: list[Stage]) -> None:
    _timed(problem, name, PASSES[name], stages)


def _timed(problem: Problem, name: str, work: Pass, stages: list[Stage]) -> None:
    before, replays, started = len(problem.best.plan), problem.replays, problem.elapsed()
    problem.stage = name
    try:
        work(problem, problem.best)
    finally:
        after = len(problem.best.plan)
        spent = problem.replays - replays, problem.elapsed() - started
        stages.append(Stage(name, before, after, *spent))


def first_run(subject: Subject, trace: Trace) -> Run:
    """The original as a Run, by strict replay.  Raises DivergenceError with the first difference."""
    follower = StrictReplay(trace, subject.world, len(trace))
    planner = Planner(subject.world)
    outcome = execute(subject, follower, trace.header.seed, observer=Observers(follower, planner))
    violation = outcome.violation
    if violation is None or follower.divergence is not None:
        what = follower.divergence.describe() if follower.divergence else "no violation appeared"
        raise DivergenceError(
            f"the trace does not replay: {what}", remedy="demi replay shows where"
        )
    if trace.violation is not None and violation.fingerprint != trace.violation.fingerprint:
        raise DivergenceError(
            f"the trace records {trace.violation.fingerprint} but shows {violation.fingerprint}",
            remedy="demi replay shows where",
        )
    return Run(tuple(planner.plan), violation, tuple(planner.causes))


def _verified(problem: Problem, original: Trace, whys: tuple[Why, ...]) -> tuple[Trace, int]:
    """Record the best run, write its certificate into it, and replay that strictly."""
    choices = [want.choice for want in problem.best.plan]
    recorded = record(
        problem.subject, choices, problem.seed, strategy="minimized", parent=digest(original)
    )
    minimal = annotated(recorded, whys)
    for _ in range(VERIFICATIONS):
        result: Replayed = replay(problem.subject, minimal)
        if result.divergence is not None:
            raise DivergenceError(
                "the minimized run does not replay strictly: " + result.divergence.describe()
            )
    return minimal, VERIFICATIONS

"""Minimizing: verify the original, run the passes of a pipeline, certify, verify the result.

The one insight: every pass starts from the best run of the one before, so stopping at any time gives the
best so far; the result is replayed strictly before anybody sees it.

Not here: the passes (one file each), their order (`demi/minimizer/pipelines`).
"""

from __future__ import annotations

from dataclasses import dataclass

from demi.errors import DivergenceError, UsageError
from demi.minimizer.certify import Why, annotated, certify
from demi.minimizer.pipelines import find_pipeline
from demi.minimizer.pipelines.pipeline import Pass, Pipeline
from demi.minimizer.problem import Budget, BudgetSpent, Problem, Progress, Run
from demi.scheduler.execute import Subject, execute, record
from demi.scheduler.replay import Replayed, StrictReplay, replay
from demi.scheduler.sts import Observers, Planner
from demi.trace import Trace
from demi.trace_codec import digest

ROUNDS_MAX = 12  # each round must shrink the run; four are typical
DEFAULT = "default"  # stands for the pipeline that a target asks for
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
    pipeline: str = DEFAULT,
) -> Report:
    """Shrink a violating trace of `subject` with one of `PIPELINES`; `default` is the target's.

    Ctrl-C and a spent budget end with the best so far.  Raises UsageError when the trace has no
    violation, DivergenceError when it does not replay.
    """
    if trace.violation is None:
        raise UsageError(
            "the trace shows no violation, so there is nothing to minimize",
            remedy="record one with: demi fuzz " + trace.header.target,
        )
    chosen = find_pipeline(subject.target.pipeline if pipeline == DEFAULT else pipeline)
    first = first_run(subject, trace)
    problem = Problem(subject, trace, first, budget or Budget(), progress, chosen.oracle)
    stages: list[Stage] = []
    interrupted = exhausted = False
    whys: tuple[Why, ...] = ()
    try:
        whys = _shrunk(problem, chosen, stages)
    except BudgetSpent:
        exhausted = True
    except KeyboardInterrupt:
        interrupted = True
    minimal, verified = _verified(problem, trace, whys)
    return Report(
        minimal, tuple(stages), problem.replays, problem.elapsed(), verified, interrupted, exhausted
    )


def _shrunk(problem: Problem, pipeline: Pipeline, stages: list[Stage]) -> tuple[Why, ...]:
    """All passes, and rounds until nothing changes; then the certificate, and anew if it found less."""
    whys: list[Why] = []

    def attempt(problem: Problem, run: Run) -> Run:
        whys[:] = certify(problem)
        return problem.best

    for name, work in pipeline.once.items():
        _timed(problem, name, work, stages)
    while True:
        _rounds(problem, pipeline, stages)
        before = problem.best.size
        for name, work in pipeline.last.items():
            _timed(problem, name, work, stages)
        if pipeline.certified:
            _timed(problem, "certify", attempt, stages)
        if problem.best.size == before:
            return tuple(whys)


def _rounds(problem: Problem, pipeline: Pipeline, stages: list[Stage]) -> None:
    for _ in range(ROUNDS_MAX if pipeline.rounds else 0):
        before = problem.best.size
        for name, work in pipeline.rounds.items():
            _timed(problem, name, work, stages)
        if problem.best.size == before:
            return


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
        what = follower.divergence.brief() if follower.divergence else "no violation appeared"
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
                "the minimized run does not replay strictly: " + result.divergence.brief()
            )
    return minimal, VERIFICATIONS

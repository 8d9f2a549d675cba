"""Minimizing: verify the original, run the passes of a pipeline, certify, verify the result.

The one insight: every pass starts from the best run of the one before, so stopping at any time gives the
best so far; the result is replayed strictly before anybody sees it.

Not here: the passes (one file each), their order (`demi/minimizer/pipelines`, `yields.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from demi.errors import DivergenceError, UsageError
from demi.minimizer.budget import Budget, BudgetSpent
from demi.minimizer.certify import Why, annotated, certify
from demi.minimizer.pipelines import find_pipeline
from demi.minimizer.pipelines.pipeline import Pass, Pipeline
from demi.minimizer.problem import Keep as KeepRun
from demi.minimizer.problem import Problem, Progress
from demi.minimizer.races import EXPLANATION, homes_of, races, told
from demi.minimizer.rungs import Rung
from demi.minimizer.runs import Run
from demi.minimizer.yields import by_yield
from demi.scheduler.execute import Subject, execute, record
from demi.scheduler.replay import Replayed, StrictReplay, replay
from demi.scheduler.run import Observers
from demi.scheduler.sts import Planner
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
    """The outcome.  trace: minimized and strictly verified `verified` times.

    reached: replays after which the size was that of the result; the rest looked for a smaller one.
    others: the shortest run met of each other violation, by fingerprint; never mixed with this one.
    refusals: candidates that the target could not run, and the last reason.
    accepted: how many candidates each rung of the oracle accepted, `lenient` first.
    unread: events of the original behind its violation, which came earlier than recorded; left out.
    """

    trace: Trace
    stages: tuple[Stage, ...]
    replays: int
    seconds: float
    verified: int
    interrupted: bool = False
    exhausted: bool = False
    reached: int = 0
    others: dict[str, Trace] = field(default_factory=dict)
    refusals: tuple[int, str] = (0, "")
    accepted: dict[str, int] = field(default_factory=dict)
    unread: int = 0


Keep = Callable[[Trace], None]
"""Gets every better trace as soon as it is known, so that a killed process leaves it."""


def minimize(
    subject: Subject,
    trace: Trace,
    *,
    budget: Budget | None = None,
    progress: Progress | None = None,
    pipeline: str = DEFAULT,
    prove: int = 0,
    keep: Keep | None = None,
    rungs: Sequence[Rung] = (),
) -> Report:
    """Shrink a violating trace of `subject` with one of `PIPELINES`; `default` is the target's.

    rungs: how candidates are asked for that a lenient replay gave up, see `rungs.py`.
    prove: steps of the world that the final search may take to prove the length, 0 for the usual.

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
    problem.prove = prove
    problem.rungs = rungs
    problem.keep = _keeper(problem, trace, keep)
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
    problem.subject = problem.home
    others = {name: _recorded(problem, run, trace) for name, run in sorted(problem.others.items())}
    return Report(
        minimal, tuple(stages), problem.replays, problem.elapsed(), verified, interrupted, exhausted,
        problem.reached, others, (problem.refusals, problem.refusal), problem.accepted,
        _earlier(trace, first),
    )  # fmt: skip


def _earlier(trace: Trace, first: Run) -> int:
    """By how many events the original broke earlier than it says."""
    assert trace.violation is not None  # `minimize` refused others
    return max(0, trace.violation.step - first.violation.step)


def _keeper(problem: Problem, original: Trace, keep: Keep | None) -> KeepRun | None:
    """Record a better run, without a certificate, and hand it over."""
    if keep is None:
        return None
    return lambda run: keep(annotated(_recorded(problem, run, original), ()))


def _shrunk(problem: Problem, pipeline: Pipeline, stages: list[Stage]) -> tuple[Why, ...]:
    """All passes, and rounds until nothing changes; then the certificate, and anew if it found less."""
    whys: list[Why] = []

    def attempt(problem: Problem, run: Run) -> Run:
        whys[:] = certify(problem)
        problem.notes["races"] = races(problem, problem.best)
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
        for name, work in by_yield(pipeline.rounds, pipeline.free, stages):
            _timed(problem, name, work, stages)
            if problem.proven:
                return
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
        versions = (trace.header.target_version, subject.target.version(subject.config))
        if versions[0] != versions[1]:
            what += (
                f"; it was recorded with version {versions[0] or '?'}, this is {versions[1] or '?'}"
            )
        raise DivergenceError(
            f"the trace does not replay: {what}",
            where=f"event {len(planner.plan)} of {len(trace)}",
            remedy="demi replay --lenient shows whether it fails all the same; for a target that does not"
            " repeat exactly: demi minimize --repeat 5",
        )
    if trace.violation is not None and violation.fingerprint != trace.violation.fingerprint:
        raise DivergenceError(
            f"the trace records {trace.violation.fingerprint} but shows {violation.fingerprint}",
            remedy="demi replay shows where",
        )
    return Run(tuple(planner.plan), violation, tuple(planner.causes))


def _verified(problem: Problem, original: Trace, whys: tuple[Why, ...]) -> tuple[Trace, int]:
    """Record the best run, write its certificate into it, and replay that strictly."""
    minimal = annotated(_recorded(problem, problem.best, original), whys, problem.bound)
    if whys and minimal.footer is not None:
        homes = homes_of(problem.subject.world.names, problem.best.plan)
        found = problem.notes.get("races", ())
        text = told(problem.best, homes, found, minimal.entries)
        footer = replace(minimal.footer, extra={**minimal.footer.extra, EXPLANATION: text})
        minimal = replace(minimal, footer=footer)
    for _ in range(VERIFICATIONS):
        result: Replayed = replay(problem.subject, minimal)
        if result.divergence is not None:
            raise DivergenceError(
                "the minimized run does not replay strictly: " + result.divergence.brief()
            )
    return minimal, VERIFICATIONS


def _recorded(problem: Problem, run: Run, original: Trace) -> Trace:
    choices = [want.choice for want in run.plan]
    return record(
        problem.subject, choices, problem.seed, strategy="minimized", parent=digest(original)
    )

"""Minimizing what does not replay exactly: every question is asked several times, the majority answers.

The one insight: a rate is only worth its interval, so "reproduced" is always said with how often of how
many, and a candidate is accepted when most of its runs fail, never because one of them did.

Runs stop as soon as the majority is certain.  Intervals: Wilson (JASA 1927), 95 %, which stay honest for
few runs and for rates near 0 and 1.  Not here: worlds that repeat; they are minimized with one replay per
candidate and verified strictly (`minimize.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from demi.errors import DivergenceError, UsageError
from demi.minimizer.budget import Budget, BudgetSpent
from demi.minimizer.minimize import Keep, Report, Stage
from demi.minimizer.pipelines import find_pipeline
from demi.minimizer.problem import Problem, Progress
from demi.minimizer.runs import Run, Trial
from demi.scheduler.execute import Subject, execute, footer_of
from demi.scheduler.plan import Recorded, plan_of
from demi.scheduler.record import Recorder, make_header
from demi.scheduler.run import Observers
from demi.scheduler.sts import Lenient, Planner
from demi.trace import Entry, Trace
from demi.trace_codec import digest

REPEATS = 5  # of a candidate when nothing else is said: a coin that falls 4 of 5 times is kept
MEASURED = 20  # runs of the result: the interval is then about 40 points wide at worst
Z = 1.959964  # 95 %
ROUNDS_MAX = 6


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `tries` runs failed in the wanted way."""

    hits: int
    tries: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %; (0, 1) without any run."""
        if not self.tries:
            return 0.0, 1.0
        n, p, z2 = self.tries, self.hits / self.tries, Z * Z
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    @property
    def text(self) -> str:
        """`7 of 10 (40-89 %)`."""
        low, high = self.interval
        return f"{self.hits} of {self.tries} ({100 * low:.0f}-{100 * high:.0f} %)"


class Repeated(Problem):
    """A problem whose every candidate is run up to `repeats` times."""

    repeats = REPEATS

    def _replay(self, strategy: Lenient) -> Trial:
        hits, kept, last = 0, None, None
        for number in range(1, self.repeats + 1):
            if number > 1:
                self.spend(1)
            last = super()._replay(strategy)
            if last.run is not None:
                hits += 1
                kept = last
            if 2 * hits > self.repeats and kept is not None:
                return kept
            if 2 * (hits + self.repeats - number) <= self.repeats:
                break
        assert last is not None
        return Trial(None, last.violation, last.absent)


def rate_of(subject: Subject, trace: Trace, times: int, fingerprint: str) -> Rate:
    """How often a trace shows a fingerprint under lenient replay."""
    plan = plan_of(trace, subject.world.names)
    hits = 0
    for _ in range(times):
        strategy = Recorded(plan, subject.world)
        found = execute(subject, strategy, trace.header.seed, observer=strategy).violation
        hits += found is not None and found.fingerprint == fingerprint
    return Rate(hits, times)


def minimize_repeated(
    subject: Subject,
    trace: Trace,
    repeats: int = REPEATS,
    *,
    budget: Budget | None = None,
    progress: Progress | None = None,
    keep: Keep | None = None,
) -> tuple[Report, Rate]:
    """(the report, how often the result fails).  The result is the record of one failing run.

    keep: gets a failing run of every better candidate, if one of `repeats` more runs fails.

    Raises UsageError without a violation, DivergenceError when the original fails in too few runs.
    """
    if trace.violation is None:
        raise UsageError("the trace shows no violation, so there is nothing to minimize")
    fingerprint = trace.violation.fingerprint
    first, unread = _first(subject, trace, repeats, fingerprint)
    pipeline = find_pipeline(subject.target.pipeline)
    problem = Repeated(subject, trace, first, budget or Budget(), progress, pipeline.oracle)
    problem.repeats = repeats
    if keep is not None:
        problem.keep = lambda run: _hand_over(problem, trace, keep)
    stages: list[Stage] = []
    interrupted = exhausted = False
    try:
        for _ in range(ROUNDS_MAX):
            before = problem.best.size
            for name, work in pipeline.repeated.items():
                size, done, began = len(problem.best.plan), problem.replays, problem.elapsed()
                problem.stage = name
                work(problem, problem.best)
                spent = problem.replays - done, problem.elapsed() - began
                stages.append(Stage(name, size, len(problem.best.plan), *spent))
            if problem.best.size == before:
                break
    except BudgetSpent:
        exhausted = True
    except KeyboardInterrupt:
        interrupted = True
    small, rate = _recorded(problem, trace)
    report = Report(
        small, tuple(stages), problem.replays, problem.elapsed(), 0, interrupted, exhausted,
        problem.reached, _others(problem, trace), (problem.refusals, problem.refusal), unread=unread,
    )  # fmt: skip
    return report, rate


def _first(subject: Subject, trace: Trace, repeats: int, fingerprint: str) -> tuple[Run, int]:
    """A failing run of the original, and how many events earlier than recorded it fails.

    The first runs may fail by chance: most of them must.
    """
    world, plain = subject.world, find_pipeline(subject.target.pipeline).plain
    plan = plan_of(trace, world.names)
    failed, rate = _majority(subject, trace, repeats, fingerprint, lambda: Recorded(plan, world))
    if failed is not None:
        run, strategy = failed
        return run, max(0, len(plan) - 1 - strategy.used[-1]) if strategy.used else 0
    if plain is not None:
        inputs = tuple([want for want in plan if want.external is not None])
        failed, rate = _majority(subject, trace, repeats, fingerprint, lambda: plain(inputs))
    if failed is None:
        raise DivergenceError(
            f"the trace shows {fingerprint} in {rate.text} runs only",
            remedy="a majority has to fail: take another trace, or make the target repeat (demi check)",
        )
    return failed[0], 0


def _majority(
    subject: Subject, trace: Trace, repeats: int, fingerprint: str, make: Callable[[], Lenient]
) -> tuple[tuple[Run, Lenient] | None, Rate]:
    """The last failing run and what it followed, when most fail; and how many did."""
    hits, failed = 0, None
    for _ in range(repeats):
        planner, strategy = Planner(subject.world), make()
        observers = (strategy, planner) if isinstance(strategy, Recorded) else (planner,)
        found = execute(
            subject, strategy, trace.header.seed, observer=Observers(*observers)
        ).violation
        if found is not None and found.fingerprint == fingerprint:
            hits += 1
            failed = Run(tuple(planner.plan), found, tuple(planner.causes)), strategy
    return failed if 2 * hits > repeats else None, Rate(hits, repeats)


def _hand_over(problem: Repeated, original: Trace, keep: Keep) -> None:
    stage = problem.stage  # oracles read it
    for _ in range(problem.repeats):
        trace = _once(problem, original)
        if trace is not None:
            keep(trace)
            break
    problem.stage = stage


def _recorded(problem: Problem, original: Trace) -> tuple[Trace, Rate]:
    """The best run, run again and again; the record of the first that fails, and how many do."""
    traces = [trace for _ in range(MEASURED) if (trace := _once(problem, original)) is not None]
    if traces:
        return traces[0], Rate(len(traces), MEASURED)
    raise DivergenceError(
        f"the shrunk run did not show {problem.fingerprint} again in {MEASURED} runs",
        remedy="ask more often: --repeat 15",
    )


def _others(problem: Repeated, original: Trace) -> dict[str, Trace]:
    """A record of each other violation that was met, where one of a few more runs shows it again."""
    found = {}
    for fingerprint, run in sorted(problem.others.items()):
        for _ in range(problem.repeats):
            trace = _record(problem, original, Lenient(run.plan), fingerprint)
            if trace is not None:
                found[fingerprint] = trace
                break
    return found


def _once(problem: Problem, original: Trace) -> Trace | None:
    """The record of one more run of the best, if it fails."""
    return _record(problem, original, problem.again(), problem.fingerprint)


def _record(problem: Problem, original: Trace, strategy: Lenient, fingerprint: str) -> Trace | None:
    """The record of one more run, if it fails in that way."""
    subject, world = problem.subject, problem.subject.world
    entries: list[Entry] = []
    recorder = Recorder(world, entries.append)
    outcome = execute(subject, strategy, problem.seed, observer=recorder)
    found = outcome.violation
    if found is None or found.fingerprint != fingerprint:
        return None
    header = make_header(
        world, target=subject.target.name, config=subject.config, strategy="repeated",
        seed=problem.seed, boot=recorder.boot,
        target_version=subject.target.version(subject.config), parent=digest(original),
        hash_seed=subject.target.hash_seed,
    )  # fmt: skip
    return Trace(header, tuple(entries), footer_of(subject, outcome))

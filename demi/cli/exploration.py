"""What `demi explore` is asked to explore, and how: bounds, the program, one search or several.

The one insight: a target and a trace come down to the same thing, choices taken first and inputs that
may then happen in any order, so one search serves both.

Not here: the options and the answer (`explore.py`); the file of what is left over (`rest.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.cli.loading import Loaded
from demi.cli.output import count, plural
from demi.cli.progress import Progress
from demi.cli.session import Session, make_subject
from demi.errors import UsageError

if TYPE_CHECKING:
    from demi.cli.values import Settings
    from demi.dpor.bounds import Bounds
    from demi.dpor.parallel import Part
    from demi.dpor.result import Result
    from demi.dpor.tally import Progress as Tick
    from demi.events import Program
    from demi.scheduler.execute import Subject
    from demi.scheduler.record import Taken
    from demi.viewer.figures import Figures

SUFFIXES = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Job:
    """What is explored: `prefix` is taken first, then every order of the rest of `program`."""

    loaded: Loaded
    subject: Subject
    program: Program
    prefix: tuple[Taken, ...]
    seed: int

    def notes(self) -> list[str]:
        """What is taken first is not explored, and said."""
        if not self.prefix:
            return []
        return [f"taken first, in this order: {plural(len(self.prefix), 'event')} (the beginning)"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say about the program."""

    bug: str
    sets: list[str]
    items: int
    any_order: bool
    around: int | None
    target: str


@dataclass(frozen=True, slots=True)
class Deepening:
    """One bound that grows round by round."""

    name: str
    low: int
    high: int


def parse_bounds(words: list[str]) -> tuple[Bounds, Deepening | None]:
    """`steps=40`, `timers=1..3` and the like.  Raises UsageError naming the nearest match."""
    from demi.dpor.bounds import Bounds
    from demi.target import nearest

    known = tuple(Bounds.__dataclass_fields__)
    chosen: dict[str, int] = {}
    deepening = None
    for word in words:
        name, _, value = word.partition("=")
        if name not in known:
            raise UsageError(
                f"unknown bound {name!r}", where="--bound", remedy=nearest(name, known)
            )
        found = re.fullmatch(r"([0-9]{1,9})(?:\.\.([0-9]{1,9}))?", value)
        if found is None:
            raise UsageError(
                f"--bound {name} wants a number",
                remedy=f"as in --bound {name}=3, or {name}=1..3 to deepen step by step",
            )
        chosen[name] = low = int(found[1])
        if found[2] is None:
            continue
        if deepening is not None or low > int(found[2]):
            raise UsageError(
                f"--bound {word}: one bound may grow, from low to high",
                remedy=f"as in --bound {name}=1..3",
            )
        deepening = Deepening(name, low, int(found[2]))
    return Bounds(**chosen), deepening


@dataclass(frozen=True, slots=True)
class Way:
    """How to explore.  seconds: for all rounds, 0 for no limit.  states: may it end with states?"""

    algorithm: str
    workers: int
    max_executions: int
    seconds: float
    sound_for: str
    states: bool
    rest: dict[str, Any] | None

    @property
    def several(self) -> bool:
        """Several processes, or what several left over."""
        return self.workers > 1 or (self.rest is not None and "tasks" in self.rest)

    def check(self, deepening: Deepening | None, resume: Path | None) -> None:
        """Raises UsageError for what cannot be combined."""
        if self.several and (self.algorithm not in ("auto", "source") or self.max_executions):
            raise UsageError(
                "several workers explore with source, without --max-executions",
                where="-j",
                remedy="leave out -j",
            )
        if deepening is not None and (resume is not None or self.max_executions):
            raise UsageError(
                "a bound that grows cannot be combined with --resume or --max-executions",
                where=f"--bound {deepening.name}={deepening.low}..{deepening.high}",
                remedy=f"--bound {deepening.name}={deepening.high}",
            )


def run(job: Job, way: Way, bounds: Bounds, progress: Progress) -> Result:
    """One search."""
    from demi.dpor.explore import explore, explore_processes

    name = f"explore {job.loaded.target.name}"

    def tell(now: Tick) -> None:
        about = f"  about {count(now.estimate)} in all" if now.estimate else ""
        done = (
            f"{plural(now.states, 'state')}  {count(now.steps)} transitions"
            if now.states
            else f"{plural(now.executions, 'execution')}  {count(now.blocked)} blocked{about}"
        )
        progress.figures(figures(now, way.seconds, progress.elapsed))
        rate = (now.states or now.executions) / now.seconds if now.seconds else 0.0
        progress.tell(f"{name}  {done}  {count(round(rate))}/s  {now.seconds:.0f} s")

    def tell_part(so_far: Part, done: int, tasks: int) -> None:
        from demi.viewer.figures import Figures

        counts = {"executions": so_far.executions, "blocked": so_far.blocked, "subtrees": done}
        goals = {"subtrees": tasks}
        progress.figures(Figures(progress.elapsed, counts, goals, ("executions",)))
        runs, blocked = plural(so_far.executions, "execution"), count(so_far.blocked)
        progress.tell(f"{name}  {runs}  {blocked} blocked  {done} of {tasks} subtrees")

    common: dict[str, Any] = {
        "bounds": bounds, "seconds": way.seconds, "prefix": job.prefix, "seed": job.seed,
        "sound_for": way.sound_for, "resume": way.rest,
    }  # fmt: skip
    if way.several:
        target, config = job.loaded.target, job.subject.config
        return explore_processes(
            lambda: make_subject(target, dict(config)),
            job.program,
            workers=way.workers,
            progress=tell_part,
            **common,
        )
    return explore(
        job.subject, job.program, algorithm=way.algorithm, max_executions=way.max_executions,
        progress=tell, states=way.states, **common,
    )  # fmt: skip


def figures(now: Tick, seconds: float, elapsed: float) -> Figures:
    """Where a search stands, for its screen."""
    from demi.viewer.figures import Figures

    left = max(0.0, seconds - elapsed) if seconds else -1.0
    if now.states:
        counts = {"states": now.states, "transitions": now.steps}
        return Figures(elapsed, counts, {}, ("states",), (), (), left)
    counts = {"classes": now.executions, "blocked": now.blocked, "steps": now.steps}
    share = f"{100 * now.share:.1f} % of the tree as it is known now"
    return Figures(
        elapsed, counts, {"classes": now.estimate}, ("classes",), (share,), now.violations, left
    )


def deeper(
    job: Job, way: Way, bounds: Bounds, growing: Deepening, progress: Progress
) -> Iterator[tuple[Bounds, Result]]:
    """A search per round; the time is shared."""
    from demi.dpor.deepen import deepen

    def within(bounds: Bounds) -> Result:
        left = max(0.001, way.seconds - progress.elapsed) if way.seconds else 0.0
        return run(job, replace(way, seconds=left), bounds, progress)

    return deepen(within, bounds, growing.name, growing.low, growing.high)


def prepare(session: Session, settings: Settings, what: str, asked: Asked) -> Job:
    """What the words of the command mean."""
    if what.endswith(SUFFIXES):
        return _from_trace(session, Path(what), asked.sets, asked.around, asked.target)
    from demi.events import Program
    from demi.fuzz.program import generate

    if asked.around is not None:
        raise UsageError("--around needs a trace", remedy="demi explore TRACE --around STEP")
    loaded = session.load(what)
    config = session.config(loaded, asked.bug, asked.sets)
    profile = replace(
        loaded.target.profile(config), items=(asked.items, asked.items), spacing=(0, 0), postfix=()
    )
    subject = make_subject(loaded.target, config)
    program = generate(profile, subject.world.names, settings.seed)
    if asked.any_order:
        return Job(loaded, subject, program, (), settings.seed)
    inputs = tuple(program.externals())
    first = len(tuple(Program(profile.prefix).externals()))
    return Job(loaded, subject, Program(inputs[first:]), inputs[:first], settings.seed)


def _from_trace(
    session: Session, path: Path, sets: list[str], around: int | None, target: str
) -> Job:
    """The externals of a trace in every order, or what may follow its first `around` events."""
    from demi.events import External, Program
    from demi.scheduler.replay import replay

    trace = session.read(path)
    loaded, subject = session.recorded(trace, target, sets)
    kept = min(around or 0, len(trace))
    prefix: tuple[Taken, ...] = ()
    if kept:
        done = replay(subject, trace, until=kept)
        if done.divergence is not None:
            from demi.errors import DivergenceError

            raise DivergenceError(done.divergence.brief(), where=str(path))
        prefix = done.choices
    taken = {choice.id for choice in prefix if isinstance(choice, External)}
    rest = [e.external() for e in trace if e.is_external and e.id not in taken]
    return Job(loaded, subject, Program(tuple(rest)), prefix, trace.header.seed)

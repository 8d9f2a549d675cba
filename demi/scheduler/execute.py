"""Executing one schedule of a target: bare for its outcome, or recorded as a Trace.

The one insight: every engine ends the same way, "run these choices once more and record them", so that
every trace written anywhere has been reproduced at least once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from demi.errors import DivergenceError
from demi.events import Event, Kind, Program
from demi.interpose.world import Step, World
from demi.oracle import Invariant
from demi.scheduler.record import Recorder, Taken, make_footer, make_header
from demi.scheduler.run import Observer, Outcome, run
from demi.scheduler.script import NEVER, Script
from demi.scheduler.scripted import Scripted
from demi.scheduler.strategy import Strategy
from demi.target import Target
from demi.trace import Entry, Footer, Trace

FIRST_EXTERNAL = int(Kind.START)


@dataclass(slots=True)
class Subject:
    """A target under one configuration, with its world built once and reset for each run."""

    target: Target
    config: dict[str, Any]
    world: World = field(init=False)
    invariants: tuple[Invariant, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.world = self.target.make(self.config)
        self.invariants = tuple(self.target.invariants(self.config))

    def script(self, program: Program) -> Script:
        """A script for one run of a program."""
        return Script(program, self.world, self.target.conditions, self.target.selectors)


class Choices:
    """An Observer that keeps what was chosen, as a schedule that can be run again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.taken: list[Taken] = []

    def began(self, boot: Step) -> None:
        self.taken.clear()

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        external = event[0] >= FIRST_EXTERNAL
        self.taken.append(self._world.external(event) if external else event)

    def after(self, step: Step) -> None:
        """Nothing: the choice is enough."""


def execute(
    subject: Subject,
    strategy: Strategy,
    seed: int,
    *,
    program: Program | None = None,
    steps: int = NEVER,
    observer: Observer | None = None,
) -> Outcome:
    """One run of a subject."""
    return run(
        subject.world,
        strategy,
        seed=seed,
        script=subject.script(program or Program()),
        invariants=subject.invariants,
        steps=steps,
        observer=observer,
    )


def record(
    subject: Subject,
    choices: Sequence[Taken],
    seed: int,
    *,
    strategy: str,
    parent: str = "",
) -> Trace:
    """Run a schedule once more and return its trace.

    Raises DivergenceError when a choice is not enabled: the system is not deterministic.
    """
    entries: list[Entry] = []
    scripted = Scripted(choices)
    recorder = Recorder(subject.world, entries.append)
    outcome = execute(subject, scripted, seed, observer=recorder)
    if scripted.left:
        raise DivergenceError(
            f"the run does not repeat: it ends ({outcome.reason.value}) after {outcome.steps} of"
            f" {len(choices)} choices",
            where=f"{subject.target.name} seed {seed}",
            remedy=USUAL_CAUSES,
        )
    header = make_header(
        subject.world,
        target=subject.target.name,
        config=subject.config,
        strategy=strategy,
        seed=seed,
        boot=recorder.boot,
        target_version=subject.target.version(subject.config),
        parent=parent,
    )
    return Trace(header, tuple(entries), footer_of(subject, outcome))


def footer_of(subject: Subject, outcome: Outcome) -> Footer:
    """The footer of a run that has just ended, with the target's drawing of what is broken."""
    footer, draw = make_footer(outcome), subject.target.drawing
    if draw is None or outcome.violation is None:
        return footer
    lines = list(draw(subject.config, subject.world, outcome.violation))
    return replace(footer, extra={**footer.extra, "drawing": lines}) if lines else footer


USUAL_CAUSES = (
    "usual causes: iteration over a set, time.time() or datetime.now(), random outside ctx.random, "
    "id() or hash() of an object, state shared between nodes or left in a module"
)

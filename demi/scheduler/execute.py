"""Executing one schedule of a target: bare for its outcome, or recorded as a Trace.

The one insight: every engine ends the same way, "run these choices once more and record them", so that
every trace written anywhere has been reproduced at least once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from demi.errors import DivergenceError
from demi.events import Event, External, Kind, Program
from demi.interpose.world import Step, World
from demi.oracle import Invariant
from demi.scheduler.record import Recorder, Taken, make_footer, make_header
from demi.scheduler.run import Observer, Outcome, Place, run
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


class Recording:
    """An Observer that makes a trace of the run that it sees, whoever chooses."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.entries: list[Entry] = []
        self.recorder = Recorder(subject.world, self.entries.append)

    def began(self, boot: Step) -> None:
        self.entries.clear()
        self.recorder.began(boot)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        self.recorder.before(event, enabled)

    def after(self, step: Step) -> None:
        self.recorder.after(step)

    def trace(self, outcome: Outcome, seed: int, strategy: str, parent: str = "") -> Trace:
        """The run, which has just ended."""
        subject = self._subject
        header = make_header(
            subject.world, target=subject.target.name, config=subject.config, strategy=strategy,
            seed=seed, boot=self.recorder.boot, parent=parent,
            target_version=subject.target.version(subject.config), hash_seed=subject.target.hash_seed,
        )  # fmt: skip
        return Trace(header, tuple(self.entries), footer_of(subject, outcome))


def execute(
    subject: Subject,
    strategy: Strategy,
    seed: int,
    *,
    program: Program | None = None,
    steps: int = NEVER,
    observer: Observer | None = None,
    place: Place | None = None,
) -> Outcome:
    """One run of a subject, or the rest of one."""
    return run(
        subject.world,
        strategy,
        seed=seed,
        script=subject.script(program or Program()),
        invariants=subject.invariants,
        steps=steps,
        observer=observer,
        place=place,
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
    scripted = Scripted(choices)
    recording = Recording(subject)
    outcome = execute(subject, scripted, seed, observer=recording)
    if scripted.left:
        next_one = _described(subject.world, choices[len(choices) - scripted.left])
        last = f" behind {recording.entries[-1].id}" if recording.entries else ""
        raise DivergenceError(
            f"the run does not repeat: step {outcome.steps + 1} of {len(choices)}, {next_one}, is not"
            f" enabled{last} ({outcome.reason.value})",
            where=f"{subject.target.name} seed {seed}",
            remedy=USUAL_CAUSES,
        )
    return recording.trace(outcome, seed, strategy, parent)


def _described(world: World, choice: Taken) -> str:
    """A choice that has no name yet, since nothing made it happen."""
    if isinstance(choice, External):
        return choice.id
    kind, node, peer, nth = choice
    if kind == Kind.DELIVER:
        return f"message {nth + 1} from {world.names[peer]} to {world.names[node]}"
    return f"a timer of {world.names[node]}"


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

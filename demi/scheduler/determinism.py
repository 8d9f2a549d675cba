"""The nondeterminism check: one schedule twice, and the first difference with its likely causes.

The one insight: the second run need not be told anything about the first but its choices; whatever then
differs is a choice that escaped us.
"""

from __future__ import annotations

from demi.events import Program
from demi.scheduler.execute import Choices, Subject, execute, record
from demi.scheduler.replay import Divergence, replay
from demi.scheduler.strategy import Strategy
from demi.trace import Trace


def check_determinism(
    subject: Subject, strategy: Strategy, program: Program, seed: int, steps: int
) -> tuple[Trace, Divergence | None]:
    """Run once under `strategy`, record its choices, replay strictly, compare every entry.

    Raises DivergenceError when the choices cannot even be made again.
    """
    choices = Choices(subject.world)
    execute(subject, strategy, seed, program=program, steps=steps, observer=choices)
    trace = record(subject, choices.taken, seed, strategy=strategy.name)
    return trace, replay(subject, trace).divergence

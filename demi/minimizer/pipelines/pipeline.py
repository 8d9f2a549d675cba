"""What a pipeline is: passes that run once, passes that run in rounds, and how candidates are replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from demi.minimizer.problem import Oracle, Problem, Run, lenient

Pass = Callable[[Problem, Run], Run]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """once, rounds: passes by name, in order; rounds are repeated until one changes nothing.

    last: passes that change the order of what is left, never its size.
    oracle: how a candidate is replayed.  certified: is every remaining event tried alone at the end?
    The published pipelines did not do that, and it would make their results smaller.
    """

    doc: str
    once: Mapping[str, Pass] = field(default_factory=dict)
    rounds: Mapping[str, Pass] = field(default_factory=dict)
    last: Mapping[str, Pass] = field(default_factory=dict)
    oracle: Oracle = lenient
    certified: bool = False

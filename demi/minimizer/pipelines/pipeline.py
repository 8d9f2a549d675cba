"""What a pipeline is: passes that run once, passes that run in rounds, and how candidates are replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from demi.minimizer.chunks import remove_chunks
from demi.minimizer.external_ddmin import external_ddmin
from demi.minimizer.problem import Oracle, Problem, lenient
from demi.minimizer.runs import Plan, Run
from demi.scheduler.sts import Lenient

Pass = Callable[[Problem, Run], Run]
REPEATED: Mapping[str, Pass] = {"externals": external_ddmin, "internals": remove_chunks}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """once, rounds: passes by name, in order; rounds are repeated until one changes nothing.

    free: names of `rounds` that delete and may run in any order, so they go by what they gave.
    last: passes that change the order of what is left, never its size.
    repeated: passes for what does not repeat exactly, where each candidate costs several runs.
    plain: replays inputs alone, where a trace that does not repeat exactly may be started from them.
    oracle: how a candidate is replayed.  certified: is every remaining event tried alone at the end?
    The published pipelines did not do that, and it would make their results smaller.
    """

    doc: str
    once: Mapping[str, Pass] = field(default_factory=dict)
    rounds: Mapping[str, Pass] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    last: Mapping[str, Pass] = field(default_factory=dict)
    repeated: Mapping[str, Pass] = field(default_factory=lambda: REPEATED)
    plain: Callable[[Plan], Lenient] | None = None
    oracle: Oracle = lenient
    certified: bool = False

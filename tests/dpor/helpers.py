"""What the tests of exploration ask again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from demi.dpor.bounds import Bounds
from demi.dpor.explore import Result, explore
from demi.dpor.space import Space
from demi.interpose.actor_world import ActorWorld

from .programs import Made, subject

REDUCED = ("source", "optimal", "classic")


@dataclass
class Seen:
    """Class ids in order of exploration, and the final states they lead to."""

    ids: list[int] = field(default_factory=list)
    ends: set[bytes] = field(default_factory=set)

    def begin(self) -> None:
        self.ids.clear()
        self.ends.clear()

    def __call__(self, space: Space) -> None:
        self.ids.append(space.history.class_id())
        self.ends.add(space.world.digest())


def count(made: Made, algorithm: str = "optimal", **options: Any) -> int:
    """Classes explored; every one distinct, and none blocked in optimal mode."""
    return len(run(made, algorithm, **options)[1].ids)


def run(
    made: Made, algorithm: str, *, network: str = "fifo", bounds: Bounds | None = None,
    timers: str = "free", order: Any = None, world: Any = ActorWorld, **options: Any,
) -> tuple[Result, Seen]:  # fmt: skip
    """Explore to the end; checks what holds of every run."""
    target, program = subject(made, network=network, timers=timers, order=order, world=world)
    seen = Seen()
    result = explore(
        target,
        program,
        algorithm=algorithm,
        bounds=bounds,
        keep=0,
        on_leaf=seen,
        on_begin=seen.begin,
        **options,
    )
    if algorithm != "naive":
        assert len(set(seen.ids)) == len(seen.ids), f"{algorithm} ran an equivalent execution twice"
    if algorithm == "optimal" and bounds is None:  # a used-up total may cost some
        assert result.blocked == 0
    return result, seen


def agree(
    made: Made, *, network: str = "fifo", bounds: Bounds | None = None, **options: Any
) -> int:
    """All algorithms explore the classes and final states that naive enumeration does."""
    _, truth = run(made, "naive", network=network, bounds=bounds, **options)
    for algorithm in REDUCED:
        _, seen = run(made, algorithm, network=network, bounds=bounds, **options)
        assert set(seen.ids) == set(truth.ids), algorithm
        assert seen.ends == truth.ends, algorithm
    return len(set(truth.ids))

"""All executions of a small program, for comparing reductions with plain enumeration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demi.dpor.explore import explore
from demi.dpor.space import Space
from demi.events import External, Program, number
from demi.interpose.world import World
from demi.scheduler.execute import Subject
from demi.target import Profile, Target


def final_states(
    make: Callable[[], World],
    nodes: int,
    externals: Sequence[External],
    algorithm: str,
    cap: int = 0,
) -> tuple[set[str], int]:
    """The final states of all executions, and how many there were; -1 when they are more than `cap`."""
    target = Target("small", "", lambda config: make(), lambda config: (), lambda config: Profile())
    subject = Subject(target, {})
    seen: set[str] = set()

    def leaf(space: Space) -> None:
        view = space.world.observe()
        seen.add(repr([view.state(node) for node in range(nodes)]))

    try:
        result = explore(
            subject, Program(tuple(number(externals))), algorithm=algorithm, keep=0, on_leaf=leaf,
            on_begin=seen.clear, max_executions=cap,
        )  # fmt: skip
    finally:
        subject.world.close()
    return seen, result.executions if result.complete else -1

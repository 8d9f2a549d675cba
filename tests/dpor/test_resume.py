"""Stopping anywhere and going on gives what one uninterrupted run gives."""

from __future__ import annotations

import json

import pytest

from demi.dpor.bounds import Bounds
from demi.dpor.explore import Result, explore
from demi.dpor.tally import Ended
from demi.errors import UsageError
from demi.oracle import Verdict

from .helpers import Seen
from .programs import Made, lastzero, nsend_any, paxos, raft, readers, subject
from .random_programs import random_program


def in_pieces(made: Made, step: int, **options: object) -> tuple[Result, Seen]:
    """Explore, stopping after every `step` runs and going on in a new subject."""
    seen = Seen()
    result: Result | None = None
    limit = step
    while result is None or result.resume is not None:
        target, program = subject(made)
        saved = None if result is None else json.loads(json.dumps(result.resume))
        result = explore(
            target, program, algorithm="source", keep=0, max_executions=limit, on_leaf=seen,
            resume=saved, **options,  # type: ignore[arg-type]
        )  # fmt: skip
        limit += step
    return result, seen


@pytest.mark.parametrize("step", [1, 7, 50])
@pytest.mark.parametrize(
    "made",
    [
        readers(4),
        lastzero(3),
        nsend_any(4),
        raft(3, 1),
        paxos(2, 2),
        random_program(3, forwards=True),
    ],
    ids=["readers", "lastzero", "nsend", "raft", "paxos", "forwards"],
)
def test_pieces_make_the_whole(made: Made, step: int) -> None:
    target, program = subject(made)
    whole = explore(target, program, algorithm="source", keep=0)
    result, _ = in_pieces(made, step)
    assert (result.executions, result.blocked) == (whole.executions, whole.blocked)
    assert (result.verdict, result.complete) == (Verdict.EXHAUSTED, True)


def test_classes_and_bounds_survive() -> None:
    made = random_program(5, timers=True, faults=True, externals=3)
    bounds = Bounds(timers=1, steps=7)
    target, program = subject(made)
    expected = Seen()
    whole = explore(
        target, program, algorithm="source", keep=0, bounds=bounds, on_leaf=expected,
        on_begin=expected.begin,
    )  # fmt: skip
    result, seen = in_pieces(made, 3, bounds=bounds)
    assert set(seen.ids) == set(expected.ids)
    assert (result.limit, result.cut) == (whole.limit, whole.cut)


def test_ctrl_c_gives_a_partial_result_that_goes_on() -> None:
    target, program = subject(nsend_any(5))
    runs = 0

    def leaf(space: object) -> None:
        nonlocal runs
        runs += 1
        if runs == 40:
            raise KeyboardInterrupt

    result = explore(target, program, algorithm="source", on_leaf=leaf)
    assert (result.ended, result.verdict) == (Ended.INTERRUPTED, Verdict.NOT_FOUND)
    assert result.resume is not None
    assert explore(target, program, resume=result.resume).executions == 120


def test_another_exploration_is_refused() -> None:
    target, program = subject(nsend_any(4))
    saved = explore(target, program, algorithm="source", max_executions=5).resume
    assert saved is not None
    with pytest.raises(UsageError, match="bounds was 'none' and is 'steps 3'"):
        explore(target, program, resume=saved, bounds=Bounds(steps=3))
    with pytest.raises(UsageError, match="version was 9"):
        explore(target, program, resume={**saved, "version": 9})
    with pytest.raises(UsageError, match="damaged"):
        explore(target, program, resume={**saved, "stack": [[1, 2]]})

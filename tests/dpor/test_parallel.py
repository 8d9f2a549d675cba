"""Subtrees over processes: the classes of one process, each once."""

from __future__ import annotations

import json

import pytest

from demi.dpor.bounds import Bounds
from demi.dpor.explore import explore, explore_processes
from demi.dpor.parallel import explore_parallel
from demi.dpor.result import Result
from demi.dpor.resume import Saved
from demi.dpor.space import Setup
from demi.dpor.tally import Ended
from demi.errors import UsageError

from .helpers import Seen
from .programs import Made, lastzero, nsend_any, nsend_two, paxos, raft, readers, subject
from .random_programs import random_program


def same(made: Made, workers: int = 2, network: str = "fifo", bounds: Bounds | None = None) -> None:
    target, program = subject(made, network=network)
    one = Seen()
    explore(
        target, program, algorithm="source", keep=0, on_leaf=one, on_begin=one.begin, bounds=bounds
    )
    whole, left = explore_parallel(
        lambda: subject(made, network=network)[0],
        lambda subject: Setup(subject, program, bounds or Bounds()),
        workers=workers, keep=0, collect=True,
    )  # fmt: skip
    assert left.tasks == []
    assert len(whole.ids) == len(set(whole.ids))
    assert set(whole.ids) == set(one.ids)


@pytest.mark.parametrize(
    "made",
    [readers(5), lastzero(4), nsend_any(5), nsend_two(3), raft(3, 2), paxos(2, 2)],
    ids=["readers", "lastzero", "nsend_any", "nsend_two", "raft", "paxos"],
)
def test_two_processes_explore_what_one_does(made: Made) -> None:
    same(made)


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_with_faults_and_bounds(seed: int) -> None:
    made = random_program(seed, timers=True, faults=True, forwards=seed % 2 == 0, externals=3)
    same(made, bounds=Bounds(timers=1, steps=8))
    same(random_program(seed), network="mailbox")


def test_what_a_time_limit_left_over_is_done_later() -> None:
    target, program = subject(nsend_any(6))

    def some(resume: Saved | None, seconds: float) -> Result:
        made = lambda: subject(nsend_any(6))[0]  # noqa: E731
        return explore_processes(made, program, workers=2, seconds=seconds, resume=resume)

    first = some(None, 0.001)
    assert first.ended is Ended.SECONDS
    assert first.executions < 720
    assert first.resume is not None
    again = json.loads(json.dumps(first.resume))
    last = some(again, 0.0)
    assert (last.executions, last.complete) == (720, True)
    with pytest.raises(UsageError, match="damaged"):
        some({**again, "tasks": [[1, 2]]}, 0.0)
    with pytest.raises(UsageError, match="several processes"):
        explore(target, program, resume=again)
    alone = explore(target, program, algorithm="source", max_executions=3).resume
    with pytest.raises(UsageError, match="one process"):
        some(alone, 0.0)

"""Subtrees over processes: the classes of one process, each once."""

from __future__ import annotations

import pytest

from demi.dpor.bounds import Bounds
from demi.dpor.explore import explore
from demi.dpor.parallel import explore_parallel
from demi.dpor.space import Setup

from .helpers import Seen
from .programs import Made, lastzero, nsend_any, nsend_two, paxos, raft, readers, subject
from .random_programs import random_program


def same(made: Made, workers: int = 2, network: str = "fifo", bounds: Bounds | None = None) -> None:
    target, program = subject(made, network=network)
    one = Seen()
    explore(
        target, program, algorithm="source", keep=0, on_leaf=one, on_begin=one.begin, bounds=bounds
    )
    whole = explore_parallel(
        lambda: subject(made, network=network)[0],
        lambda subject: Setup(subject, program, bounds or Bounds()),
        workers=workers, keep=0, collect=True,
    )  # fmt: skip
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

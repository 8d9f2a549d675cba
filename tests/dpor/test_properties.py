"""Random programs: every algorithm explores what enumeration does, whatever the tie-breaks."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demi.dpor.bounds import Bounds

from .helpers import REDUCED, run
from .programs import Made, lastzero, nsend_two, paxos, program1, raft, readers, ring, tpc
from .random_programs import random_program

SMALL_MAX = 1500  # interleavings: larger programs are passed over
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "fifo": ("fifo", {}),
    "reads": ("fifo", {"reads": True}),
    "replies": ("fifo", {"reads": True, "replies": True}),
    "bag": ("bag", {"externals": 3}),
    "causal": ("causal", {}),
    "mailbox": ("mailbox", {}),
    "timers": ("fifo", {"timers": True, "externals": 3}),
    "forwards": ("fifo", {"forwards": True}),
    "faults": ("fifo", {"faults": True, "externals": 3}),
    "faults-bag": ("bag", {"faults": True, "externals": 2}),
    "faults-causal": ("causal", {"faults": True, "externals": 3}),
    "faults-mailbox": ("mailbox", {"faults": True, "externals": 3}),
    "all": ("fifo", {"timers": True, "faults": True, "forwards": True, "externals": 3}),
}


def compare(made: Made, network: str, bounds: Bounds | None = None) -> bool:
    """Do the reductions keep all classes and final states?  False for programs that are too large."""
    result, truth = run(made, "naive", network=network, bounds=bounds, max_executions=SMALL_MAX)
    if "max_executions" in result.limit:
        return False
    for algorithm in REDUCED:
        _, seen = run(made, algorithm, network=network, bounds=bounds)
        assert set(seen.ids) == set(truth.ids), algorithm
        assert seen.ends == truth.ends, algorithm
    return True


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_random_programs(shape: str, seed: int) -> None:
    network, options = SHAPES[shape]
    compare(random_program(seed, **options), network)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_many_random_programs(shape: str) -> None:
    network, options = SHAPES[shape]
    done = sum(compare(random_program(seed, **options), network) for seed in range(1000, 1400))
    assert done > 200


@pytest.mark.parametrize(
    "made",
    [readers(4), lastzero(4), nsend_two(3), tpc(3), ring(3), raft(3, 2), paxos(2, 2), program1()],
    ids=["readers", "lastzero", "nsend_two", "tpc", "ring", "raft", "paxos", "program1"],
)
def test_tie_breaks_do_not_matter(made: Made) -> None:
    """20 random base strategies and creation orders: the same number of classes, none blocked."""
    counts = set()
    for seed in range(20):
        draw = random.Random(seed)

        def order(names: list[str], draw: random.Random = draw) -> list[str]:
            return draw.sample(names, len(names))

        _, seen = run(made, "optimal", first=draw.choice, order=order)
        counts.add(len(seen.ids))
    assert len(counts) == 1
    draw = random.Random(0)
    for algorithm in ("source", "classic"):
        assert {len(run(made, algorithm, first=draw.choice)[1].ids)} == counts

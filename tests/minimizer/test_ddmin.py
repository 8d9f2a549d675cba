"""Splitting: always a failing result, 1-minimal for what is monotone, in few tests; ddmin and cdd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.minimizer.cdd import cdd
from demi.minimizer.ddmin import ddmin

N = 24
Split = Callable[[Sequence[int], Callable[[Sequence[int]], bool]], list[int]]
both = pytest.mark.parametrize("split", [ddmin, cdd])
parts = st.frozensets(st.integers(0, N - 1), max_size=6)


def counted(
    fails: Callable[[Sequence[int]], bool],
) -> tuple[Callable[[Sequence[int]], bool], list[int]]:
    """`fails`, and a list that grows by one with every test; it also checks what it is asked."""
    tests: list[int] = []

    def asked(kept: Sequence[int]) -> bool:
        assert list(kept) == sorted(set(kept)), "in order, nothing twice"
        tests.append(len(kept))
        return fails(kept)

    return asked, tests


@both
@given(parts)
def test_one_cause_is_found_exactly(split: Split, needed: frozenset[int]) -> None:
    fails, tests = counted(needed.issubset)
    assert split(range(N), fails) == sorted(needed)
    assert len(tests) <= N * N + 3 * N, "the worst case of the paper"


@both
@given(st.lists(parts, min_size=1, max_size=4))
def test_monotone_predicates_give_a_one_minimal_failure(
    split: Split, causes: list[frozenset[int]]
) -> None:
    def fails(kept: Sequence[int]) -> bool:
        return any(cause <= set(kept) for cause in causes)

    result = split(range(N), counted(fails)[0])
    assert fails(result)
    assert not any(fails(result[:at] + result[at + 1 :]) for at in range(len(result)))
    assert frozenset(result) in causes, "for monotone ones 1-minimal is minimal"


@both
@given(st.integers(0, 2**32), st.integers(2, 12))
def test_any_predicate_gives_something_that_fails(split: Split, seed: int, size: int) -> None:
    """Neither monotone nor even sensible: a hash decides."""

    def fails(kept: Sequence[int]) -> bool:
        return len(kept) == size or hash((seed, *kept)) % 3 == 0

    assert fails(split(range(size), counted(fails)[0]))


@both
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_the_edges(split: Split, size: int) -> None:
    whole = list(range(size))
    assert split(whole, lambda kept: True) == []
    assert split(whole, lambda kept: len(kept) == size) == ([] if size == 0 else whole)


def test_one_cause_among_many_takes_logarithmically_many_tests() -> None:
    fails, tests = counted(lambda kept: 700 in kept)
    assert ddmin(range(1024), fails) == [700]
    assert len(tests) <= 2 * 10 + 1


@given(st.sets(st.integers(0, 199), min_size=4, max_size=4))
def test_cdd_needs_few_tests_for_a_few_of_many(needed: set[int]) -> None:
    """Four of two hundred: a round asks for each part that is left once, and parts get small fast."""
    fails, tests = counted(needed.issubset)
    assert cdd(range(200), fails) == sorted(needed)
    assert len(tests) <= 60

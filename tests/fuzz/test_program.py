"""Programs: drawn from the profile, from their own stream, with groups that stay together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

import pytest
from systems import LOCK_PROFILE, fault, inject

from demi.events import External, Kind, Nudge, Wait, parse_external
from demi.fuzz.program import generate
from demi.target import Choice, Profile

NAMES = ("server", "c1", "c2", "c3")


def one(label: str) -> Callable[[Callable[[int], int], Sequence[str], int], list[External]]:
    return lambda draw, names, i: [inject(names[draw(len(names))], label, {"i": i})]


def test_prefix_middle_postfix() -> None:
    profile = Profile(
        prefix=(inject("c1", "boot"), Wait(condition="up")),
        choices=(Choice("a", 1.0, one("a")),),
        items=(3, 3),
        spacing=(2, 2),
        postfix=(Nudge("last"), inject("c1", "boot"), Wait(steps=9)),
    )
    items = generate(profile, NAMES, 5).items
    assert items[0] == inject("c1", "boot") and items[1] == Wait(condition="up")
    assert items[-3:] == (Nudge("last"), replace(inject("c1", "boot"), nth=2), Wait(steps=9))
    middle = items[2:-3]
    assert [type(item) for item in middle] == [External, Wait] * 3
    assert [item.args for item in middle[::2]] == [{"i": 0}, {"i": 1}, {"i": 2}]  # type: ignore[union-attr]
    assert set(middle[1::2]) == {Wait(steps=2)}


def test_ranges_are_inclusive_and_spacing_zero_offers_all_together() -> None:
    counts: Counter[int] = Counter()
    waits: Counter[int] = Counter()
    profile = Profile(choices=(Choice("a", 1.0, one("a")),), items=(1, 3), spacing=(0, 2))
    for seed in range(300):
        items = generate(profile, NAMES, seed).items
        counts[sum(isinstance(item, External) for item in items)] += 1
        waits.update(item.steps for item in items if isinstance(item, Wait))
    assert set(counts) == {1, 2, 3} and set(waits) == {1, 2}, "no pause is no wait: Wait() is long"
    assert min(*counts.values(), *waits.values()) > 60
    choices = sum(n * times for n, times in counts.items())
    assert choices / 4 < choices - waits.total() < choices / 2, "a third of the pauses is 0"
    together = generate(replace(profile, spacing=(0, 0)), NAMES, 1).items
    assert all(isinstance(item, External) for item in together)
    assert generate(Profile(items=(5, 5)), NAMES, 1).items == (), "nothing to choose from"


def test_weights_of_choices() -> None:
    profile = Profile(
        choices=(
            Choice("a", 3.0, one("a")),
            Choice("never", 0.0, one("n")),
            Choice("b", 1.0, one("b")),
        ),
        items=(10, 10),
    )
    counts = Counter(
        x.label for seed in range(300) for x in generate(profile, NAMES, seed).externals()
    )
    assert set(counts) == {"a", "b"} and counts.total() == 3000
    chi = (counts["a"] - 2250) ** 2 / 2250 + (counts["b"] - 750) ** 2 / 750
    assert chi < 10.8, "one degree of freedom, p = 0.001"


@pytest.mark.parametrize("seed", range(10))
def test_groups_are_named_numbered_and_contiguous(seed: int) -> None:
    items = generate(LOCK_PROFILE, NAMES, seed).items
    externals = [item for item in items if isinstance(item, External)]
    runs = [
        (group, list(same)) for group, same in groupby(items, key=lambda x: getattr(x, "group", ""))
    ]
    named = [(group, same) for group, same in runs if group]
    assert len({group for group, _ in named}) == len(named), "no group in two places"
    for group, same in named:
        kinds = [item.kind for item in same if isinstance(item, External)]
        assert kinds in ([Kind.CRASH, Kind.RESTART], [Kind.CUT, Kind.HEAL]), group
    assert len({x.id for x in externals}) == len(externals), "ids are unique"
    for external in externals:
        assert parse_external(external.id, external.args, external.group) == external


def test_a_group_of_the_target_is_kept() -> None:
    def made(draw: Callable[[int], int], names: Sequence[str], i: int) -> list[External]:
        return [fault(Kind.CRASH, "c1", group="mine"), fault(Kind.RESTART, "c1")]

    profile = Profile(choices=(Choice("x", 1.0, made),), items=(1, 1))
    assert [x.group for x in generate(profile, NAMES, 0).externals()] == ["mine", "x#1"]


def test_the_same_seed_gives_the_same_program_and_others_differ() -> None:
    programs = [generate(LOCK_PROFILE, NAMES, seed) for seed in (*range(50), *range(50))]
    assert programs[:50] == programs[50:]
    assert len({str(p) for p in programs}) > 45

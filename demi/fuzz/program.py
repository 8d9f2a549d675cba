"""Programs: what the outside does in one run, drawn from a target's profile.

The one insight: the generator has its own stream, so that the same externals meet many schedules and
removing one external never shifts another's draw.

After DEMi's fuzzer (NSDI'16, section 5 of its evaluation set-up): prefix, weighted draws, postfix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from demi.events import External, Item, Program, Wait
from demi.scheduler.strategy import Draws
from demi.target import Choice, Profile

PURPOSE = 1  # the stream of programs; schedules use 0


def generate(profile: Profile, names: Sequence[str], seed: int) -> Program:
    """The program of one seed."""
    draws = Draws(seed, PURPOSE)
    items: list[Item] = list(profile.prefix)
    low, high = profile.items
    count = low + draws.below(high - low + 1) if profile.choices else 0
    for i in range(count):
        choice = _pick(profile.choices, draws)
        made = choice.make(draws.below, names, i)
        group = f"{choice.name}#{i + 1}" if len(made) > 1 else ""
        items.extend(replace(one, group=one.group or group) for one in made)
        least, most = profile.spacing
        pause = least + draws.below(most - least + 1)
        if pause:  # Wait(steps=0) would mean: until quiescence
            items.append(Wait(steps=pause))
    items.extend(profile.postfix)
    return Program(_numbered(items))


def _pick(choices: Sequence[Choice], draws: Draws) -> Choice:
    total = sum(choice.weight for choice in choices)
    at = draws.unit() * total
    for choice in choices:
        at -= choice.weight
        if at < 0:
            return choice
    return choices[-1]


def _numbered(items: Sequence[Item]) -> tuple[Item, ...]:
    """Give externals their `nth`; see `events.number`."""
    seen: dict[str, int] = {}
    numbered: list[Item] = []
    for item in items:
        if isinstance(item, External):
            seen[item.stem] = seen.get(item.stem, 0) + 1
            numbered.append(replace(item, nth=seen[item.stem]))
        else:
            numbered.append(item)
    return tuple(numbered)

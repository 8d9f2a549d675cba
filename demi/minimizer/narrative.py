"""The explanation in words: what led to the violation, and the nearest runs that pass.

The one insight: a chain of ids says who spoke to whom, and what each event changed says why that mattered;
together, and without the middle of a long chain, they read as a sentence.

Not here: finding races and chains (`races.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demi.minimizer.certify import ANOTHER
from demi.trace import Entry

CHAIN_MAX = 9  # events of a chain that are named; of a longer one the middle is counted
HEAD = 2  # of them at the beginning
OTHERS_MAX = 3  # races named beside the nearest
FIELDS_MAX = 2  # changes told of an event
VALUE_MAX = 16  # characters of a value


def chain_line(node: str, chain: Sequence[Entry]) -> str:
    """`n2: n2!election#2 [role candidate] -> n2>n3:RequestVote#1 -> ...`."""
    told = [_event(entry) for entry in chain]
    if len(told) > CHAIN_MAX:
        tail = CHAIN_MAX - HEAD - 1
        middle = f"({len(told) - HEAD - tail} more)"
        told = [*told[:HEAD], middle, *told[-tail:]]
    return f"{node}: " + " -> ".join(told)


def _event(entry: Entry) -> str:
    changed = changes(entry)
    return f"{entry.id} [{', '.join(changed)}]" if changed else entry.id


def changes(entry: Entry) -> list[str]:
    """What an event changed at its node, as far as it can be said in a word: `role leader`, `log +1`."""
    told = []
    for name, value in entry.delta.items():
        if isinstance(value, dict) and isinstance(value.get("+"), list) and len(value) == 1:
            told.append(f"{name} +{len(value['+'])}")
        elif isinstance(value, str | int | float) and len(str(value)) <= VALUE_MAX:
            told.append(f"{name} {_said(value)}")
    return told[:FIELDS_MAX]


def _said(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value) or '""'


def race_lines(found: Sequence[tuple[str, str, str, str, int]]) -> list[str]:
    """(second, first, node, result, absent) of each race, those after which the run passes first."""
    lines: list[str] = []
    for second, first, node, result, absent in found[: OTHERS_MAX + 1]:
        which = "so does one with" if lines else "the nearest run that passes has"
        if result == ANOTHER:
            which = "another violation comes with"
        lost = f"; {absent} later event{'s' if absent > 1 else ''} then absent" if absent else ""
        lines.append(f"{which} {second} before {first} at {node}{lost}")
    more = len(found) - OTHERS_MAX - 1
    if more > 0:
        lines.append(f"and {more} more race{'s' if more > 1 else ''} as close")
    return lines

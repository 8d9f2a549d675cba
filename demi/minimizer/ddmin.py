"""ddmin (Zeller and Hildebrandt, TSE 2002): reduce a list of atoms to a 1-minimal one.

The one insight: test big parts and big complements before small ones; each success restarts with what
is left.  1-minimal only as far as the test is consistent.

Not here: what an atom is.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

Atom = TypeVar("Atom")


def ddmin(atoms: Sequence[Atom], fails: Callable[[Sequence[Atom]], bool]) -> list[Atom]:
    """The smallest list found for which `fails` holds; `fails(atoms)` is taken to hold."""
    kept = list(atoms)
    if kept and fails([]):
        return []
    parts = 2
    while len(kept) >= 2:
        chunks = _split(kept, parts)
        smaller = next((chunk for chunk in chunks if fails(chunk)), None)
        if smaller is not None:
            kept, parts = smaller, 2
            continue
        rest = _smaller_complement(kept, chunks, fails) if parts > 2 else None
        if rest is not None:
            kept, parts = rest, max(parts - 1, 2)
            continue
        if parts >= len(kept):
            break
        parts = min(len(kept), parts * 2)
    return kept


def _smaller_complement(
    kept: list[Atom], chunks: list[list[Atom]], fails: Callable[[Sequence[Atom]], bool]
) -> list[Atom] | None:
    start = 0
    for chunk in chunks:
        rest = kept[:start] + kept[start + len(chunk) :]
        if fails(rest):
            return rest
        start += len(chunk)
    return None


def _split(items: list[Atom], parts: int) -> list[list[Atom]]:
    """`parts` contiguous chunks of nearly equal length."""
    bounds = [len(items) * i // parts for i in range(parts + 1)]
    return [items[low:high] for low, high in itertools.pairwise(bounds)]

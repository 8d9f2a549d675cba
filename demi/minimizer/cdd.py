"""Counter-based delta debugging (Zhang et al., 2024, after ProbDD, Wang et al., ESEC/FSE'21).

The one insight: ProbDD's probabilities are a counter in disguise: in round r every atom that is left has
failed to go r times, and the best part to try is about -1 / ln(1 - p_r) atoms, where p_r grows by a factor
1 / (1 - 1/e) a round.  So only parts are removed, each once a round, of a size given by the round.

1-minimal when the test is monotone: the last round tries every single atom.  Not here: what an atom is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

Atom = TypeVar("Atom")
P_START = 0.1  # that an atom is needed, before anything is known
GROWTH = 1 / (1 - 1 / math.e)


def cdd(atoms: Sequence[Atom], fails: Callable[[Sequence[Atom]], bool]) -> list[Atom]:
    """The smallest list found for which `fails` holds; `fails(atoms)` is taken to hold."""
    kept, p, last = list(atoms), P_START, 0
    while kept:
        size = min(len(kept), max(1, round(-1 / math.log(1 - p)))) if p < 1 else 1
        if last == 1 and size == 1:
            return kept
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + size :]
            if fails(rest):
                kept = rest
            else:
                at += size
        last, p = size, p * GROWTH
    return kept

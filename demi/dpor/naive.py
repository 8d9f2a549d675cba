"""Naive enumeration: every interleaving, the ground truth that the others are compared with."""

from __future__ import annotations

from demi.dpor.space import Space
from demi.dpor.tally import Tally
from demi.dpor.tree import First, Walk, lowest


def walk(space: Space, tally: Tally, first: First = lowest) -> Walk:
    """No reduction and no sleep sets."""
    return Walk(space, tally, None, sleeping=False, first=first)

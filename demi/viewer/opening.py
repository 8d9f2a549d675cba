"""From files to models: one trace, or two side by side.

The one insight: a small trace is understood before the first screen, a large one while it is looked at.
"""

from __future__ import annotations

from pathlib import Path

from demi.viewer.facts import Facts
from demi.viewer.live import Live
from demi.viewer.model import Model
from demi.viewer.pairs import Pairs, check
from demi.viewer.source import Source

AT_ONCE = 20_000  # steps that are folded before the first screen: half a second at most


def opened(path: Path) -> Facts:
    """A trace file.  Raises TraceError."""
    facts = Facts(Source(path))
    if len(facts.source) <= AT_ONCE:
        facts.advance(AT_ONCE)
    return facts


def compared(left: Facts, right: Facts, plain: bool, live: Live | None = None) -> Model:
    """Two traces side by side.  Raises UsageError when they cannot be."""
    check(left, right)
    return Model(left, right, plain=plain, live=live, pairs=Pairs(left, right))

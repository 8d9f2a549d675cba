"""The `explanation` that a minimized trace may carry: which two events, the other way round, avoid it.

A trace may come from a stranger: what has another shape than docs/trace-format.md says is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demi.render.text import safe
from demi.trace import Trace

RACES_MAX = 8  # told; the nearest runs come first, and the first ones say it


@dataclass(frozen=True, slots=True)
class Reversal:
    """With `second` before `first` at `node` the run ends with `result`; `absent` events cannot happen."""

    node: str
    first: str
    second: str
    result: str
    absent: int


def reversals(trace: Trace) -> list[Reversal]:
    """The races that matter, the nearest passing run first; none where the trace tells of none."""
    told = trace.footer.extra.get("explanation") if trace.footer else None
    races = told.get("races") if isinstance(told, dict) else None
    found = [_read(race) for race in races] if isinstance(races, list) else []
    return [race for race in found if race is not None][:RACES_MAX]


def _read(race: Any) -> Reversal | None:
    if not isinstance(race, dict):
        return None
    words = [race.get(key) for key in ("node", "first", "second", "result")]
    absent = race.get("absent", 0)
    if not all(isinstance(word, str) for word in words) or not isinstance(absent, int):
        return None
    node, first, second, result = (safe(str(word)) for word in words)
    return Reversal(node, first, second, result, absent)

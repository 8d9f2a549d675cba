"""What can be set, its defaults, and how each value is read from any of its spellings.

The one insight: one frozen object holds all that can be set, so a command line option, a `DEMI_*`
variable and a key of `[tool.demi]` are three spellings of one field, checked by one parser.

Not here: who may override whom (`config.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demi.errors import UsageError

RANDOM = -1  # a seed that is still to be drawn
AUTO = 0  # as many workers as physical cores
SEED_MAX = 2**62  # run i uses seed + i, and a trace holds 64 bits
WORKERS_MAX = 256  # more than any one machine helps; a typing error should not fork a thousand


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command may be told.

    max_time: seconds of wall time, 0 for no limit.  strategy: "" for the target's own.  steps: the
    longest run, 0 for the target's own.  max_replays: of a minimization, 0 for no limit.
    """

    runs: int = 1000
    max_time: float = 0.0
    strategy: str = ""
    depth: int = 3
    seed: int = RANDOM
    workers: int = AUTO
    steps: int = 0
    min_deliveries: int = 0
    keep_going: int = 1
    minimize: bool = True
    max_replays: int = 0
    out: str = "traces"


DEFAULTS = Settings()


def _whole(low: int, high: int = 2**31) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        if isinstance(value, (bool, float)) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return parse


def seconds(value: Any) -> float:
    """`90`, `1.5`, `"60s"`, `"2m"`, `"1h"`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(value), re.ASCII)
    if match is None or isinstance(value, bool):
        raise ValueError("a time such as 30s, 2m or 1h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _seed(value: Any) -> int:
    if value == "random":
        return RANDOM
    try:
        return _whole(0, SEED_MAX)(value)
    except ValueError:
        raise ValueError('a whole number from 0, or "random"') from None


def _workers(value: Any) -> int:
    try:
        return AUTO if value == "auto" else _whole(1, WORKERS_MAX)(value)
    except ValueError:
        raise ValueError(f'a number from 1 to {WORKERS_MAX}, or "auto"') from None


def _flag(value: Any) -> bool:
    words = {"true": True, "1": True, "false": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError("true or false")
    return words[str(value).lower()]


def _word(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a word")
    return value


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "runs": _whole(0),
    "max_time": seconds,
    "strategy": _word,
    "depth": _whole(1, 1000),
    "seed": _seed,
    "workers": _workers,
    "steps": _whole(1),
    "min_deliveries": _whole(0),
    "keep_going": _whole(1),
    "minimize": _flag,
    "max_replays": _whole(0),
    "out": _word,
}


def parse(key: str, value: Any, where: str) -> Any:
    """The value of a setting from any of its spellings.  Raises UsageError naming `where`."""
    try:
        return _PARSERS[key](value)
    except (ValueError, TypeError) as error:
        wanted = str(error) if "from" in str(error) or "such" in str(error) else ""
        raise UsageError(
            f"{key.replace('_', '-')} may not be {value!r}"[:120],
            where=where,
            remedy=f"it is {wanted or _shape(key)}",
        ) from None


def _shape(key: str) -> str:
    return {bool: "true or false", str: "a word"}.get(
        type(getattr(DEFAULTS, key)), "a whole number"
    )

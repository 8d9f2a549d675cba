"""The stand-in for `time`: every clock of a program is its node's, and sleeping is waiting.

The one insight: a clock that stands still between steps makes a program that reads it repeatable; one
that reads it in a loop would never end, so reads are counted and a spinning thread is made to wait.

Not here: reading it (`looks.py`); `datetime`, which is imported in its pure Python form above this module.
"""

from __future__ import annotations

import time as real
from collections.abc import Callable
from typing import Any

from demi.interpose.stand_in import StandIn
from demi.interpose.threads.kernel import kernel
from demi.interpose.threads.looks import monotonic

EPOCH = 1_700_000_000.0  # what the wall clock of a program shows when a run begins


def _clock_gettime(which: int) -> float:
    return monotonic() if which else EPOCH + monotonic()  # 0: CLOCK_REALTIME


def sleep(seconds: float) -> None:
    """Wait, as an armed timer; a sleep of nothing gives way to the other threads."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds == 0:
        kernel().pause()
    else:
        kernel().block(seconds, "time to pass")


def wall() -> float:
    return EPOCH + monotonic()


def _ns(clock: Callable[[], float]) -> Callable[[], int]:
    return lambda: round(clock() * 1e9)


def _ns_of_clock(which: int) -> int:
    return round(_clock_gettime(which) * 1e9)


def time_module() -> StandIn:
    """The stand-in for `time`."""
    offers: dict[str, Any] = {"sleep": sleep, "time": wall, "time_ns": _ns(wall)}
    for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
        offers[name] = monotonic
        offers[name + "_ns"] = _ns(monotonic)
    offers |= {
        name: getattr(real, name) for name in ("struct_time", "mktime", "strptime", "asctime")
    }
    offers |= {
        "localtime": lambda at=None: real.gmtime(wall() if at is None else at),  # no time zone
        "gmtime": lambda at=None: real.gmtime(wall() if at is None else at),
        "ctime": lambda at=None: real.asctime(real.gmtime(wall() if at is None else at)),
        "strftime": lambda form, at=None: real.strftime(form, real.gmtime(wall()) if at is None else at),
        "clock_gettime": _clock_gettime, "clock_gettime_ns": _ns_of_clock,
        "tzset": lambda: None, "get_clock_info": real.get_clock_info,
        "timezone": 0, "altzone": 0, "daylight": 0, "tzname": ("UTC", "UTC"),
    }  # fmt: skip
    return StandIn("time", offers, real)

"""The watch: a step that blocks for ever is stopped where it blocks.

The one insight: an interval timer of the operating system costs a step nothing; only when two alarms find
the same step running is it stopped, so a slow machine does not stop a run that goes on.

A program that catches even that, again and again, ends its process: nothing else would end it.
Works in the main thread of a process on systems with SIGALRM; elsewhere a step that blocks blocks.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from demi.interpose.aio.host import Stuck, program_site

STOPS_MAX = 3  # of one step, each after another wait
_exit = os._exit  # the real one: the stand-in is for programs


class Watch:
    """seconds: how long a step may take, at least; at most twice that.  ticks: counts steps begun."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._previous: Any = None
        self._on = False
        self._seen = -1
        self._stops = 0
        self.running = False
        self.ticks = 0

    def start(self) -> None:
        """Watch from here on, where that is possible."""
        if not self._on and threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGALRM, self._alarm)
            signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)
            self._on = True

    def stop(self) -> None:
        """Watch no more."""
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous)
            self._on = False

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        if not self.running:
            self._seen = -1
        elif self._seen == self.ticks:
            self._stops += 1
            if self._stops > STOPS_MAX:
                self._end(program_site(frame))
            raise Stuck(
                "Blocks",
                f"did not come to rest in {self._seconds:g} s: a blocking call or an endless loop;"
                " await, or run it in an executor",
                program_site(frame),
            )
        else:
            self._seen = self.ticks
            self._stops = 0

    def _end(self, place: str) -> None:
        sys.stderr.write(
            f"demi: {place} did not come to rest and catches every exception that would stop it;"
            " except BaseException must raise again\n"
        )
        sys.stderr.flush()
        _exit(2)

"""The watch: a step that blocks for ever is stopped where it blocks, and a run that takes too long ends.

The one insight: an interval timer of the operating system costs a step nothing; only when two alarms find
the same step running is it stopped, so a slow machine does not stop a run that goes on.  The same alarms
count how long a run has been at work.

A process has one such timer, so all watches that are on share it, at the pace of the quickest.  A program
that catches even what stops it, again and again, ends its process: nothing else would end it.
Works in the main thread of a process on systems with SIGALRM; elsewhere a step that blocks blocks.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from demi.interpose.aio.host import Stuck, program_site

STOPS_MAX = 3  # of one step, each after another wait
_exit, _write = os._exit, os.write  # the real ones: the stand-ins are for programs
_on: list[Watch] = []  # those that share the timer
_previous: list[Any] = []  # what handled the signal before the first of them


class Watch:
    """seconds: how long a step may take, at least; at most twice that.  ticks: counts steps begun.

    run_seconds: how long a run may be at work; late(place) is called once when it has been longer.
    """

    def __init__(self, seconds: float, run_seconds: float, late: Callable[[str], None]) -> None:
        self.seconds = seconds
        self.running = False
        self.ticks = 0
        self._run_seconds = run_seconds
        self._late = late
        self._seen = -1  # the step that the last alarm found running
        self._blocked = 0.0  # seconds for which alarms have found it
        self._stops = 0
        self._before = 0  # steps begun at the last alarm
        self._busy = 0.0  # seconds for which alarms have found this run at work
        self._told = False

    def start(self) -> None:
        """Watch a run from here on, where that is possible."""
        self._busy, self._told, self._before = 0.0, False, self.ticks
        if self not in _on and threading.current_thread() is threading.main_thread():
            if not _on:
                _previous[:] = [signal.signal(signal.SIGALRM, _alarm)]
            _on.append(self)
            _pace()

    def stop(self) -> None:
        """Watch no more."""
        if self in _on:
            _on.remove(self)
            _pace()
            if not _on:
                signal.signal(signal.SIGALRM, _previous.pop())

    def alarm(self, seconds: float, frame: FrameType | None) -> None:
        """So many seconds have passed since the last alarm.  Raises Stuck where a step blocks."""
        if self.running or self.ticks != self._before:
            self._busy += seconds
        self._before = self.ticks
        if self._busy > self._run_seconds and not self._told:
            self._told = True
            self._late(program_site(frame) if self.running else "")
        if not self.running:
            self._seen = -1
        elif self._seen != self.ticks:
            self._seen, self._blocked, self._stops = self.ticks, 0.0, 0
        else:
            self._blocked += seconds
            if self._blocked >= self.seconds:
                self._blocked = 0.0
                self._stop(frame)

    def _stop(self, frame: FrameType | None) -> None:
        self._stops += 1
        if self._stops > STOPS_MAX:
            self._end(program_site(frame))
        raise Stuck(
            "Blocks",
            f"did not come to rest in {self.seconds:g} s: a blocking call or an endless loop;"
            " await, or run it in an executor",
            program_site(frame),
        )

    def _end(self, place: str) -> None:
        said = (
            f"demi: {place} did not come to rest and catches every exception that would stop it;"
            " except BaseException must raise again\n"
        )
        _write(2, said.encode())
        _exit(2)


def _pace() -> None:
    """Set the timer to the quickest of the watches, or off."""
    seconds = min((one.seconds for one in _on), default=0.0)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)


def _alarm(number: int, frame: FrameType | None) -> None:
    seconds = min(one.seconds for one in _on)
    for one in sorted(
        _on, key=lambda one: one.running
    ):  # one that is stopped raises: it is the last
        one.alarm(seconds, frame)

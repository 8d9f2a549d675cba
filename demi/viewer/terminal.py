"""A terminal that goes away without a signal: then there is nothing to restore, only to end.

The one insight: once the terminal is gone, whoever writes to it may wait for ever, so the one who ends the
process must be a thread that never writes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

LOOK_SECONDS = 0.5
GRACE_SECONDS = 3.0  # for the application to end by itself
GONE = 128 + signal.SIGHUP  # the exit code, as if the signal had come


def gone() -> bool:
    """Is there no terminal any more?"""
    return not os.isatty(sys.__stdin__.fileno()) if sys.__stdin__ else True


def guard() -> None:
    """End this process some time after its terminal has gone; for one that has a terminal."""
    threading.Thread(target=_watch, name="terminal", daemon=True).start()


def _watch() -> None:
    while not gone():
        time.sleep(LOOK_SECONDS)
    time.sleep(GRACE_SECONDS)
    os._exit(GONE)

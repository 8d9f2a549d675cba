"""How a process that works for a campaign lives and dies.

The one insight: only the coordinator knows what is worth keeping, so a worker answers no signal of the
terminal, goes at once when it is told to, and never outlives the one it works for.

Not here: what workers do (`fuzz/parallel.py`, `dpor/parallel.py`).
"""

from __future__ import annotations

import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def begin_worker(coordinator: int) -> None:
    """To be called first in a forked worker.  coordinator: the process id of its parent.

    Ctrl-C reaches the whole group of a terminal: it is the coordinator's.  Where the system offers it
    (Linux), a coordinator that is killed takes its workers along; elsewhere they end when the pipe to it
    breaks.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):  # the coordinator turns them into Ctrl-C
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes  # not needed by most who import this

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != coordinator:  # it went before the line above
            os._exit(1)

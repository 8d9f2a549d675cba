"""A time limit that holds even inside the target: a step that does not return is interrupted.

The one insight: budgets are looked at between steps, so one step that lasts for ever can only be ended from
outside; a Ctrl-C is an interruption that everything survives already, so the limit sends one.

Not here: what an interruption leaves (whoever is interrupted knows).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

GRACE_S = 1.0  # for the budget to end it between two steps, which is better


@dataclass
class Deadline:
    """passed: was the work interrupted because its time was over?"""

    passed: bool = False


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Interrupt this thread, the main one, some time after so many seconds; 0 for never."""
    limit = Deadline()
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield limit
        return

    def interrupt() -> None:
        limit.passed = True
        signal.pthread_kill(main, signal.SIGINT)

    main = threading.get_ident()
    timer = threading.Timer(seconds + GRACE_S, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield limit
    finally:
        timer.cancel()

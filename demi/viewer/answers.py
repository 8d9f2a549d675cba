"""What a process that replays a target answers to the screen.

The one insight: an answer that cannot be had is an answer too, and carries the reason as its `problem`.

Not here: asking (`live.py`), answering (`replaying.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Known:
    """Before a step: ids that were enabled.  invariants: name and doc of each that is checked.

    problem: why nothing is known.
    """

    enabled: tuple[str, ...] = ()
    invariants: tuple[tuple[str, str], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """Another run.  path: its trace, not kept unless the user saves it.  step: where it leaves the first.

    absent: events of the rest that could not happen any more.  problem: why there is none.
    """

    path: str = ""
    step: int = 0
    absent: int = 0
    problem: str = ""

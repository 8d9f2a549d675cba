"""What the target itself knows at a step, by replaying the trace up to it.

The one insight: a held system is run in a process of its own, forked before the screen starts, so that
neither its stand-ins for clocks and sockets nor its output can touch the terminal, and a slow replay
never delays a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Known:
    """Before a step: ids that were enabled.  invariants: name and doc of each that is checked.

    problem: why nothing is known.
    """

    enabled: tuple[str, ...] = ()
    invariants: tuple[tuple[str, str], ...] = ()
    problem: str = ""


class Live(Protocol):
    """Where such knowledge comes from."""

    def at(self, step: int) -> Known | None:
        """What is known before a step; None while it is not known yet."""
        ...

    def changed(self) -> bool:
        """Did an answer arrive since this was last asked?"""
        ...


class Nowhere:
    """No target: the trace alone must do."""

    def at(self, step: int) -> Known | None:
        return Known(problem="from the trace alone")

    def changed(self) -> bool:
        return False

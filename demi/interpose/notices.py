"""What a world has to say that decides nothing: fallbacks taken, escapes allowed, names nobody has.

The one insight: such a thing is worth telling once, at the end, whichever of thousands of runs it came up
in, so it is kept by the world and not by the run, and never enters a trace.
"""

from __future__ import annotations

from collections.abc import Sequence

NOTICES_MAX = 20  # of one world: more would not be read


class Notices:
    """Texts, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._taken = 0

    def add(self, text: str) -> None:
        """Tell something, unless it was told or too much was."""
        if len(self._texts) < NOTICES_MAX:
            self._texts[text] = None

    def take(self) -> tuple[str, ...]:
        """What came up since the last time."""
        if self._taken == len(self._texts):
            return ()
        new = tuple(self._texts)[self._taken :]
        self._taken = len(self._texts)
        return new


def take_notices(world: object) -> Sequence[str]:
    """What came up in a world since the last time; most never say anything."""
    found = getattr(world, "notices", None)
    return found.take() if isinstance(found, Notices) else ()

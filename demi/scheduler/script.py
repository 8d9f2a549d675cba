"""The script: when the outside acts in a run.

The one insight: what a program of externals needs from the run loop is one number (the step at which
something is due) and sometimes one condition, so a long run pays one comparison per step for it.

Not here: generating programs (`demi/fuzz`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from demi.errors import TargetError
from demi.events import Event, External, Nudge, Program, Wait
from demi.interpose.world import World
from demi.oracle import View
from demi.target import nearest

NEVER = 1 << 62


class Script:
    """Walks a program.  due: the step at which `advance` must be called next.

    condition: a predicate that also calls for `advance` when it holds.
    """

    __slots__ = ("_at", "_conditions", "_items", "_selectors", "_world", "condition", "due")

    def __init__(
        self,
        program: Program,
        world: World,
        conditions: Mapping[str, Callable[[View], bool]],
        selectors: Mapping[str, Callable[[World], Any]],
    ) -> None:
        self._items = program.items
        self._at = 0
        self._world = world
        self._conditions = conditions
        self._selectors = selectors
        self.due = 0 if program.items else NEVER
        self.condition: Callable[[View], bool] | None = None

    def advance(self, now: int) -> Event | None:
        """Offer externals up to the next wait; a nudge's event is returned, to be taken at once."""
        self.condition = None
        self.due = NEVER
        offered: list[External] = []
        event = None
        while self._at < len(self._items):
            item = self._items[self._at]
            if isinstance(item, Nudge) and offered:
                break
            self._at += 1
            if isinstance(item, External):
                offered.append(item)
            elif isinstance(item, Wait):
                self._wait(item, now)
                break
            else:
                event = _named(self._selectors, item.selector, "selector")(self._world)
                if event is not None and not self._world.allowed(event):
                    raise TargetError(
                        f"selector {item.selector!r} chose an event that is not enabled",
                        remedy="return one of world.enabled(), or None",
                    )
                self.due = now + 1
                break
        else:
            self.due = NEVER
        if self._at < len(self._items) and self.due == NEVER and self.condition is None:
            self.due = now  # a nudge follows the offer
        if offered:
            self._world.offer(offered)
        return event

    def _wait(self, wait: Wait, now: int) -> None:
        self.due = now + wait.steps if wait.steps else NEVER - 1
        if wait.condition:
            self.condition = _named(self._conditions, wait.condition, "condition")

    @property
    def finished(self) -> bool:
        """Nothing further will be offered."""
        return self._at >= len(self._items)


def _named(table: Mapping[str, Callable[..., Any]], name: str, what: str) -> Callable[..., Any]:
    if name not in table:
        raise TargetError(f"the target has no {what} {name!r}", remedy=nearest(name, list(table)))
    return table[name]

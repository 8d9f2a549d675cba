"""Bounds: how far exploration goes, as independent coordinates.

The one insight: a bound is harmless to the reduction when being over it depends on an event's causal
past only; a bound on a total (crashes, drops, timers) is a shared budget, so its events are made
dependent on each other; and a bound on the length of a run is not such a property at all, so when it
cuts a run every alternative on the way there is explored (sleep sets alone keep exactly one run per
class of each length).  Hence no class within the bounds is lost.

After Bounded Partial-Order Reduction (Coons, Musuvathi, McKinley, OOPSLA 2013).  A bound on delays is
about schedules and not about classes: see `delays.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from demi.errors import UsageError
from demi.events import Event, Kind

TIMER, CRASH, DROP = int(Kind.TIMER), int(Kind.CRASH), int(Kind.DROP)
STEPS_MAX = 2_000  # a run this long is taken for endless; it is cut and the search says so


@dataclass(frozen=True, slots=True)
class Bounds:
    """None: no bound.  steps: length of a run.  delays: see `delays.py`.  crashes, drops, timers: of
    these events in one run.  timers_per_node: firings at any one node in one run.
    """

    steps: int | None = None
    delays: int | None = None
    crashes: int | None = None
    drops: int | None = None
    timers: int | None = None
    timers_per_node: int | None = None

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and value < 0:
                raise UsageError(f"the bound {one.name} may not be negative")

    def __str__(self) -> str:
        """`steps 40, timers 2`; "none" without bounds."""
        named = [(one.name, getattr(self, one.name)) for one in fields(self)]
        text = ", ".join([f"{name} {value}" for name, value in named if value is not None])
        return text or "none"

    def budgets(self) -> frozenset[int]:
        """The kinds of event whose total is bounded."""
        totals = ((CRASH, self.crashes), (DROP, self.drops), (TIMER, self.timers))
        return frozenset([kind for kind, value in totals if value is not None])


class Gate:
    """Holds back events that are over a bound; `bit` collects the bounds that held something back.

    held: what the last `passed` held back because a total is used up.
    """

    def __init__(self, bounds: Bounds, nodes: int) -> None:
        self._limits = {
            kind: (value, name)
            for kind, value, name in (
                (CRASH, bounds.crashes, "crashes"),
                (DROP, bounds.drops, "drops"),
                (TIMER, bounds.timers, "timers"),
            )
            if value is not None
        }
        self._per_node = bounds.timers_per_node
        self._counts: dict[int, int] = {}
        self._fired: tuple[int, ...] = (0,) * nodes
        self._nodes = nodes
        self.active = bool(self._limits) or self._per_node is not None
        self.bit: set[str] = set()
        self.held: list[Event] = []

    def reset(self) -> None:
        """A run begins."""
        self._counts = dict.fromkeys(self._limits, 0)
        self._fired = (0,) * self._nodes

    def passed(self, enabled: Sequence[Event]) -> list[Event]:
        """What may still happen."""
        over = {kind for kind, (most, _) in self._limits.items() if self._counts[kind] >= most}
        kept = []
        self.held = []
        for event in enabled:
            kind = event[0]
            if kind in over:
                self.bit.add(self._limits[kind][1])
                self.held.append(event)
            elif kind == TIMER and self._per_node is not None and (
                self._fired[event[1]] >= self._per_node
            ):  # fmt: skip
                self.bit.add("timers_per_node")
            else:
                kept.append(event)
        return kept

    def took(self, event: Event) -> None:
        """An event happened."""
        kind, node = event[0], event[1]
        if kind in self._counts:
            self._counts[kind] += 1
        if kind == TIMER and self._per_node is not None:
            fired = self._fired
            self._fired = (*fired[:node], fired[node] + 1, *fired[node + 1 :])

    def save(self) -> object:
        """Immutable copy of the counters."""
        return tuple(self._counts.items()), self._fired

    def counters(self, where: Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """The counters as numbers, if node i were node `where[i]`."""
        fired = [0] * self._nodes
        for node, count in enumerate(self._fired):
            fired[where[node]] = count
        totals = [self._counts[kind] for kind in sorted(self._counts)]
        return tuple(totals), tuple(fired)

    def load(self, saved: Any) -> None:
        """Return to a copy."""
        counts, self._fired = saved
        self._counts = dict(counts)

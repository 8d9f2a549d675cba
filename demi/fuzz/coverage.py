"""How much of a target a hunt has seen: classes of runs and states of nodes, counted as they pass.

The one insight: each step touches one node and is named by what it is (channel and number), so the
sequence of events at each node tells a run from every run that is not equivalent to it (Mazurkiewicz 1977),
and one rolling hash per node holds it.

Hashes are Python's: equal within one hunt and its forked workers, which is all that a count needs.  They
decide nothing.  Not here: exploring what was not seen.
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.events import Event
from demi.interpose.world import Step, World

SEEN_MAX = 2_000_000  # of each kind; then the count stays, and memory with it


class Coverage:
    """An Observer of many runs.  classes, states: hashes of what was new since `taken`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known_classes: set[int] = set()
        self._known_states: set[int] = set()
        self.classes: list[int] = []
        self.states: list[int] = []
        self._nodes: list[int] = []

    def began(self, boot: Step) -> None:
        self._nodes = [0] * len(self._world.names)

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        """Nothing: what happened is seen afterwards."""

    def after(self, step: Step) -> None:
        node = step.event[1]
        if node < 0:
            return
        self._nodes[node] = hash((self._nodes[node], step.event))
        seen = hash((node, self._state(node)))
        if seen not in self._known_states and len(self._known_states) < SEEN_MAX:
            self._known_states.add(seen)
            self.states.append(seen)

    def _state(self, node: int) -> object:
        """What a node shows, or the digest of its state when that cannot be hashed."""
        shown = self._world.observe().state(node)
        try:
            hash(shown)
        except TypeError:
            return self._world.node_digest(node)
        return shown

    def ended(self) -> None:
        """A run is over."""
        seen = hash(tuple(self._nodes))
        if seen not in self._known_classes and len(self._known_classes) < SEEN_MAX:
            self._known_classes.add(seen)
            self.classes.append(seen)

    def taken(self) -> tuple[list[int], list[int]]:
        """(classes, states) that are new since this was last asked."""
        new = self.classes, self.states
        self.classes, self.states = [], []
        return new

"""The tally: what a search has counted, when it must stop, and how much is left.

The one insight: while a tree is walked depth-first, the share of it that lies behind is the sum over the
current path of (children done / children known) times the share of each node, so the size of the rest
follows from the count so far; an estimate that grows only when new races are found.

Estimating search trees: Knuth, Mathematics of Computation 1975; weighted backtrack estimator: Kilby,
Slaney, Thiebaux, Walsh, AAAI 2006.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from demi.dpor.again import verify
from demi.oracle import Violation
from demi.scheduler.record import Taken

if TYPE_CHECKING:
    from demi.dpor.space import Space

CHECK_EVERY = 64  # leaves between two looks at the clock
VERIFY_FIRST = 3  # executions that are run twice; after that those whose number is a power of two


class Stop(Exception):
    """The search ends here.  The reason is in the tally."""


class Ended(Enum):
    """Why a search ended."""

    DONE = "everything explored"
    VIOLATION = "violation"
    EXECUTIONS = "max_executions"
    SECONDS = "seconds"
    INTERRUPTED = "interrupted"
    BLOCKED = "too many blocked runs"


@dataclass(frozen=True, slots=True)
class Progress:
    """estimate: executions in all as it looks now; 0 while unknown.  share: of the tree, 0 to 1.

    states: found so far by a stateful search, which has no executions; steps are its transitions.
    violations: their fingerprints.
    """

    executions: int
    blocked: int
    steps: int
    seconds: float
    share: float
    estimate: int
    states: int = 0
    violations: tuple[str, ...] = ()


Leaf = Callable[["Space"], None]
Report = Callable[[Progress], None]


class Tally:
    """Counts leaves.  keep: violations to collect before stopping, 0 to go on to the end.

    on_leaf sees every maximal execution while it is the current run.  quit_blocked: stop when the share
    of blocked runs passes this after `BLOCKED_MIN` runs; 1.0 never does.
    """

    BLOCKED_MIN = 400

    def __init__(
        self,
        *,
        max_executions: int = 0,
        seconds: float = 0.0,
        keep: int = 1,
        on_leaf: Leaf | None = None,
        progress: Report | None = None,
        quit_blocked: float = 1.0,
        verify: bool = True,
    ) -> None:
        self.executions = self.blocked = self.cut = self.infeasible = 0
        self.violations: dict[str, tuple[Violation, tuple[Taken, ...]]] = {}
        self.ended = Ended.DONE
        self.depth = 0
        self.classes = 0
        self._max = max_executions
        self._started = time.monotonic()
        self._deadline = self._started + seconds if seconds else None
        self._keep = keep
        self._on_leaf = on_leaf
        self._progress = progress
        self._quit_blocked = quit_blocked
        self._verify_at = 1 if verify else 0
        self._leaves = 0

    def maximal(self, space: Space, shares: Callable[[], float]) -> None:
        """A complete execution."""
        self.executions += 1
        if self._on_leaf is not None:
            self._on_leaf(space)
        if self.executions == self._verify_at:
            few = self.executions < VERIFY_FIRST
            self._verify_at = self.executions + 1 if few else self.executions * 2
            verify(space, nodes=self.executions == 1)
        self._leaf(space, shares)

    def sleeping(self, space: Space, shares: Callable[[], float]) -> None:
        """A run that sleep sets blocked."""
        self.blocked += 1
        runs = self.executions + self.blocked
        if runs > self.BLOCKED_MIN and self.blocked > self._quit_blocked * runs:
            self.stop(Ended.BLOCKED)
        self._leaf(space, shares)

    def cut_off(self, space: Space, shares: Callable[[], float]) -> None:
        """A run that reached the bound on its length."""
        self.cut += 1
        if self._on_leaf is not None:
            self._on_leaf(space)
        self._leaf(space, shares)

    def _leaf(self, space: Space, shares: Callable[[], float]) -> None:
        self._leaves += 1
        self.depth = max(self.depth, len(space.history))
        if self._max and self.executions + self.blocked + self.cut >= self._max:
            self.stop(Ended.EXECUTIONS)
        if self._leaves % CHECK_EVERY == 0:
            now = time.monotonic()
            if self._progress is not None:
                share = shares()
                estimate = round((self.executions + self.cut) / share) if share > 0 else 0
                self._progress(
                    Progress(
                        self.executions, self.blocked, space.steps, now - self._started, share,
                        estimate, 0, tuple(self.violations),
                    )
                )  # fmt: skip
            if self._deadline is not None and now >= self._deadline:
                self.stop(Ended.SECONDS)

    def start(self, space: Space) -> None:
        """Go to the initial state, which may be broken already."""
        space.start()
        if space.violation is not None:
            self.violated(space)

    def violated(self, space: Space) -> None:
        """The last step broke something; the first run per fingerprint is kept."""
        assert space.violation is not None
        name = space.violation.fingerprint
        if name not in self.violations:
            self.violations[name] = (space.violation, space.choices())
        if self._keep and len(self.violations) >= self._keep:
            self.stop(Ended.VIOLATION)

    def stop(self, why: Ended) -> None:
        """End the search."""
        self.ended = why
        raise Stop

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started


def share_of(path: Sequence[tuple[int, int]]) -> float:
    """The share of a tree that lies behind: per level (children done, children known)."""
    behind, here = 0.0, 1.0
    for done, known in path:
        if known:
            behind += here * done / known
            here /= known
    return behind + here

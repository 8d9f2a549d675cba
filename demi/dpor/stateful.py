"""Stateful search: every reachable state once, breadth first.

The one insight: where many histories lead to one state (small protocols), counting states beats counting
classes, and breadth first makes the first violation found a shortest one.

A state is what the world holds (nodes, messages in flight, timers, links), what the invariants remember
and what the bounds have used up; see `states.py`, also for symmetry.
Every step of every state is taken, so properties of several nodes at one moment are covered in full.

Not here: partial-order reduction (it would have to replay summaries of what lies below a cached state).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from demi.dpor.space import FIRST_FAULT, Space
from demi.dpor.states import ActorKey, key_of
from demi.dpor.tally import Ended, Progress, Report
from demi.events import Event
from demi.interpose.world import World
from demi.oracle import Violation
from demi.scheduler.record import Taken

StateKey = Callable[[World], Hashable]
"""What identifies a state of a world, where the digest is not wanted (symmetry, speed)."""

CHECK_EVERY = 256
FREEZE_EVERY = (
    512  # states; all that is kept of them is kept to the end: no use in looking at it again
)


class ClockRead(Exception):
    """A node read its clock for the first time: from now on clocks are part of a state; start over."""


@dataclass(frozen=True, slots=True)
class States:
    """states: unique ones, the initial one included.  transitions: steps taken.  depth: of the deepest
    state, on its shortest path, in steps.  cut: states at the bound on steps that have a next step.
    """

    states: int
    transitions: int
    depth: int
    cut: int
    violations: tuple[tuple[Violation, tuple[Taken, ...]], ...]
    ended: Ended
    seconds: float


class Search:
    """One breadth-first search over a space."""

    def __init__(self, space: Space, key: StateKey | None = None) -> None:
        self.space = space
        self._key = key_of(space) if key is None else (lambda: key(space.world))
        self.symmetric = isinstance(self._key, ActorKey) and self._key.symmetric
        self._clocks = getattr(space.world, "reads_clock", False)
        self._index: dict[Hashable, int] = {}
        self._parents: list[tuple[int, Event]] = []
        self.transitions = 0
        self.violations: dict[str, tuple[Violation, tuple[Taken, ...]]] = {}

    def run(
        self,
        *,
        keep: int = 1,
        max_states: int = 0,
        seconds: float = 0.0,
        progress: Report | None = None,
    ) -> States:
        """Search.  keep: violations to find before stopping, 0 to go on to the end."""
        started = time.monotonic()
        space = self.space
        ended = Ended.DONE
        space.start()
        if space.violation is not None:
            self.violations[space.violation.fingerprint] = (space.violation, space.choices())
        level: list[tuple[int, object]] = [self._add((-1, (-1, -1, -1, -1)))]
        depth = cut = 0
        try:
            while level:
                following: list[tuple[int, object]] = []
                for index, saved in level:
                    cut += self._expand(index, saved, following, depth)
                    if keep and len(self.violations) >= keep:
                        ended = Ended.VIOLATION
                        raise StopIteration
                    if max_states and len(self._parents) >= max_states:
                        ended = Ended.EXECUTIONS
                        raise StopIteration
                    if index % CHECK_EVERY == 0:
                        now = time.monotonic() - started
                        if progress is not None:
                            count = len(self._parents)
                            progress(Progress(0, 0, self.transitions, now, 0.0, 0, count))
                        if seconds and now >= seconds:
                            ended = Ended.SECONDS
                            raise StopIteration
                if not following:
                    break
                level = following
                depth += 1
        except StopIteration:
            depth += bool(following)
        except KeyboardInterrupt:
            ended = Ended.INTERRUPTED
        finally:
            gc.unfreeze()
        return States(
            len(self._parents), self.transitions, depth, cut, tuple(self.violations.values()), ended,
            time.monotonic() - started,
        )  # fmt: skip

    def _expand(
        self, index: int, saved: object, following: list[tuple[int, object]], depth: int
    ) -> int:
        space = self.space
        self._back(index, saved)
        enabled = space.enabled()
        if depth >= space.steps_max:
            if enabled:
                space.gate.bit.add("steps")
            return int(bool(enabled))
        for place, event in enumerate(enabled):
            if place:
                self._back(index, saved)
            space.take(event, len(space.begun) + depth)
            self.transitions += 1
            if space.violation is not None:
                name = space.violation.fingerprint
                if name not in self.violations:
                    self.violations[name] = (space.violation, self._choices(index, event))
            new, mark = self._add((index, event))
            if new >= 0:
                following.append((new, mark))
        return 0

    def _add(self, parent: tuple[int, Event]) -> tuple[int, object]:
        space = self.space
        saved = space.save()  # before the digest, which then need not read unchanged nodes again
        if not self._clocks and getattr(space.world, "reads_clock", False):
            raise ClockRead
        key = self._key()
        if key in self._index:
            return -1, None
        self._index[key] = new = len(self._parents)
        if (new + 1) % FREEZE_EVERY == 0:
            gc.collect(1)  # what handlers left in cycles
            gc.freeze()
        self._parents.append(parent)
        return new, saved

    def _back(self, index: int, saved: object) -> None:
        self.space.load_path(saved, self._path(index) if self.space.re_executes else ())

    def _path(self, index: int) -> tuple[Event, ...]:
        path = []
        while index > 0:
            index, event = self._parents[index]
            path.append(event)
        return tuple(reversed(path))

    def _choices(self, index: int, event: Event) -> tuple[Taken, ...]:
        world = self.space.world
        path = (*self._path(index), event)
        return self.space.begun + tuple(
            [world.external(one) if one[0] >= FIRST_FAULT else one for one in path]
        )

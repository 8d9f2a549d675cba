"""Invariants, violations and verdicts: what "wrong" means, checked at the start and after every step.

The one insight: an invariant keeps what it remembers between steps in an immutable *memory* value that
it returns, so that a search may restore any earlier point.  Not here: linearizability of histories.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from demi.verdict import Detail, Verdict, Violation


class View(Protocol):
    """What invariants see of a world; one persistent object per run, valid until the next step."""

    @property
    def names(self) -> Sequence[str]:
        """Node names; a node is named by its index in the other methods."""
        ...

    @property
    def touched(self) -> Sequence[int]:
        """Indices of the nodes that the last step may have changed; before the first step, of all."""
        ...

    def state(self, node: int) -> Any:
        """What the target's `observe` says of a node now; None while it is down or not started."""
        ...


Memory = Any


class Invariant(Protocol):
    """A property of every reachable state.

    name: CamelCase, the first part of the fingerprint.  doc: one line.
    """

    @property
    def name(self) -> str: ...

    @property
    def doc(self) -> str: ...

    def start(self) -> Memory:
        """The memory of a run without steps; immutable."""
        ...

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        """Look at the touched nodes; return the new memory and, when broken, why.

        Called at the start, and after every step that touched a node.
        """
        ...


@runtime_checkable
class Symmetric(Protocol):
    """An invariant that does not tell nodes apart and can say what it remembers of renamed ones."""

    def permuted(self, memory: Memory, where: Sequence[int]) -> Memory:
        """The memory if node i were node `where[i]`."""
        ...


@runtime_checkable
class Local(Protocol):
    """An invariant that says whether one order of independent steps shows all it can see.

    local: it looks at one node at a time, or at what nodes ever were (two leaders of a term, ever),
    never at what several nodes are at one moment.
    """

    local: bool


@dataclass(frozen=True, slots=True)
class StateInvariant:
    """An invariant without memory from a plain function `look(view) -> Detail | None`.

    local: see `Local`.
    """

    name: str
    doc: str
    look: Callable[[View], Detail | None]
    local: bool = False

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        return memory, self.look(view)

    def permuted(self, memory: Memory, where: Sequence[int]) -> Memory:
        """See `Symmetric`."""
        return memory


@dataclass(frozen=True, slots=True)
class Failure:
    """A handler raised: the node is down from here on.  where: function and line, never a path."""

    node: str
    error: str
    where: str
    message: str
    function: str = ""

    def detail(self) -> Detail:
        """As the violation of kind `crash`."""
        text = f"{self.node} raised {self.error} in {self.where}: {self.message}"
        return Detail((self.node,), text, f"{self.error}@{self.function}")


CRASH = "crash"
"""The name of the built-in invariant that no handler raises."""


def memories(invariants: Sequence[Invariant]) -> list[Memory]:
    """The starting memories of several invariants."""
    return [invariant.start() for invariant in invariants]


def check_start(
    invariants: Sequence[Invariant], view: View
) -> tuple[list[Memory], Violation | None]:
    """Check the starting state: the memories from there on, and what is broken before any step."""
    memory = memories(invariants)
    return memory, check_all(invariants, view, memory, 0)


def check_all(
    invariants: Sequence[Invariant], view: View, memory: list[Memory], step: int
) -> Violation | None:
    """Check each invariant in order, updating `memory` in place; the first broken one wins.

    A step that touched no node shows an invariant nothing new, so nobody is asked.
    """
    if not view.touched:
        return None
    for position, invariant in enumerate(invariants):
        memory[position], detail = invariant.check(view, memory[position])
        if detail is not None:
            return Violation(invariant.name, detail, step)
    return None


__all__ = [
    "CRASH",
    "Detail",
    "Failure",
    "Invariant",
    "Local",
    "Memory",
    "StateInvariant",
    "Symmetric",
    "Verdict",
    "View",
    "Violation",
    "check_all",
    "check_start",
    "memories",
]

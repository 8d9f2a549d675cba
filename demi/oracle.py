"""Invariants, violations and verdicts: what "wrong" means, checked after every step.

The one insight: a violation is identified by its *fingerprint*, kind and role ("ElectionSafety"), never
by node names or message text, so shrinking neither slips to another bug nor refuses a symmetric one.

Invariants keep what they remember between steps in an immutable *memory* value that they return, so a
search may restore any earlier point.  Not here: linearizability of histories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Detail:
    """Why an invariant does not hold.

    key: role part of the fingerprint (empty when the invariant has one way to fail); must not name
    nodes or values.  nodes: the nodes involved.  text: one line for people.
    """

    nodes: tuple[str, ...]
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant after step `step` (the index of the last event, from 0)."""

    invariant: str
    detail: Detail
    step: int

    @property
    def fingerprint(self) -> str:
        """`ElectionSafety` or `crash/KeyError@on_message`: equal for the same bug elsewhere."""
        return f"{self.invariant}/{self.detail.key}" if self.detail.key else self.invariant


class View(Protocol):
    """What invariants see of a world; one persistent object per run, valid until the next step."""

    @property
    def names(self) -> Sequence[str]:
        """Node names; a node is named by its index in the other methods."""
        ...

    @property
    def touched(self) -> Sequence[int]:
        """Indices of the nodes that the last step may have changed."""
        ...

    def state(self, node: int) -> Any:
        """What the target's `observe` says of a node now; None while it is down or not started."""
        ...


Memory = Any


class Invariant(Protocol):
    """A property of every reachable state.

    name: CamelCase, the first part of the fingerprint.  doc: one line.
    """

    name: str
    doc: str

    def start(self) -> Memory:
        """The memory of a run without steps; immutable."""
        ...

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        """Look at the touched nodes; return the new memory and, when broken, why."""
        ...


@dataclass(frozen=True, slots=True)
class StateInvariant:
    """An invariant without memory from a plain function `look(view) -> Detail | None`."""

    name: str
    doc: str
    look: Callable[[View], Detail | None]

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        return memory, self.look(view)


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


class Verdict(Enum):
    """What a run or a search says; never just true or false."""

    VIOLATED = "violated"
    NOT_FOUND = "not found within the budget"
    EXHAUSTED = "exhausted"
    DIVERGED = "diverged"


def memories(invariants: Sequence[Invariant]) -> list[Memory]:
    """The starting memories of several invariants."""
    return [invariant.start() for invariant in invariants]


def check_all(
    invariants: Sequence[Invariant], view: View, memory: list[Memory], step: int
) -> Violation | None:
    """Check each invariant in order, updating `memory` in place; the first broken one wins."""
    for position, invariant in enumerate(invariants):
        memory[position], detail = invariant.check(view, memory[position])
        if detail is not None:
            return Violation(invariant.name, detail, step)
    return None


def violation_to_json(violation: Violation) -> dict[str, Any]:
    """The footer form; see docs/trace-format.md."""
    return {
        "invariant": violation.invariant,
        "key": violation.detail.key,
        "step": violation.step,
        "nodes": list(violation.detail.nodes),
        "text": violation.detail.text,
    }


def violation_from_json(data: Mapping[str, Any]) -> Violation:
    """The inverse of `violation_to_json`."""
    detail = Detail(tuple(data["nodes"]), str(data["text"]), str(data["key"]))
    return Violation(str(data["invariant"]), detail, int(data["step"]))

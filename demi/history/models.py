"""Models: what one object would answer if operations came one after another.

The one insight: a model is one pure function from (state, operation) to (state, answer); whatever else a
checker needs (what only reads, what may be left out) follows from a few names.

Not here: orders of operations (`wing_gong.py`, `just_in_time.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from demi.errors import UsageError
from demi.history.operation import Operation


class Refused(Exception):
    """The operation cannot succeed in this state (a compare-and-set on another value)."""


class Model(Protocol):
    """A sequential object.  States are immutable and hashable.

    name: for `--model`.  functions: operations it knows.  pure: those that never change the state.
    """

    @property
    def name(self) -> str: ...
    @property
    def functions(self) -> frozenset[str]: ...
    @property
    def pure(self) -> frozenset[str]: ...
    @property
    def initial(self) -> Any: ...

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        """(state after, answer).  Raises Refused."""
        ...

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        """Is the model's answer what the client was told?"""
        ...

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        """(f, argument) of which nobody saw a trace: the indefinite ones may be left out."""
        ...


def _seen(operations: Iterable[Operation], reads: frozenset[str]) -> set[Any]:
    """Every value that some operation was told, or had to find."""
    seen: set[Any] = set()
    for one in operations:
        if one.f in reads:
            seen.add(one.result)
            if isinstance(one.result, (tuple, frozenset)):
                seen.update(one.result)
        elif one.f == "cas" and isinstance(one.argument, tuple) and one.argument:
            seen.add(one.argument[0])
    return seen


@dataclass(frozen=True, slots=True)
class Register:
    """read, write v, cas (old, new); begins with nothing.  A failed cas is a `fail`."""

    name: str = "register"
    functions: frozenset[str] = frozenset({"read", "write", "cas"})
    pure: frozenset[str] = frozenset({"read"})
    initial: Any = None

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        if f == "read":
            return state, state
        if f == "write":
            return argument, None
        old, new = argument
        if old != state:
            raise Refused
        return new, None

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        return f != "read" or bool(answer == told)

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        known = list(operations)
        seen = _seen(known, self.pure)
        return frozenset(
            ("write", one.argument)
            for one in known
            if one.f == "write" and one.argument not in seen
        )


@dataclass(frozen=True, slots=True)
class KeyValue:
    """get, put v, append v, delete of one key; a key that is not there reads as nothing or ""."""

    name: str = "kv"
    functions: frozenset[str] = frozenset({"get", "put", "append", "delete"})
    pure: frozenset[str] = frozenset({"get"})
    initial: Any = None

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        if f == "get":
            return state, state
        if f == "append" and state not in (None, ""):
            return state + argument, None
        return (None if f == "delete" else argument), None

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        return f != "get" or answer == told or (answer in (None, "") and told in (None, ""))

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        known = list(operations)
        if any(one.f == "append" for one in known):
            return frozenset()  # its value would be seen as a part of others
        seen = _seen(known, self.pure)
        return frozenset(
            ("put", one.argument) for one in known if one.f == "put" and one.argument not in seen
        )


@dataclass(frozen=True, slots=True)
class Queue:
    """enqueue v, dequeue: first in, first out; dequeue of an empty queue gives nothing."""

    name: str = "queue"
    functions: frozenset[str] = frozenset({"enqueue", "dequeue"})
    pure: frozenset[str] = frozenset()
    initial: Any = ()

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        if f == "enqueue":
            return (*state, argument), None
        return (state[1:], state[0]) if state else (state, None)

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        return f != "dequeue" or bool(answer == told)

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        return frozenset()  # one that stays in the queue hides those behind it


@dataclass(frozen=True, slots=True)
class Set:
    """add v, remove v, read: all elements, in any order."""

    name: str = "set"
    functions: frozenset[str] = frozenset({"add", "remove", "read"})
    pure: frozenset[str] = frozenset({"read"})
    initial: Any = frozenset()

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        if f == "read":
            return state, state
        return (state | {argument} if f == "add" else state - {argument}), None

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        if f != "read" or told is None:
            return f != "read" or not answer
        return isinstance(told, (tuple, frozenset)) and answer == frozenset(told)

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        known = list(operations)
        seen = _seen(known, self.pure)
        return frozenset(
            ("add", one.argument) for one in known if one.f == "add" and one.argument not in seen
        )


@dataclass(frozen=True, slots=True)
class Counter:
    """add n, read."""

    name: str = "counter"
    functions: frozenset[str] = frozenset({"add", "read"})
    pure: frozenset[str] = frozenset({"read"})
    initial: Any = 0

    def apply(self, state: Any, f: str, argument: Any) -> tuple[Any, Any]:
        return (state, state) if f == "read" else (state + argument, None)

    def agrees(self, f: str, answer: Any, told: Any) -> bool:
        return f != "read" or bool(answer == told)

    def spare(self, operations: Iterable[Operation]) -> frozenset[tuple[str, Any]]:
        return frozenset()  # a sum shows all of them


MODELS: dict[str, Model] = {
    model.name: model for model in (Register(), KeyValue(), Queue(), Set(), Counter())
}


def find_model(name: str) -> Model:
    """The model of that name.  Raises UsageError."""
    if name not in MODELS:
        raise UsageError(f"unknown model {name!r}", remedy="known: " + ", ".join(sorted(MODELS)))
    return MODELS[name]

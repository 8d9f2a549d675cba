"""Payloads: messages frozen at the send, their JSON form and their canonical bytes.

The one insight: a deeply immutable message needs no copy, so checking immutability once per object is
all that isolation between nodes costs; anything mutable is serialized at the send and a fresh copy is
delivered, with a second serialization at the delivery to catch a sender that kept changing it.

Canonical bytes are equal in every process (sets sorted, no `id`, no `hash`).  Not here: reading
payloads from files; `pickle` is only ever applied to objects made in this process.
"""

from __future__ import annotations

import dataclasses
import math
import pickle
from collections import deque
from enum import Enum
from typing import Any

from demi.errors import ContractError

ATOMS = frozenset({int, str, bytes, bool, float, complex, type(None)})
_VERIFIED_MAX = 4096  # objects remembered as immutable; cleared when full, so memory stays flat


class Freezer:
    """Decides whether a message may be shared as it is; remembers what it has verified."""

    __slots__ = ("_bare", "_last", "_verified")

    def __init__(self) -> None:
        self._verified: dict[int, object] = {}  # id -> the object itself, so the id stays taken
        self._bare: dict[type, bool] = {tuple: True, frozenset: True}
        self._last: object = None  # a broadcast sends one object several times

    def immutable(self, value: Any) -> bool:
        """True when nothing reachable from `value` can change."""
        if value is self._last:
            return True
        kind = type(value)
        if kind in ATOMS:
            return True
        bare = self._bare.get(kind)
        if bare is None:
            bare = self._bare[kind] = issubclass(kind, tuple) and kind.__dictoffset__ == 0
        if bare:
            for part in value:
                if type(part) not in ATOMS and not self._remembered(part):
                    return False
        elif not self._remembered(value):
            return False
        self._last = value
        return True

    def _remembered(self, value: Any) -> bool:
        verified = self._verified
        key = id(value)
        if key in verified:
            return True
        if not self._parts_immutable(value):
            return False
        if len(verified) >= _VERIFIED_MAX:
            verified.clear()
        verified[key] = value
        return True

    def _parts_immutable(self, value: Any) -> bool:
        kind = type(value)
        if isinstance(value, (tuple, frozenset)):
            if getattr(value, "__dict__", None):
                return False
            return all(type(part) in ATOMS or self._remembered(part) for part in value)
        if isinstance(value, (Enum, type)):
            return True
        params = getattr(kind, "__dataclass_params__", None)
        if params is not None and params.frozen:
            parts = [getattr(value, f.name) for f in dataclasses.fields(value)]
            return all(type(part) in ATOMS or self._remembered(part) for part in parts)
        return isinstance(value, (int, str, bytes, float)) and not getattr(value, "__dict__", None)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Serialized:
    """A mutable message in flight: its bytes at the send, and the sender's object to compare with."""

    data: bytes
    original: Any

    def open(self) -> Any:
        """A fresh copy for the receiver."""
        return pickle.loads(self.data)

    def unchanged(self) -> bool:
        """False when the sender mutated the message after sending it."""
        return pickle.dumps(self.original, 5) == self.data


def serialize(value: Any, what: str) -> Serialized:
    """Freeze a mutable message.  Raises ContractError when it cannot be serialized."""
    try:
        return Serialized(pickle.dumps(value, 5), value)
    except Exception as error:
        raise ContractError(
            f"a message of type {type(value).__name__} cannot be serialized: {error}",
            where=what,
            remedy="send tuples, frozen dataclasses or plain containers of values",
        ) from error


def label_of(message: Any) -> str:
    """The message type in event names: a leading string of a tuple, a `type` key, or the class name."""
    if type(message) is tuple and message and isinstance(message[0], str):
        return _clean(message[0])
    if isinstance(message, str):
        return _clean(message.split(" ", 1)[0])
    if isinstance(message, dict) and isinstance(message.get("type"), str):
        return _clean(message["type"])
    return type(message).__name__


def _clean(word: str) -> str:
    kept = "".join(c if c.isprintable() and c not in "#" else "_" for c in word[:40])
    return kept or "message"


def to_json(value: Any) -> Any:
    """JSON form of any value, for people and traces: records by field name, sets sorted."""
    kind = type(value)
    if kind in (str, bool, type(None)):
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else str(value)
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    return _compound_json(value)


def _compound_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: to_json(part) for name, part in zip(value._fields, value, strict=True)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple, deque)):
        return [to_json(part) for part in value]
    if isinstance(value, dict):
        pairs = [
            (key if isinstance(key, str) else str(to_json(key)), v) for key, v in value.items()
        ]
        return {key: to_json(part) for key, part in sorted(pairs, key=lambda pair: pair[0])}
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(part) for part in value), key=repr)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, (int, str, float)):
        return to_json(value.__str__() if isinstance(value, str) else value + 0)
    return f"<{kind_name(value)}>"


def kind_name(value: Any) -> str:
    """The qualified class name: stable where `repr` would show an address."""
    return type(value).__qualname__


def canonical(value: Any) -> str:
    """Canonical text of a value: equal values give equal text in every process.

    Objects without fields of their own are written by class name.  Cyclic structures are the
    caller's mistake and end in RecursionError.
    """
    kind = type(value)
    if kind is int or kind is str or kind is bool or value is None:
        return repr(value)
    if isinstance(value, Enum):
        return f"{kind.__qualname__}.{value.name}"
    if isinstance(value, tuple):
        name = kind.__qualname__ if kind is not tuple else ""
        return f"{name}({','.join([canonical(part) for part in value])})"
    if isinstance(value, (list, deque)):
        return f"[{','.join([canonical(part) for part in value])}]"
    if isinstance(value, (set, frozenset)):
        return "{" + ",".join(sorted([canonical(part) for part in value])) + "}"
    if isinstance(value, dict):
        pairs = sorted((canonical(key), canonical(part)) for key, part in value.items())
        return "{" + ",".join([f"{key}:{part}" for key, part in pairs]) + "}"
    if isinstance(value, (int, float, str, bytes, bytearray, complex)):
        return repr(value)
    return f"{kind.__qualname__}<{_fields_text(value)}>"


def _fields_text(value: Any) -> str:
    return ",".join(f"{name}={canonical(part)}" for name, part in fields_of(value))


def fields_of(value: Any) -> list[tuple[str, Any]]:
    """The instance fields of an object by name, sorted: `__dict__` and slots."""
    found = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                found[name] = getattr(value, name)
    return sorted(found.items())

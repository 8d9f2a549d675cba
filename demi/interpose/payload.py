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
from collections.abc import Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from demi.errors import ContractError

ATOMS = frozenset({int, str, bytes, bool, float, complex, type(None)})
VALUES = (range, Decimal, date, time, timedelta)  # immutable, without fields to look into
DEPTH_MAX = 64  # of JSON written; a trace reader refuses values nested deeper than 100
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
        if isinstance(value, (Enum, type, *VALUES)):
            return True
        params = getattr(kind, "__dataclass_params__", None)
        if params is not None and params.frozen:
            parts = [getattr(value, f.name) for f in dataclasses.fields(value)]
            if len(getattr(value, "__dict__", ())) + len(slots_of(kind)) > len(parts):
                return False  # a subclass that is no dataclass may add fields that change
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


_RECORDS: dict[type, tuple[str, ...]] = {}  # NamedTuple classes met, with their field names


_NEVER_NAN = frozenset(ATOMS - {float, complex})


def holds_nan(value: Any) -> bool:
    """Does an immutable message hold a NaN?  Such a one is not even equal to itself when it is rebuilt."""
    kind = type(value)
    if kind in _NEVER_NAN:
        return False
    if isinstance(value, (float, complex)):
        return bool(value != value)  # noqa: PLR0124 - what a NaN is
    if isinstance(value, (tuple, frozenset)):
        return any(map(holds_nan, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return any(holds_nan(getattr(value, field.name)) for field in dataclasses.fields(value))
    return False


def label_of(message: Any) -> str:
    """The message type in event names: a leading string of a tuple, a `type` key, or the class name."""
    if type(message) is tuple and message and isinstance(message[0], str):
        return _clean(message[0])
    kind = type(message)
    if kind in _RECORDS:
        return kind.__name__
    if isinstance(message, str):
        return _clean(message.split(" ", 1)[0])
    if isinstance(message, dict) and isinstance(message.get("type"), str):
        return _clean(message["type"])
    return kind.__name__


def _clean(word: str) -> str:
    kept = "".join(c if c.isprintable() and c not in "#" else "_" for c in word[:40])
    return kept or "message"


class Opaque:
    """Base of what demi hands to a node (its context, its stream): no part of the node's state."""

    __slots__ = ()


_SLOTS: dict[type, tuple[str, ...]] = {}


def slots_of(kind: type) -> tuple[str, ...]:
    """The attribute names of a class's slots, private ones as they are stored."""
    known = _SLOTS.get(kind)
    if known is None:
        known = _SLOTS[kind] = tuple(_slots_of(kind))
    return known


def _slots_of(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                hidden = name.startswith("__") and not name.endswith("__")
                yield f"_{base.__name__.lstrip('_')}{name}" if hidden else name


_AS_IT_IS = frozenset({str, bool, type(None)})
_WIDE = 2**63


def to_json(value: Any, path: tuple[int, ...] = ()) -> Any:
    """JSON form of any value, for people and traces: records by field name, sets sorted.

    path: ids of the values this one is inside of.  What contains itself, and what is nested deeper
    than DEPTH_MAX, is written by its class name.
    """
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if kind is int:
        return value if -_WIDE <= value < _WIDE else _int_text(value)
    names = _RECORDS.get(kind)
    if names is not None and not path:
        return {
            name: part
            if type(part) in _AS_IT_IS or (type(part) is int and -_WIDE <= part < _WIDE)
            else to_json(part, (id(value),))
            for name, part in zip(names, value, strict=True)
        }
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    if id(value) in path or len(path) >= DEPTH_MAX:
        return f"<{kind_name(value)}>"
    return _compound_json(value, (*path, id(value)))


def _int_text(value: int) -> str:
    """Decimal, or hexadecimal where Python refuses to write that many digits."""
    return str(value) if value.bit_length() < 10_000 else hex(value)


def _compound_json(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        _RECORDS[type(value)] = value._fields
        return {name: to_json(part, path) for name, part in zip(value._fields, value, strict=True)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name), path) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple, deque)):
        return [to_json(part, path) for part in value]
    if isinstance(value, dict):
        pairs = [
            (key if isinstance(key, str) else str(to_json(key, path)), v)
            for key, v in value.items()
        ]
        return {key: to_json(part, path) for key, part in sorted(pairs, key=lambda pair: pair[0])}
    if isinstance(value, (set, frozenset)):
        return sorted((to_json(part, path) for part in value), key=repr)
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, VALUES):
        return str(value)
    if isinstance(value, int):
        return to_json(int.__add__(value, 0))  # not its own method, which may be anything
    if isinstance(value, float):
        return to_json(float.__float__(value))
    if isinstance(value, str):
        return str.__str__(value)
    return f"<{kind_name(value)}>"


def kind_name(value: Any) -> str:
    """The qualified class name: stable where `repr` would show an address."""
    return type(value).__qualname__

"""Canonical text: equal values give equal text in every process.

The one insight: most of a node's state did not change since it was last written out, so the text of a
part that cannot change is kept by identity and a digest costs what changed.

Not here: JSON for people (`payload.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from hashlib import blake2b
from types import FunctionType, MethodType
from typing import Any

from demi.errors import ContractError
from demi.interpose.payload import ATOMS, VALUES, Freezer, Opaque, slots_of
from demi.interpose.state import has_hooks

_INT, _PLAIN = frozenset({int}), frozenset({int, str, bool})
_TEXT_MAX = 64  # longer parts are written as their digest, so a long log costs nothing twice
_KEPT_MAX = 4096  # texts remembered; cleared when full, so memory stays flat
_PARTS_MAX = 100_000  # a few dozen objects that all refer to each other have more paths than atoms
_PATH_MAX = 150  # well below what Python's own stack allows


class Canon:
    """Writes states out, remembering the parts that cannot change."""

    __slots__ = ("_freezer", "_kept")

    def __init__(self, freezer: Freezer) -> None:
        self._freezer = freezer
        self._kept: dict[int, tuple[Any, str]] = {}  # id -> the part itself and its text

    def node(self, actor: Any) -> str:
        """The text of a user node: of its snapshot if it makes one, else of its fields."""
        if not has_hooks(type(actor)):
            fields = fields_of(actor)
            names = ",".join([name for name, _ in fields])
            return (
                f"{type(actor).__qualname__}<{names}={self._texts([v for _, v in fields], False)}>"
            )
        saved = actor.snapshot()
        parts = saved if type(saved) is tuple else (saved,)
        return f"{type(actor).__qualname__}<{self._texts(parts, True)}>"

    def _texts(self, parts: Iterable[Any], agreed: bool) -> str:
        """agreed: what a snapshot holds is never changed, whatever its type."""
        kept, texts = self._kept, []
        for part in parts:
            if type(part) in ATOMS:
                texts.append(repr(part))
                continue
            found = kept.get(id(part))
            if found is not None:
                texts.append(found[1])
                continue
            text = canonical(part)
            if len(text) > _TEXT_MAX:
                text = blake2b(text.encode(), digest_size=16).hexdigest()
            texts.append(text)
            if agreed or self._freezer.immutable(part):
                if len(kept) >= _KEPT_MAX:
                    kept.clear()
                kept[id(part)] = (part, text)
        return "|".join(texts)


def canonical(value: Any) -> str:
    """Canonical text of a value: equal values give equal text in every process.

    What contains itself is written as a step back (`^2`: the one that holds the one that holds this).
    Objects without fields of their own are written by class name.
    """
    try:
        return _text(value)
    except (
        RecursionError,
        ValueError,
    ):  # a cycle, or an int too long for repr: rare, so tried second
        return _Careful().text(value, ())


def _text(value: Any) -> str:
    kind = type(value)
    if kind is int or kind is str or kind is bool or value is None:
        return repr(value)
    return _compound(value, kind, _text)


def _compound(value: Any, kind: type, text: Callable[[Any], str]) -> str:
    """What is not one of the commonest atoms; `text` writes its parts."""
    if isinstance(value, Enum):
        return f"{kind.__qualname__}.{value.name}"
    if isinstance(value, tuple):
        name = kind.__qualname__ if kind is not tuple else ""
        return f"{name}({','.join([text(part) for part in value])})"
    if isinstance(value, (list, deque)):
        return f"[{','.join([text(part) for part in value])}]"
    if isinstance(value, (set, frozenset)):
        return "{" + (",".join(sorted([text(part) for part in value])) or ",") + "}"  # {} is a dict
    if isinstance(value, dict):
        if (
            len(value) > 1
            and set(map(type, value)) <= _INT
            and set(map(type, value.values())) <= _PLAIN
        ):
            return "{" + repr(sorted(value.items()))[1:-1] + "}"  # a table of numbers: all in C
        pairs = sorted((text(key), text(part)) for key, part in value.items())
        return "{" + ",".join([f"{key}:{part}" for key, part in pairs]) + "}"
    if isinstance(value, (int, float, str, bytes, bytearray, complex, *VALUES)):
        return repr(value)
    if isinstance(value, (type, FunctionType, MethodType, Opaque)):
        return getattr(value, "__qualname__", kind.__qualname__)
    return f"{kind.__qualname__}<{','.join([f'{k}={text(part)}' for k, part in fields_of(value)])}>"


def renamed(value: Any, names: Mapping[str, str]) -> str:
    """Canonical text after renaming every string that is one of `names`; dicts and sets sorted anew."""

    def text(part: Any) -> str:
        kind = type(part)
        if kind is str:
            return repr(names.get(part, part))
        if kind is dict:
            pairs = sorted((text(key), text(one)) for key, one in part.items())
            return "{" + ",".join([f"{key}:{one}" for key, one in pairs]) + "}"
        return _compound(part, kind, text)

    return text(value)


class _Careful:
    """The same text, with a guard against what contains itself."""

    def __init__(self) -> None:
        self._left = _PARTS_MAX

    def text(self, value: Any, path: tuple[int, ...]) -> str:
        """path: ids of the values this one is inside of."""
        if type(value) is int:
            return repr(value) if value.bit_length() < 10_000 else hex(value)
        if id(value) in path:
            return f"^{len(path) - path.index(id(value))}"
        self._left -= 1
        if self._left < 0 or len(path) > _PATH_MAX:
            raise ContractError(
                "a node's state or message refers to itself in too many ways to be written out",
                remedy="break the cycles, or define snapshot() and restore(saved) on the node",
            )
        inner = (*path, id(value))
        return _compound(value, type(value), lambda part: self.text(part, inner))


def fields_of(value: Any) -> list[tuple[str, Any]]:
    """The instance fields of an object by name, sorted: `__dict__` and slots."""
    found = dict(getattr(value, "__dict__", {}))
    for name in slots_of(type(value)):
        if hasattr(value, name):
            found[name] = getattr(value, name)
    return sorted(found.items())

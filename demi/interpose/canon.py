"""Canonical text: equal values give equal text in every process.

The one insight: most of a node's state did not change since it was last written out, so the text of a
part that cannot change is kept by identity and a digest costs what changed.

Not here: JSON for people (`payload.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from operator import is_
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


@dataclass(slots=True)
class _Written:
    """A node as it was last written out: its parts, their texts, and the whole.

    head: what stands before the parts.  fluid: places of parts that may change in place.
    """

    head: str
    parts: tuple[Any, ...]
    texts: list[str]
    fluid: list[int]
    whole: str = ""


class Canon:
    """Writes states out, remembering the parts that cannot change."""

    __slots__ = ("_freezer", "_heads", "_kept", "_layouts", "_nodes")

    def __init__(self, freezer: Freezer) -> None:
        self._freezer = freezer
        self._kept: dict[int, tuple[Any, str]] = {}  # id -> the part itself and its text
        self._nodes: dict[int, _Written] = {}
        self._heads: dict[type, str] = {}  # classes with a snapshot of their own; "" for the others
        self._layouts: dict[tuple[Any, ...], tuple[str, tuple[str, ...]]] = {}

    def node(self, actor: Any, node: int) -> str:
        """The text of a user node: of its snapshot if it makes one, else of its fields.

        node: its index; what did not change since this node was last written out costs nothing.
        """
        kind = type(actor)
        head = self._heads.get(kind)
        if head is None:
            head = self._heads[kind] = f"{kind.__qualname__}<" if has_hooks(kind) else ""
        if head:
            saved = actor.snapshot()
            parts = saved if type(saved) is tuple else (saved,)
            agreed = True  # what a snapshot holds is never changed, whatever its type
        else:
            head, parts = self._fields(actor, kind)
            agreed = False
        last = self._nodes.get(node)
        if last is None or len(last.parts) != len(parts) or last.head != head:
            last = self._nodes[node] = _Written(head, parts, [""] * len(parts), [])
            changed = list(range(len(parts)))
        else:
            same = list(map(is_, parts, last.parts))
            for place in last.fluid:
                same[place] = False
            if False not in same:
                return last.whole
            changed = [place for place, unchanged in enumerate(same) if not unchanged]
            last.parts = parts
        self._write(last, changed, agreed)
        return last.whole

    def _fields(self, actor: Any, kind: type) -> tuple[str, tuple[Any, ...]]:
        """What stands before the fields, and their values, sorted by name."""
        if slots_of(kind):
            fields = fields_of(actor)
            joined = ",".join([name for name, _ in fields])
            return f"{kind.__qualname__}<{joined}=", tuple([value for _, value in fields])
        values = actor.__dict__
        layout = (kind, *values)
        known = self._layouts.get(layout)
        if known is None:
            if len(self._layouts) >= _KEPT_MAX:
                self._layouts.clear()
            names = tuple(sorted(values))
            known = self._layouts[layout] = f"{kind.__qualname__}<{','.join(names)}=", names
        return known[0], tuple([values[name] for name in known[1]])

    def _write(self, last: _Written, changed: list[int], agreed: bool) -> None:
        parts, texts = last.parts, last.texts
        last.fluid = []
        for place in changed:
            part = parts[place]
            if type(part) in ATOMS:
                texts[place] = repr(part)
            else:
                texts[place] = self._text(part, agreed)
                if not agreed and id(part) not in self._kept:
                    last.fluid.append(place)
        last.whole = f"{last.head}{'|'.join(texts)}>"

    def _text(self, part: Any, agreed: bool) -> str:
        kept = self._kept
        found = kept.get(id(part))
        if found is not None:
            return found[1]
        text = canonical(part)
        if len(text) > _TEXT_MAX:
            text = blake2b(text.encode(), digest_size=16).hexdigest()
        if agreed or self._freezer.immutable(part):
            if len(kept) >= _KEPT_MAX:
                kept.clear()
            kept[id(part)] = (part, text)
        return text


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
    if kind is tuple:
        return f"({','.join([text(part) for part in value])})"
    if kind is dict and len(value) == 1:
        ((key, part),) = value.items()
        return f"{{{text(key)}:{text(part)}}}"
    if isinstance(value, Enum):
        return f"{kind.__qualname__}.{value.name}"
    if isinstance(value, tuple):
        return f"{kind.__qualname__}({','.join([text(part) for part in value])})"
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
        pairs = sorted([(text(key), text(part)) for key, part in value.items()])
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

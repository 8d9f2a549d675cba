"""Saving and restoring a node's own state, without knowing its class.

The one insight: handlers mostly rebind immutable values, so copying only the mutable containers on the
way, and sharing everything that cannot change, makes a snapshot cost what changed.  Aliases inside one
node are kept.  A class may define `snapshot()` and `restore(saved)` instead; `restore` is called on an
object made without `__init__`.

Not here: when to save.  Objects that hold the outside world (files, locks, threads, generators) are
refused by name.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, OrderedDict, defaultdict, deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from demi.errors import ContractError
from demi.interpose.payload import ATOMS, Freezer

_SHARED = (Enum, type, FunctionType, BuiltinFunctionType, ModuleType)


def copy_state(value: Any, freezer: Freezer, memo: dict[int, Any], path: str) -> Any:
    """An independent copy of a state value that shares what is immutable.

    path: where we are, for the error.  Raises ContractError for what cannot be copied.
    """
    kind = type(value)
    if kind in ATOMS or isinstance(value, _SHARED):
        return value
    key = id(value)
    if key in memo:
        return memo[key]
    may_share = isinstance(value, (tuple, frozenset)) or dataclasses.is_dataclass(value)
    if may_share and freezer.immutable(value):
        return value
    memo[key] = copied = _shell(value, kind, path)
    _fill(copied, value, kind, freezer, memo, path)
    if kind is tuple or (isinstance(value, tuple) and hasattr(value, "_fields")):
        parts = [copy_state(part, freezer, memo, path) for part in value]
        memo[key] = copied = tuple(parts) if kind is tuple else kind(*parts)
    return copied


def _shell(value: Any, kind: type, path: str) -> Any:
    """An empty object of the same class."""
    if kind is defaultdict:
        return defaultdict(value.default_factory)
    if kind is deque:
        return deque(maxlen=value.maxlen)
    if kind in (list, dict, set, bytearray, OrderedDict, Counter):
        return kind()
    if isinstance(value, tuple):
        return value
    module = kind.__module__
    plain = hasattr(value, "__dict__") or any("__slots__" in vars(base) for base in kind.__mro__)
    if not plain or module in ("builtins", "_thread", "_io", "threading", "socket", "weakref"):
        raise ContractError(
            f"{path} holds a {kind.__qualname__}, which cannot be checkpointed",
            remedy="define snapshot() and restore(saved) on the node, or keep it out of its state",
        )
    return object.__new__(kind)


def _fill(
    copied: Any, value: Any, kind: type, freezer: Freezer, memo: dict[int, Any], path: str
) -> None:
    if isinstance(value, dict):
        for name, part in value.items():
            copied[name] = copy_state(part, freezer, memo, f"{path}[{name!r}]")
    elif isinstance(value, (list, deque)):
        copied.extend([copy_state(part, freezer, memo, f"{path}[...]") for part in value])
    elif isinstance(value, set):
        copied.update(value)
    elif isinstance(value, bytearray):
        copied.extend(value)
    elif isinstance(value, tuple):
        return
    else:
        for name, part in getattr(value, "__dict__", {}).items():
            copied.__dict__[name] = copy_state(part, freezer, memo, f"{path}.{name}")
        for base in kind.__mro__:
            slots = base.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                    part = copy_state(getattr(value, name), freezer, memo, f"{path}.{name}")
                    object.__setattr__(copied, name, part)


@dataclasses.dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot of one user node: its class and fields, or what its own hook returned."""

    cls: type
    fields: dict[str, Any]
    hook: Any = None
    hooked: bool = False


def save_object(node: Any, freezer: Freezer) -> Saved:
    """A snapshot that no later step changes.  Raises ContractError for what cannot be copied."""
    cls = type(node)
    hook = getattr(node, "snapshot", None)
    if hook is not None:
        return Saved(cls, {}, hook(), True)
    saved: dict[str, Any] = {}
    memo: dict[int, Any] = {}
    for field, value in node.__dict__.items():
        saved[field] = value if type(value) in ATOMS else copy_state(value, freezer, memo, field)
    return Saved(cls, saved)


def load_object(saved: Saved, freezer: Freezer) -> Any:
    """A new node in the saved state."""
    node: Any = object.__new__(saved.cls)
    if saved.hooked:
        node.restore(saved.hook)
        return node
    fields = node.__dict__
    memo: dict[int, Any] = {}
    for field, value in saved.fields.items():
        fields[field] = value if type(value) in ATOMS else copy_state(value, freezer, memo, field)
    return node

"""Saving and restoring a node's own state, without knowing its class.

The one insight: handlers mostly rebind immutable values, so copying only the mutable containers on the
way, and sharing everything that cannot change, makes a snapshot cost what changed.  Aliases inside one
node are kept.  A class may define `snapshot()` and `restore(saved)` instead; `restore` is called on an
object made without `__init__`.

Not here: when to save.  Objects that hold the outside world (files, locks, threads, generators) are
refused by name, and so are functions that close over what changes.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, deque
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, cast

from demi.errors import ContractError
from demi.interpose.payload import ATOMS, VALUES, Freezer, Opaque, slots_of

Memo = dict[int, Any]
_SHARED = (Enum, type, ModuleType, Opaque, *VALUES)
_CONTAINERS: tuple[type, ...] = (defaultdict, OrderedDict, dict, list, set, deque, bytearray)
_REFUSED = ("builtins", "_thread", "_io", "threading", "socket", "weakref")
_REMEDY = "define snapshot() and restore(saved) on the node, or keep it out of its state"


def copy_state(value: Any, freezer: Freezer, memo: Memo, path: str) -> Any:
    """An independent copy of a state value that shares what is immutable.

    path: where we are, for the error.  Raises ContractError for what cannot be copied.
    """
    kind = type(value)
    if kind in ATOMS or isinstance(value, _SHARED):
        return value
    key = id(value)
    if key in memo:
        return memo[key]
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
        return _copy_function(value, freezer, memo, path)
    fixed = isinstance(value, (tuple, frozenset, int, str, bytes, float))
    if (fixed or dataclasses.is_dataclass(value)) and freezer.immutable(value):
        return value
    if isinstance(value, (tuple, frozenset)):
        parts = [copy_state(part, freezer, memo, f"{path}[...]") for part in value]
        if key in memo:  # one of its parts led back to it
            return memo[key]
        copied: Any = (
            kind.__new__(kind, *parts) if hasattr(value, "_fields") else _same(kind, parts)
        )
    else:
        copied = _shell(value, kind, path)
    memo[key] = copied
    _fill(copied, value, kind, freezer, memo, path)
    return copied


def _same(kind: type, parts: list[Any]) -> Any:
    base: Any = tuple if issubclass(kind, tuple) else frozenset
    return base.__new__(kind, parts)


def _shell(value: Any, kind: type, path: str) -> Any:
    """An empty object of the same class."""
    for base in _CONTAINERS:
        if issubclass(kind, base):
            made: Any = cast(Any, base).__new__(kind)
            if isinstance(made, deque):
                deque.__init__(made, maxlen=value.maxlen)
            return made
    plain = hasattr(value, "__dict__") or slots_of(kind)
    if plain and kind.__module__ not in _REFUSED:
        try:
            return object.__new__(kind)
        except TypeError:  # its state is in C, out of reach
            pass
    raise ContractError(
        f"{path} holds a {kind.__qualname__}, which cannot be checkpointed", remedy=_REMEDY
    )


def _fill(copied: Any, value: Any, kind: type, freezer: Freezer, memo: Memo, path: str) -> None:
    """Copy the contents, then the fields; base methods, since a class may have its own."""

    def copy(part: Any, where: str) -> Any:
        return part if type(part) in ATOMS else copy_state(part, freezer, memo, path + where)

    if isinstance(value, dict):
        put = OrderedDict.__setitem__ if isinstance(value, OrderedDict) else dict.__setitem__
        for name, part in value.items():
            put(copied, copy(name, "[...]"), copy(part, f"[{name!r}]"))
        if isinstance(value, defaultdict):
            copied.default_factory = copy(value.default_factory, ".default_factory")
    elif isinstance(value, list):
        list.extend(copied, [copy(part, "[...]") for part in value])
    elif isinstance(value, deque):
        deque.extend(copied, [copy(part, "[...]") for part in value])
    elif isinstance(value, set):
        set.update(copied, [copy(part, "[...]") for part in value])
    elif isinstance(value, bytearray):
        bytearray.extend(copied, value)
    if kind in _CONTAINERS or kind is tuple or kind is frozenset:
        return
    fields = getattr(value, "__dict__", None)
    if fields:
        mine = copied.__dict__
        for name, part in fields.items():
            mine[name] = copy(part, f".{name}")
    for name in slots_of(kind):
        if hasattr(value, name):
            object.__setattr__(copied, name, copy(getattr(value, name), f".{name}"))


def _copy_function(value: Any, freezer: Freezer, memo: Memo, path: str) -> Any:
    """A method follows the object it is bound to; a function is shared if nothing in it can change."""
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):
        kept = copy_state(owner, freezer, memo, f"{path}.__self__")
        if isinstance(value, MethodType):
            return MethodType(value.__func__, kept)
        return getattr(kept, value.__name__)
    for cell in getattr(value, "__closure__", None) or ():
        try:
            inside = cell.cell_contents
        except ValueError:  # not bound yet
            continue
        fixed = isinstance(inside, (*_SHARED, BuiltinFunctionType)) or freezer.immutable(inside)
        if inside is not value and not fixed:
            raise ContractError(
                f"{path} holds {value.__qualname__}, a function that closes over a "
                f"{type(inside).__qualname__}, which cannot be checkpointed",
                remedy="keep the values in the node's fields; a method of the node is fine",
            )
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot of one user node: a copy that is never run, or what its own hook returned."""

    cls: type
    state: Any
    hooked: bool = False


def has_hooks(cls: type) -> bool:
    """Does a node class save and restore itself?  Both methods, so that a field may be called one."""
    return callable(getattr(cls, "snapshot", None)) and callable(getattr(cls, "restore", None))


def save_object(node: Any, freezer: Freezer) -> Saved:
    """A snapshot that no later step changes.  Raises ContractError for what cannot be copied."""
    cls = type(node)
    if has_hooks(cls):
        return Saved(cls, node.snapshot(), True)
    return Saved(cls, _copy_node(node, cls, freezer))


def load_object(saved: Saved, freezer: Freezer) -> Any:
    """A new node in the saved state."""
    if saved.hooked:
        node: Any = object.__new__(saved.cls)
        node.restore(saved.state)
        return node
    return _copy_node(saved.state, saved.cls, freezer)


def _copy_node(node: Any, cls: type, freezer: Freezer) -> Any:
    copied: Any = object.__new__(cls)
    _fill(copied, node, cls, freezer, {id(node): copied}, cls.__qualname__)
    return copied

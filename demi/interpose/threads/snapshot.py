"""Module state: what a program keeps in modules and classes, put back between runs.

The one insight: importing takes a hundred milliseconds and most of it never changes, so a fresh process
is the same modules with the *contents* of their dicts, lists, sets, classes and module-level objects put
back as they were after the import.

In place: whoever holds a container sees it as it was.  What never changed so far is compared in one pass
over live views, the rest one by one.  Reached are module globals, classes of the program, instances and
plain containers, to any depth.  Not here: closures, caches in C, methods replaced while running; members
of an enumeration are constants.
"""

from __future__ import annotations

import ctypes
import itertools
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping, Sequence
from enum import Enum, EnumMeta
from typing import Any

from demi.interpose.threads.local import Local, fields_of
from demi.interpose.threads.locks import Lock, RLock

_SKIP = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType, property,
         staticmethod, classmethod, str, bytes, int, float, bool, type(None), complex,
         Enum, EnumMeta)  # fmt: skip
_CODE = (types.FunctionType, types.BuiltinFunctionType, property, staticmethod, classmethod,
         types.WrapperDescriptorType, types.MemberDescriptorType, types.GetSetDescriptorType)  # fmt: skip
_DICTS = (dict, OrderedDict, defaultdict)
_HIDDEN = {
    "__builtins__",
    "__dict__",
    "__weakref__",
    "__doc__",
    "__loader__",
    "__spec__",
    "__cached__",
}


class Snapshot:
    """The state of modules now; `restore` goes back to it."""

    def __init__(self, modules: Mapping[str, types.ModuleType]) -> None:
        self._names = frozenset(modules)
        self._seen: dict[int, Any] = {}
        self._quiet: list[_Dict | _Class] = []  # never changed so far
        self._busy: list[_Dict | _Class] = []
        self._lists: list[tuple[Any, Any]] = []
        self._locks: list[tuple[Any, Any]] = []
        todo: list[Any] = list(modules.values())
        while todo:
            thing = todo.pop()
            if id(thing) not in self._seen and not isinstance(thing, _SKIP):
                self._seen[id(thing)] = thing  # kept, so that its id stays taken
                todo.extend(self._parts(thing))
        self._views = _Views(self._quiet)

    def _parts(self, thing: Any) -> Any:
        kind = type(thing)
        if kind is types.ModuleType or isinstance(thing, types.ModuleType):
            known = getattr(thing, "__name__", "") in self._names
            return self._dict(vars(thing), False) if known else ()
        if kind in _DICTS:
            return self._dict(thing, True)
        if kind in (list, set, deque):
            self._lists.append((thing, kind(thing)))
            return list(thing)
        if kind in (tuple, frozenset):
            return thing
        if isinstance(thing, Local):
            return (fields_of(thing),)
        if kind in (Lock, RLock):
            self._locks.append((thing, thing.save()))
            return ()
        if isinstance(thing, type):
            if getattr(thing, "__module__", "") not in self._names:
                return ()
            own = {key: value for key, value in vars(thing).items() if key not in _HIDDEN}
            state = {key: value for key, value in own.items() if not isinstance(value, _CODE)}
            self._quiet.append(_Class(thing, state, frozenset(own)))
            return state.values()
        fields = getattr(thing, "__dict__", None)
        return self._dict(fields, False) if type(fields) is dict else ()

    def _dict(self, found: dict[Any, Any], keys: bool) -> list[Any]:
        saved = dict(found)
        self._quiet.append(_Dict(found, saved, keys))
        return [value for key, value in saved.items() if key not in _HIDDEN]

    def restore(self) -> None:
        """Put everything back."""
        for lock, saved in self._locks:
            lock.load(saved)
        for kept in self._busy:
            if not kept.views.same():
                kept.restore()
        if not self._views.same():
            changed = [kept for kept in self._quiet if not kept.views.same()]
            for kept in changed:
                kept.restore()
            self._busy += changed
            self._quiet = [kept for kept in self._quiet if kept not in changed]
            self._views = _Views(self._quiet)
        for thing, contents in self._lists:
            if len(thing) != len(contents) or thing != contents:
                thing.clear()
                (thing.update if isinstance(thing, set) else thing.extend)(contents)

    def rewind(self, modules: Mapping[str, types.ModuleType]) -> None:
        """Start the counters of threads again: they are functions of C objects."""
        threading = modules.get("threading")
        if threading is not None and "_counter" in vars(threading):
            first = itertools.count(1).__next__
            vars(threading)["_counter"] = first


class _Views:
    """Live views of containers, and what they showed: same objects in the same places?"""

    __slots__ = ("_contents", "_places", "_sizes", "_views")

    def __init__(self, kept: Sequence[_Dict | _Class] = (), views: Sequence[Any] = ()) -> None:
        self._views: list[Any] = [*views, *(view for one in kept for view in one.live)]
        self._sizes = list(map(len, self._views))
        self._contents = tuple(
            itertools.chain.from_iterable(self._views)
        )  # so that places stay taken
        self._places = _places(self._contents)

    def same(self) -> bool:
        """Has nothing changed?"""
        return (
            list(map(len, self._views)) == self._sizes
            and _places(tuple(itertools.chain.from_iterable(self._views))) == self._places
        )


def _places(things: tuple[Any, ...]) -> bytes:
    """The identities of many things at once: a tuple in memory is their addresses, one after another."""
    return ctypes.string_at(id(things) + tuple.__basicsize__, len(things) * tuple.__itemsize__)


class _Dict:
    """A dict and what it held.  keys: they may change while the values are the same."""

    __slots__ = ("_found", "_saved", "live", "views")

    def __init__(self, found: dict[Any, Any], saved: dict[Any, Any], keys: bool) -> None:
        self._found, self._saved = found, saved
        self.live: tuple[Any, ...] = (found.values(), found.keys()) if keys else (found.values(),)
        self.views = _Views(views=self.live)

    def restore(self) -> None:
        """Put the contents back."""
        self._found.clear()
        self._found.update(self._saved)


class _Class:
    """A class and what it was.  state: its fields that are no code.  names: all fields."""

    __slots__ = ("_names", "_owner", "_size", "_state", "live", "views")

    def __init__(self, owner: type, state: dict[str, Any], names: frozenset[str]) -> None:
        self._owner, self._state, self._names = owner, state, names
        self._size = len(vars(owner))
        self.live = (vars(owner).values(),)
        self.views = _Views(views=self.live)

    def restore(self) -> None:
        """Put the fields back, and take away what was added."""
        fields = vars(self._owner)
        for key, value in self._state.items():
            if fields.get(key) is not value:
                setattr(self._owner, key, value)
        if len(fields) != self._size:
            for key in [key for key in fields if key not in self._names and key not in _HIDDEN]:
                delattr(self._owner, key)

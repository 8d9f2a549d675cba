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
import gc
import itertools
import sys
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping, Sequence
from enum import Enum, EnumMeta
from operator import attrgetter, ne
from typing import Any

from demi.interpose.threads.local import Local, fields_of
from demi.interpose.threads.locks import Lock, RLock

_SKIP = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType, property,
         staticmethod, classmethod, str, bytes, int, float, bool, type(None), complex,
         Enum, EnumMeta)  # fmt: skip
_CODE = (types.FunctionType, types.BuiltinFunctionType, property, staticmethod, classmethod,
         types.WrapperDescriptorType, types.MemberDescriptorType, types.GetSetDescriptorType)  # fmt: skip
_TAG = dict.__basicsize__ - 3 * ctypes.sizeof(ctypes.c_void_p)  # where a dict has its version
_version: Any = attrgetter("value")
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
        self._kept: list[_Dict | _Class] = []
        self._busy: list[_Dict | _Class] = []
        self._lists: list[Any] = []  # sets and deques too
        self._contents: list[Any] = []
        self._locks: list[tuple[Any, Any]] = []
        todo: list[Any] = list(modules.values())
        while todo:
            thing = todo.pop()
            if id(thing) not in self._seen and not isinstance(thing, _SKIP):
                self._seen[id(thing)] = thing  # kept, so that its id stays taken
                todo.extend(self._parts(thing))
        self._quiet = _Quiet(self._kept)

    def _parts(self, thing: Any) -> Any:
        kind = type(thing)
        if kind is types.ModuleType or isinstance(thing, types.ModuleType):
            known = getattr(thing, "__name__", "") in self._names
            return self._dict(vars(thing), False) if known else ()
        if kind in _DICTS:
            return self._dict(thing, True)
        if kind in (list, set, deque):
            self._lists.append(thing)
            self._contents.append(kind(thing))
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
            self._kept.append(_Class(thing, state, frozenset(own)))
            return state.values()
        fields = getattr(thing, "__dict__", None)
        return self._dict(fields, False) if type(fields) is dict else ()

    def _dict(self, found: dict[Any, Any], keys: bool) -> list[Any]:
        saved = dict(found)
        self._kept.append(_Dict(found, saved, keys))
        return [value for key, value in saved.items() if key not in _HIDDEN]

    def restore(self) -> None:
        """Put everything back."""
        for lock, saved in self._locks:
            lock.load(saved)
        for kept in self._busy:
            if not kept.shown.same():
                kept.restore()
        changed = [kept for kept in self._quiet.suspects() if not kept.shown.same()]
        if changed:
            for kept in changed:
                kept.restore()
            self._busy += changed
            self._quiet = _Quiet([kept for kept in self._quiet.all if kept not in changed])
        if self._lists != self._contents:
            for thing, contents in zip(self._lists, self._contents, strict=True):
                if thing != contents:
                    thing.clear()
                    (thing.update if isinstance(thing, set) else thing.extend)(contents)

    def rewind(self, modules: Mapping[str, types.ModuleType]) -> None:
        """Start the counters of threads again: they are functions of C objects."""
        threading = modules.get("threading")
        if threading is not None and "_counter" in vars(threading):
            first = itertools.count(1).__next__
            vars(threading)["_counter"] = first


class _Quiet:
    """Containers that never changed so far, and which of them may have changed now.

    Where the interpreter counts the versions of dicts (PEP 509: up to Python 3.11), one with the same version
    is what it was, and nothing in it is looked at, which is most of what a look costs.
    """

    __slots__ = ("_cells", "_counted", "_others", "_seen", "_shown", "all")

    def __init__(self, kept: Sequence[_Dict | _Class]) -> None:
        self.all = kept
        self._counted = [one for one in kept if _versioned(one.found)]
        self._cells = [ctypes.c_uint64.from_address(id(one.found) + _TAG) for one in self._counted]
        self._seen = list(map(_version, self._cells))
        self._others = [one for one in kept if not _versioned(one.found)]
        self._shown = _Shown([view for one in self._others for view in one.live])

    def suspects(self) -> list[_Dict | _Class]:
        """Those that may have changed since the last time."""
        found: list[_Dict | _Class] = []
        now = list(map(_version, self._cells))
        if now != self._seen:
            found = list(itertools.compress(self._counted, map(ne, self._seen, now)))
            self._seen = now
        return found if self._shown.same() else [*found, *self._others]


def _versioned(found: dict[Any, Any]) -> bool:
    """Does a change of a dict count up its version?  Not one of the order that some dicts keep."""
    return sys.version_info < (3, 12) and type(found) in (dict, defaultdict)


class _Shown:
    """Live views of containers, and what they showed: same objects in the same places?"""

    __slots__ = ("_contents", "_places", "_sizes", "_views")

    def __init__(self, views: Sequence[Any]) -> None:
        self._views = views
        self._sizes = list(map(len, views))
        self._contents = tuple(itertools.chain.from_iterable(views))  # so that places stay taken
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

    __slots__ = ("_saved", "found", "live", "shown")

    def __init__(self, found: dict[Any, Any], saved: dict[Any, Any], keys: bool) -> None:
        self.found, self._saved = found, saved
        self.live: tuple[Any, ...] = (found.values(), found.keys()) if keys else (found.values(),)
        self.shown = _Shown(self.live)

    def restore(self) -> None:
        """Put the contents back."""
        self.found.clear()
        self.found.update(self._saved)


class _Class:
    """A class and what it was.  state: its fields that are no code.  names: all fields."""

    __slots__ = ("_names", "_owner", "_size", "_state", "found", "live", "shown")

    def __init__(self, owner: type, state: dict[str, Any], names: frozenset[str]) -> None:
        self._owner, self._state, self._names = owner, state, names
        self._size = len(vars(owner))
        self.live = (vars(owner).values(),)
        self.found: dict[Any, Any] = gc.get_referents(vars(owner))[0]  # behind the proxy
        self.shown = _Shown(self.live)

    def restore(self) -> None:
        """Put the fields back, and take away what was added."""
        fields = vars(self._owner)
        for key, value in self._state.items():
            if fields.get(key) is not value:
                setattr(self._owner, key, value)
        if len(fields) != self._size:
            for key in [key for key in fields if key not in self._names and key not in _HIDDEN]:
                delattr(self._owner, key)

"""Module state: what a program keeps in modules and classes, put back between runs.

The one insight: importing takes a hundred milliseconds and most of it never changes, so a fresh process
is the same modules with the *contents* of their dicts, lists, sets, classes and module-level objects put
back as they were after the import.

In place: whoever holds a container sees it as it was.  Reached are module globals, classes of the
program, instances and plain containers, to any depth.  Not here: closures, caches in C, methods replaced
while running.
"""

from __future__ import annotations

import itertools
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from demi.interpose.threads.locks import Lock, RLock

_SKIP = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType, property,
         staticmethod, classmethod, str, bytes, int, float, bool, type(None), complex)  # fmt: skip
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
Undo = Callable[[], None]


class Snapshot:
    """The state of modules now; `restore` goes back to it."""

    def __init__(self, modules: Mapping[str, types.ModuleType]) -> None:
        self._names = frozenset(modules)
        self._seen: dict[int, Any] = {}
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._classes: list[tuple[type, dict[str, Any], int, frozenset[str]]] = []
        self._lists: list[tuple[Any, Any]] = []
        self._locks: list[tuple[Any, Any]] = []
        todo: list[Any] = list(modules.values())
        while todo:
            thing = todo.pop()
            if id(thing) not in self._seen and not isinstance(thing, _SKIP):
                self._seen[id(thing)] = thing  # kept, so that its id stays taken
                todo.extend(self._parts(thing))

    def _parts(self, thing: Any) -> Any:
        kind = type(thing)
        if kind is types.ModuleType or isinstance(thing, types.ModuleType):
            return self._dict(vars(thing)) if getattr(thing, "__name__", "") in self._names else ()
        if kind in _DICTS:
            return self._dict(thing)
        if kind in (list, set, deque):
            self._lists.append((thing, kind(thing)))
            return list(thing)
        if kind in (tuple, frozenset):
            return thing
        if kind in (Lock, RLock):
            self._locks.append((thing, thing.save()))
            return ()
        if isinstance(thing, type):
            if getattr(thing, "__module__", "") not in self._names:
                return ()
            own = {key: value for key, value in vars(thing).items() if key not in _HIDDEN}
            state = {key: value for key, value in own.items() if not isinstance(value, _CODE)}
            self._classes.append((thing, state, len(vars(thing)), frozenset(own)))
            return state.values()
        fields = getattr(thing, "__dict__", None)
        return self._dict(fields) if type(fields) is dict else ()

    def _dict(self, found: dict[Any, Any]) -> list[Any]:
        saved = dict(found)
        self._dicts.append((found, saved))
        return [value for key, value in saved.items() if key not in _HIDDEN]

    def restore(self) -> None:
        """Put everything back."""
        for lock, saved in self._locks:
            lock.load(saved)
        for now, then in self._dicts:
            if len(now) != len(then) or not all(map(_is, now.values(), then.values())):
                now.clear()
                now.update(then)
        for thing, contents in self._lists:
            if len(thing) != len(contents) or thing != contents:
                thing.clear()
                (thing.update if isinstance(thing, set) else thing.extend)(contents)
        for owner, state, count, names in self._classes:
            fields = vars(owner)
            for key, value in state.items():
                if fields.get(key) is not value:
                    setattr(owner, key, value)
            if len(fields) != count:
                for key in [key for key in fields if key not in names and key not in _HIDDEN]:
                    delattr(owner, key)

    def rewind(self, modules: Mapping[str, types.ModuleType]) -> None:
        """Start the counters of threads again: they are functions of C objects."""
        threading = modules.get("threading")
        if threading is not None and "_counter" in vars(threading):
            first = itertools.count(1).__next__
            vars(threading)["_counter"] = first


def _is(a: Any, b: Any) -> bool:
    return a is b

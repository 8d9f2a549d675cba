"""The stand-in for `_thread._local`: attributes that each held thread has for itself.

The one insight: held threads switch only where they wait, so the object may simply take on the running
thread's fields at each access, without a lock.

As in `_threading_local`, a subclass's `__init__` runs once for each thread that comes along.
"""

from __future__ import annotations

from typing import Any

from demi.interpose.threads.locks import get_ident


class Fields:
    """What a `Local` keeps.  dicts: identity of a thread -> its fields."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self.dicts: dict[int, dict[str, Any]] = {}


class Local:
    """`threading.local`."""

    __slots__ = ("__dict__", "_fields")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Local:
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError("Initialization arguments are not supported")
        self = object.__new__(cls)
        fields = Fields(args, kwargs)
        object.__setattr__(self, "_fields", fields)
        fields.dicts[get_ident()] = object.__getattribute__(self, "__dict__")
        return self

    def __getattribute__(self, name: str) -> Any:
        _take_on(self)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _take_on(self)
        if name == "__dict__":
            raise AttributeError(
                f"{type(self).__name__!r} object attribute '__dict__' is read-only"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _take_on(self)
        object.__delattr__(self, name)


def fields_of(thing: Local) -> Fields:
    """What an object keeps for all threads."""
    found: Fields = object.__getattribute__(thing, "_fields")
    return found


def _take_on(thing: Local) -> None:
    fields, me = fields_of(thing), get_ident()
    mine = fields.dicts.get(me)
    if mine is None:
        mine = fields.dicts[me] = {}
        object.__setattr__(thing, "__dict__", mine)
        type(thing).__init__(thing, *fields.args, **fields.kwargs)
    object.__setattr__(thing, "__dict__", mine)

"""Modules that stand for real ones: what they lack is refused by name, never passed through.

The one insight: a fake that is silent about what it does not do is worse than none, so a missing attribute
is an error with its place, and is noted as well, for programs that catch everything.

Not here: the stand-ins themselves (each adapter's).
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from demi.interpose.sites import MissingError, call_site


class StandIn(types.ModuleType):
    """A module that stands for a real one; what it lacks is refused by name, never passed through.

    offers: what it has.  absent: names of the real module that this platform might not have either
    (`epoll`), so that programs probing for them get a plain AttributeError.  Constants and exception
    classes of the real module are passed through: they do nothing.
    """

    def __init__(
        self,
        name: str,
        offers: Mapping[str, Any],
        real: types.ModuleType | None = None,
        absent: Iterable[str] = (),
        remedy: str = "",
    ) -> None:
        super().__init__(name, real.__doc__ if real is not None else None)
        self.missed: list[MissingError] = []
        self._real_names = frozenset(vars(real)) - frozenset(absent) if real is not None else None
        self._remedy = remedy or "report the use; the adapter does not hold it yet"
        if real is not None:
            vars(self).update(
                {key: value for key, value in vars(real).items() if _inert(key, value)}
            )
        vars(self).update(offers)
        for key in absent:
            vars(self).pop(key, None)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or (self._real_names is not None and name not in self._real_names):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        error = MissingError(
            f"{self.__name__}.{name} is not held", where=call_site(2), remedy=self._remedy
        )
        self.missed.append(error)
        raise error


def _inert(key: str, value: Any) -> bool:
    """Constants, enumerations and exception classes."""
    if key.startswith("__"):
        return False
    if isinstance(value, type):
        return issubclass(value, (BaseException, enum.Enum))
    return isinstance(value, (int, float, str, bytes, tuple, frozenset, type(None)))


def refused(
    name: str, why: str, remedy: str, real: types.ModuleType | None = None
) -> types.ModuleType:
    """A module that may be imported, for programs that import it without need, and not used.

    real: its constants, enumerations and exception classes are passed through; its other classes may be
    named, as in annotations, and not made.
    """
    module = _Refused(name, why, remedy)
    for key, value in vars(real).items() if real is not None else ():
        if _inert(key, value):
            vars(module)[key] = value
        elif isinstance(value, type):
            vars(module)[key] = type(key, (), {"__new__": _unmade(f"{name}.{key}", why, remedy)})
    return module


def _unmade(name: str, why: str, remedy: str) -> Callable[..., Any]:
    def refuse(kind: type, *args: Any, **kwargs: Any) -> Any:
        raise MissingError(f"{name} is refused: {why}", where=call_site(2), remedy=remedy)

    return refuse


class _Refused(types.ModuleType):
    def __init__(self, name: str, why: str, remedy: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # so that `import name.part` reaches the finder's own error
        self.__dict__["_refusal"] = (why, remedy)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        why, remedy = self.__dict__["_refusal"]
        raise MissingError(
            f"{self.__name__}.{name} is refused: {why}", where=call_site(2), remedy=remedy
        )

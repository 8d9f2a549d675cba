"""Stand-ins for clocks, entropy, sockets, files and doors, which ask which host runs.

The one insight: a stand-in that does the real thing while no host runs may stand everywhere, so it is
put into every loaded module that holds the real one, and what is imported later finds it too; there is
no order of imports to get wrong but for what was bound deeper than a module's globals (a default
argument, a class attribute), which `bound_deeper` finds and names.

Not here: what a host answers (`host.py`), the audit of what no stand-in covers (`escapes.py`).
"""

from __future__ import annotations

import asyncio
import atexit
import builtins
import datetime
import io
import os
import random
import signal
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from types import FunctionType
from typing import Any

from demi.interpose.aio import files, folders, sockets
from demi.interpose.aio.host import HOST, Host, Stuck, refusal
from demi.interpose.early import under
from demi.interpose.sites import EscapeError

REAL_DATETIME = datetime.datetime


def _dispatch(name: str, real: Callable[..., Any], held: Callable[..., Any]) -> Callable[..., Any]:
    """`held(host, ...)` while a host runs, the real function otherwise."""

    def stand_in(*args: Any, **kwargs: Any) -> Any:
        host = HOST.get()
        return real(*args, **kwargs) if host is None else held(host, *args, **kwargs)

    stand_in.__name__ = stand_in.__qualname__ = name
    return stand_in


def _exit(host: Host, code: int = 0) -> None:
    raise Stuck(
        "OsExit", f"called os._exit({code}); a host is stopped by returning, raising or a crash"
    )


def _signal(host: Host, number: Any, handler: Any) -> Any:
    """A host gets no signals: it is stopped by a crash, which runs no handler."""
    return signal.SIG_DFL


def _at_exit(host: Host, function: Any, *args: Any, **kwargs: Any) -> Any:
    """Nothing runs at the end of a host: it ends by a crash, or with the run."""
    return function


def _run(host: Host, main: Any, **options: Any) -> Any:
    main.close()
    raise refusal(
        "asyncio.run() inside a host: the loop runs already",
        "name the coroutine function as the service's main",
    )


_REAL_TIME: dict[str, Callable[..., Any]] = {"gmtime": time.gmtime, "strftime": time.strftime}
_CLOCKS: dict[str, Callable[..., Any]] = {
    "time": Host.wall,
    "time_ns": lambda host: int(host.wall() * 1e9),
    "monotonic": Host.monotonic,
    "monotonic_ns": lambda host: int(host.monotonic() * 1e9),
    "perf_counter": Host.monotonic,
    "perf_counter_ns": lambda host: int(host.monotonic() * 1e9),
    "process_time": Host.monotonic,
    "sleep": Host.sleep,
    "gmtime": lambda host, at=None: _REAL_TIME["gmtime"](host.wall() if at is None else at),
    "localtime": lambda host, at=None: _REAL_TIME["gmtime"](host.wall() if at is None else at),
    "strftime": lambda host, form, at=None: _REAL_TIME["strftime"](
        form, _REAL_TIME["gmtime"](host.wall()) if at is None else at
    ),
}
_DRAWS = (
    "random", "uniform", "triangular", "randint", "choice", "randrange", "sample", "shuffle", "choices",
    "normalvariate", "lognormvariate", "expovariate", "vonmisesvariate", "gammavariate", "gauss",
    "betavariate", "paretovariate", "weibullvariate", "getrandbits", "randbytes", "seed",
)  # fmt: skip


def _draw(name: str) -> Callable[..., Any]:
    return lambda host, *args, **kwargs: getattr(host.random, name)(*args, **kwargs)


class HeldRandom(random.Random):
    """`random.Random`: without a seed it takes one from its host instead of the system."""

    def __init__(self, x: Any = None) -> None:
        host = HOST.get()
        super().__init__(host.random.getrandbits(64) if x is None and host is not None else x)

    def seed(self, a: Any = None, version: int = 2) -> None:
        host = HOST.get()
        super().seed(host.random.getrandbits(64) if a is None and host is not None else a, version)


class _Meta(type):
    """`isinstance(x, datetime)` is true of real ones too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, REAL_DATETIME)

    def __subclasscheck__(cls, other: Any) -> bool:
        return issubclass(other, REAL_DATETIME)


class HeldDatetime(datetime.datetime, metaclass=_Meta):
    """`datetime.datetime` whose now is the host's.  No slots: extension modules check its size."""

    __slots__ = ()

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        host = HOST.get()
        if host is None:
            return REAL_DATETIME.now(tz)
        at = REAL_DATETIME.fromtimestamp(host.wall(), tz or datetime.UTC)
        return at if tz is not None else at.replace(tzinfo=None)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return cls.now()


def _certificates(host: Host, context: Any, *args: Any, **options: Any) -> None:
    """Clients load all the world's at every start, and no host ever opens a connection with TLS."""


def _uuid1(host: Host, node: Any = None, clock_seq: Any = None) -> uuid.UUID:
    return uuid.UUID(bytes=host.entropy(16), version=1)


def _table() -> list[tuple[Any, str, Any]]:
    """(module, name, stand-in) of everything held."""
    rows: list[tuple[Any, str, Any]] = []

    def add(module: Any, name: str, held: Callable[..., Any]) -> None:
        rows.append((module, name, _dispatch(name, getattr(module, name), held)))

    for name, held in _CLOCKS.items():
        add(time, name, held)
    for name in _DRAWS:
        add(random, name, _draw(name))
    add(os, "urandom", Host.entropy)
    add(os, "getpid", lambda host: 1000 + 100 * host.index + host.incarnation)
    add(os, "_exit", _exit)
    add(uuid, "uuid1", _uuid1)
    add(signal, "signal", _signal)
    add(atexit, "register", _at_exit)
    add(asyncio, "run", _run)
    add(socket, "getaddrinfo", lambda host, *args, **options: sockets.getaddrinfo(*args, **options))
    add(socket, "gethostname", lambda host: host.name)
    add(socket, "getfqdn", lambda host, name="": name or host.name)
    add(socket, "gethostbyname", lambda host, name: sockets.getaddrinfo(name, 0)[0][4][0])
    for name in ("load_verify_locations", "set_default_verify_paths"):
        add(ssl.SSLContext, name, _certificates)
    held_os: dict[str, Any] = {**files.HELD, **folders.HELD}
    for name, on_disk in held_os.items():
        add(os, name, on_disk)
    rows += [
        (socket, "socket", sockets.HeldSocket),
        (random, "Random", HeldRandom),
        (datetime, "datetime", HeldDatetime),
        (builtins, "open", files.held_open),
        (io, "open", files.held_open),
    ]
    return rows


_TABLE = [(module, name, getattr(module, name), held) for module, name, held in _table()]
_SPARED = (
    "demi",
    "demi.interpose",
    "typing",
    "_pytest",
    "pluggy",
    "hypothesis",
    "importlib",
    "zipimport",
)
_OS_MODULES = ("posix", "genericpath", "_io", "_socket", "_random")
_DEEPER = ("glob",)  # of the standard library: holds functions in classes, from 3.13 on
_holders: list[None] = []


def hold() -> None:
    """Put the stand-ins up; worlds may nest."""
    _holders.append(None)
    if len(_holders) == 1:
        _rebind({id(real): held for _, _, real, held in _TABLE})


def release() -> None:
    """Undo one `hold`; the last one takes them down."""
    _holders.pop()
    if not _holders:
        _rebind({id(held): real for _, _, real, held in _TABLE})


def _rebind(swap: dict[int, Any]) -> None:
    for module, name, real, held in _TABLE:
        setattr(module, name, swap.get(id(real), swap.get(id(held))))
    for name, module in sorted(sys.modules.items()):
        if name.split(".")[0] in _SPARED or name in _OS_MODULES:
            continue
        space = getattr(module, "__dict__", None)
        if not isinstance(space, dict):
            continue
        for key, value in list(space.items()):
            other = swap.get(id(value))
            if other is not None:
                space[key] = other
        if name in _DEEPER:
            _rebind_classes(space, swap)


def _rebind_classes(space: dict[str, Any], swap: dict[int, Any]) -> None:
    for kind in [value for value in space.values() if isinstance(value, type)]:
        for key, value in list(vars(kind).items()):
            other = swap.get(id(value.__func__ if isinstance(value, staticmethod) else value))
            if other is not None:
                setattr(kind, key, staticmethod(other))


def bound_deeper(roots: Iterable[str]) -> None:
    """Raise EscapeError for a real clock or draw kept in a default argument or class attribute."""
    real = {id(one) for _, _, one, _ in _TABLE}
    tops = tuple(roots)
    found = [
        (name, where)
        for name, module in sorted(sys.modules.items())
        if under(name, tops)
        for where in _deeper(module, real)
    ]
    if found:
        module, where = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise EscapeError(
            f"bound too early: {where} is a real clock or draw{more}",
            where=module.removeprefix("demi_target_"),
            remedy="look it up where it is used, or name the program as text ('module:main')"
            " and let the adapter import it",
        )


def _deeper(module: Any, real: set[int]) -> Iterator[str]:
    for key, value in sorted(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            if any(
                id(one) in real
                for one in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values())
            ):
                yield f"a default of {key}"
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for name, part in sorted(vars(value).items()):
                plain = part.__func__ if isinstance(part, staticmethod) else part
                if id(plain) in real:
                    yield f"{key}.{name}"
                elif isinstance(plain, FunctionType) and any(
                    id(d) in real for d in plain.__defaults__ or ()
                ):
                    yield f"a default of {key}.{name}"

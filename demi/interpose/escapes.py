"""Escapes: a real socket, file, process, thread or clock that a held program reaches, by call site.

The one insight: the interpreter audits its own doors (PEP 578), so one permanent hook that is asleep
unless a program under test is running sees every socket, process, thread and file that a stand-in
missed, whoever opened it, and can stop it before it happens.

A clock is not audited: `real_names` finds the modules that bound one before the stand-ins were in force.
What a stand-in lacks is an error that names it (`StandIn`), and is noted as well, for programs that
catch everything.  Not here: the stand-ins themselves (each adapter's).
"""

from __future__ import annotations

import contextlib
import enum
import gc
import os
import sys
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from demi.errors import ContractError, UsageError
from demi.interpose.notices import Notices

_HERE = os.sep + str(Path("demi") / "interpose") + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep
_PACKAGES = os.path.join(_LIBRARY, "site-packages")
_REMEDIES = {
    "socket": "sockets must be made from the stand-in; let the adapter import the module that made it",
    "subprocess": "a child process cannot be held; run the program without it, or hold it as a black box",
    "thread": "threads must be made from the stand-in; let the adapter import the module that made it",
    "file": "the run would depend on the disk; pass the content in, or allow the path (files=)",
    "clock": "import the module under the stand-ins: add its package to packages=",
}


class EscapeError(ContractError):
    """The program reached something real.  what: the thing; where: the call site."""


class MissingError(EscapeError, AttributeError):
    """A stand-in lacks an attribute that the real module has; `hasattr` sees an AttributeError."""


def call_site(depth: int = 1) -> str:
    """`module.function:line` of the nearest caller in the program; names no path.

    The standard library's own functions are not what a user can change: they count only when nothing else
    called.
    """
    return place_in_program(sys._getframe(depth))


def place_in_program(frame: types.FrameType | None) -> str:
    """`call_site` of a frame."""
    nearest = None
    while frame is not None:
        file = frame.f_code.co_filename
        if _HERE in file:
            if nearest is not None:
                break  # what runs the program
        elif not file.startswith("<frozen"):
            nearest = nearest or frame
            if not file.startswith(_LIBRARY) or file.startswith(_PACKAGES):
                return site_of(frame)
        frame = frame.f_back
    return site_of(nearest) if nearest is not None else "?:0"


def site_of(frame: types.FrameType) -> str:
    """`module.function:line` of a frame."""
    module = frame.f_globals.get("__name__", "?")
    return f"{module}.{frame.f_code.co_qualname}:{frame.f_lineno}"


def escape(kind: str, what: str, *, remedy: str = "") -> EscapeError:
    """The error for a real thing of a kind: socket, subprocess, thread, file, clock."""
    return EscapeError(
        f"a real {kind} escaped: {what}", where=call_site(2), remedy=remedy or _REMEDIES[kind]
    )


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


# ---- the audit hook

Opened = Callable[[str, str], bool]
"""(path, mode) -> may the program open it?"""


KINDS = ("socket", "subprocess", "thread", "file")
_allowed: set[str] = set()  # of this process: the user's decision, on the command line


def allow(kinds: Iterable[str]) -> None:
    """Let programs reach real things of these kinds from now on.  Raises UsageError for an unknown one."""
    _allowed.update(known_kinds(kinds))


def allowed() -> list[str]:
    """What `allow` was given, sorted."""
    return sorted(_allowed)


def known_kinds(kinds: Iterable[str]) -> frozenset[str]:
    """Kinds of escapes.  Raises UsageError for an unknown one."""
    given = frozenset(kinds)
    for unknown in sorted(given - set(KINDS)):
        raise UsageError(f"no escape {unknown!r}", remedy="known: " + ", ".join(KINDS))
    return given


class Guard:
    """What a running program may reach.  files: allows a path; without it only reading is allowed.

    kinds: real things that are allowed besides.  notices: what is told of those that were used.
    seen: every escape that was refused, in order, also those that the program caught.
    """

    def __init__(
        self,
        files: Opened | None = None,
        kinds: Iterable[str] = (),
        notices: Notices | None = None,
    ) -> None:
        self.files = files or reading
        self.kinds = known_kinds(kinds)
        self.notices = notices or Notices()
        self.seen: list[EscapeError] = []

    def refuse(self, kind: str, what: str) -> str:
        """Raise EscapeError; or, where the kind is allowed, tell of it and return what is told."""
        where = call_site(3)
        if kind in self.kinds or kind in _allowed:
            told = f"a real {kind}, allowed: {what} at {where}"
            self.notices.add(told)
            return told
        error = EscapeError(
            f"a real {kind} escaped: {what}",
            where=where,
            remedy=_REMEDIES[kind] + f"; or --allow-escape {kind}",
        )
        self.seen.append(error)
        raise error


def reading(path: str, mode: str) -> bool:
    """Allows reading: code, certificates, configuration."""
    return not set(mode) & set("wax+")


_guards: list[Guard] = []  # innermost last; empty: the hook sleeps
push = _guards.append
pop = _guards.pop
"""`guarded` without the context manager, for hot loops; call `watch` once before."""
_installed: list[None] = []


@contextlib.contextmanager
def guarded(guard: Guard) -> Iterator[Guard]:
    """While in force, a real door opened on this interpreter raises `EscapeError`."""
    watch()
    _guards.append(guard)
    try:
        yield guard
    finally:
        _guards.remove(guard)


def watch() -> None:
    """Install the hook, once per process: it cannot be taken out again, only put to sleep."""
    if not _installed:
        _installed.append(None)
        gc.callbacks.append(_collects)
        sys.addaudithook(_hook)
        for name, real in _STARTERS.items():  # not audited on every release
            vars(threading)[name] = _starter(real)


@contextlib.contextmanager
def unguarded() -> Iterator[None]:
    """Our own code reaching something real while a program runs."""
    kept = _guards[:]
    _guards.clear()
    try:
        yield
    finally:
        _guards[:] = kept


_STARTERS = {
    name: vars(threading)[name]
    for name in ("_start_new_thread", "_start_joinable_thread")  # before 3.13, and from there on
    if name in vars(threading)
}


def _starter(real: Callable[..., Any]) -> Callable[..., Any]:
    def start(function: Any, *args: Any, **kwargs: Any) -> Any:
        if _guards:
            _guards[-1].refuse("thread", getattr(function, "__qualname__", "a thread"))
        return real(function, *args, **kwargs)

    return start


_SOCKETS = {"socket.__new__", "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
            "socket.gethostbyname", "socket.gethostbyaddr", "socket.sendmsg"}  # fmt: skip
_PROCESSES = {"subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn",
              "os.kill", "os.killpg", "pty.spawn"}  # fmt: skip
_CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree",
            "shutil.move", "shutil.copyfile", "os.link", "os.symlink"}  # fmt: skip


_collecting: list[None] = []  # not empty while garbage is collected


def _collects(phase: str, info: Mapping[str, int]) -> None:
    """Garbage may be anybody's, and what its finalizers open or remove is not the program's doing."""
    _collecting[:] = [None] if phase == "start" else []


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _guards or _collecting:
        return
    guard = _guards[-1]
    if event == "open":
        path, mode = args[0], args[1] or _mode(args[2])
        if isinstance(path, (str, bytes)) and not guard.files(os.fsdecode(path), mode):
            guard.refuse("file", f"open({os.fsdecode(path)!r}, {mode!r})")
    elif event in _SOCKETS:
        guard.refuse("socket", event.partition(".")[2] if event != "socket.__new__" else "socket()")
    elif event in _PROCESSES:
        guard.refuse("subprocess", f"{event} {args[0] if args else ''}".strip())
    elif event == "sqlite3.connect" and str(args[0]) not in (":memory:", ""):
        guard.refuse("file", f"sqlite3.connect({args[0]!r})")
    elif event == "time.sleep":  # audited from 3.13 on
        guard.refuse("clock", "time.sleep()")
    elif event in _CHANGES and not guard.files(str(args[0]), "w"):
        guard.refuse("file", f"{event}({args[0]!r})")


def _mode(flags: Any) -> str:
    """`os.open` has flags instead of a mode."""
    writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    return "w" if writes else "r"


# ---- too early


def real_names(
    modules: Mapping[str, types.ModuleType], real: Iterable[object], roots: Iterable[str]
) -> list[tuple[str, str]]:
    """(module, name) of every global of a module under `roots` that still is one of `real`.

    real: the real modules, functions and classes that stand-ins replace; compared by identity.
    """
    known = {id(thing) for thing in real}
    tops = tuple(roots)
    return [
        (name, key)
        for name, module in sorted(modules.items())
        if under(name, tops)
        for key, value in sorted(vars(module).items())
        if id(value) in known
    ]


def under(name: str, roots: Iterable[str]) -> bool:
    """Is a dotted module name one of `roots` or inside one?"""
    return any(name == root or name.startswith(root + ".") for root in roots)


def too_early(program: str, found: list[tuple[str, str]]) -> EscapeError:
    """The error for a program that was imported before the stand-ins were in force."""
    shown = ", ".join(f"{module}.{name}" for module, name in found[:5])
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return EscapeError(
        f"{program} was imported before the stand-ins were in force: {shown}{more} are the real ones",
        remedy=f"name the program as text ('{program}:main') and let the adapter import it",
    )

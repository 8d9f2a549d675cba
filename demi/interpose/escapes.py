"""Escapes: a real socket, file, process, thread or clock that a held program reaches, by call site.

The one insight: the interpreter audits its own doors (PEP 578), so one permanent hook that is asleep
unless a program under test is running sees every socket, process, thread and file that a stand-in
missed, whoever opened it, and can stop it before it happens.

A clock is not audited: `early.py` finds the modules that bound one before the stand-ins were in force.
Not here: stand-ins (`stand_in.py` and each adapter's), where in the program it was (`sites.py`).
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from demi.errors import UsageError
from demi.interpose.notices import Notices
from demi.interpose.sites import REMEDIES, EscapeError, call_site

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
            remedy=REMEDIES[kind] + f"; or --allow-escape {kind}",
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

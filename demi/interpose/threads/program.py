"""A program under test: imported once per node, under the stand-ins, apart from everything else.

The one insight: if what is imported here never stays in `sys.modules`, then a program can never have been
imported too early, two nodes are two copies as two processes would be, and nothing of ours ever sees a
stand-in; the copy is put in place only while its node runs.

The standard modules that hold threads, sockets, clocks or randomness are imported again with each copy,
as they are, above the stand-ins.  Not here: putting a copy in place (`placing.py`), what the program does
(`world.py`, holders).
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demi.errors import DemiError, TargetError
from demi.interpose.early import real_names, too_early, under
from demi.interpose.escapes import Guard, watch
from demi.interpose.threads.clock import time_module
from demi.interpose.threads.hosts import Host
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.machine import (
    Line,
    atexit_module,
    fcntl_module,
    hold_logging,
    hold_random,
    os_module,
    refusals,
    reseed,
    signal_module,
)
from demi.interpose.threads.names import socket_module
from demi.interpose.threads.placing import ABSENT, Modules, Place, stand_ins
from demi.interpose.threads.polling import select_module
from demi.interpose.threads.snapshot import Snapshot
from demi.interpose.threads.starts import hold_threading, thread_module

AGAIN = ("threading", "_threading_local", "queue", "socket", "selectors", "logging", "socketserver",
         "http", "concurrent", "urllib", "xmlrpc", "wsgiref", "sched", "uuid", "secrets", "tempfile",
         "random", "datetime", "asyncio", "subprocess")  # fmt: skip


@dataclass(frozen=True)
class Program:
    """What a node runs.

    main: `module:function` (or `path/to/file.py:function`), called as the node's first thread.
    packages: roots to import anew with each node besides the one of `main`.  environ: its environment.
    path: directories to import from before all others.  stateful: roots of the modules whose state is
    put back between runs, where most of a large program is known to have none; empty: all.
    imports: modules to import, in order, before the one of `main`: those it imports only when it runs.
    prepare(modules): called once on each fresh copy, to replace what the stand-ins cannot know.
    late: it may pickle objects of its classes, or look into `sys.modules`, while it runs; without, a step
    is cheaper.
    files: (path, mode) -> may it be opened; reading is allowed by default.
    """

    main: str
    packages: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    stateful: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    prepare: Callable[[Mapping[str, types.ModuleType]], None] | None = None
    files: Callable[[str, str], bool] | None = None
    late: bool = True


class Image:
    """A node's own copy of a program.  modules: all that is its own, by name, stand-ins included."""

    def __init__(self, program: Program, kernel: Kernel, host: Host) -> None:
        _check(program)
        watch()
        self.program, self.kernel, self.host = program, kernel, host
        self.guard = Guard(program.files)
        path, _, self._function = program.main.rpartition(":")
        self._file = Path(path) if path.endswith(".py") else None
        self._module = self._file.stem if self._file is not None else path
        self.roots = (*program.packages,) if program.packages else (self._module.partition(".")[0],)
        self.roots = (*self.roots, self._module)
        self.modules: Modules = {
            "_thread": thread_module(), "_socket": socket_module(), "select": select_module(),
            "time": time_module(), "os": os_module(program.environ), "signal": signal_module(),
            "atexit": atexit_module(), "fcntl": fcntl_module(), **refusals(),
        }  # fmt: skip
        self._stand_ins = stand_ins(self.modules)
        self.place = Place(kernel, host, self.guard, self.modules, program.path)
        self.output = self.place.output
        self.lines = self.output.lines
        self.enter, self.leave = self.place.enter, self.place.leave
        self.inside, self.placed = self.place.inside, self.place.placed
        self.log: list[Line] = []
        before = dict(sys.modules)
        with self.inside():
            self._load(before)
        self.place.always = program.late
        own = {name: module for name, module in self.modules.items() if name not in ABSENT}
        state = (*program.stateful, *AGAIN) if program.stateful else ()
        self._snapshot = Snapshot(
            {
                name: module
                for name, module in own.items()
                if getattr(module, "__file__", None) and (not state or under(name, state))
            }
        )

    def reset(self) -> None:
        """As after the import: the state of a process that begins."""
        with self.inside():
            self._snapshot.restore()
            self._snapshot.rewind(self.modules)
            if "random" in self.modules:
                reseed(self.modules["random"])
        self.guard.seen.clear()
        self.log.clear()
        self.output.clear()

    def main(self, *args: Any) -> Any:
        """Call the program's main function."""
        return getattr(self.modules[self._module], self._function)(*args)

    def takes_name(self) -> bool:
        """Does the main function take an argument?"""
        code = getattr(getattr(self.modules[self._module], self._function), "__code__", None)
        return code is not None and code.co_argcount == 1

    def missed(self) -> list[Any]:
        """Attributes that the program looked for in a stand-in and did not find, since the last call."""
        found = []
        for module in self._stand_ins:
            if module.missed:
                found += module.missed
                module.missed.clear()
        return found

    # ---- importing

    def _load(self, before: Mapping[str, Any]) -> None:
        self.place.clear(before, (*self.roots, *AGAIN))
        try:
            hold_threading(importlib.import_module("threading"))
            hold_random(importlib.import_module("random"))
            hold_logging(importlib.import_module("logging"), self.log)
            for name in self.program.imports:
                importlib.import_module(name)
            module = self._import_main()
            if not callable(getattr(module, self._function, None)):
                raise TargetError(
                    f"{self._module} has no function {self._function!r}",
                    remedy="name the program as 'module:function'",
                )
        except DemiError:
            raise
        except Exception as error:
            raise TargetError(
                f"{self.program.main} cannot be imported: {type(error).__name__}: {error}",
                remedy="import it in a plain Python first; then look for what the stand-ins lack",
            ) from error
        finally:
            self.place.collect()
        if self.program.prepare is not None:
            self.program.prepare(self.modules)
        self.missed()

    def _import_main(self) -> types.ModuleType:
        if self._file is None:
            return importlib.import_module(self._module)
        spec = importlib.util.spec_from_file_location(self._module, self._file)
        if spec is None or spec.loader is None or not self._file.exists():
            raise TargetError(f"no program {self._file}", remedy="check the path")
        module = importlib.util.module_from_spec(spec)
        sys.modules[self._module] = module
        spec.loader.exec_module(module)
        return module


def _check(program: Program) -> None:
    main: object = program.main
    if callable(main):
        early(main)
    if not isinstance(main, str) or ":" not in main:
        raise TargetError(f"a program is named 'module:function', not {program.main!r}")


def early(func: Callable[..., Any]) -> None:
    """Raises EscapeError for a callable whose module holds the real threads, sockets or clocks."""
    name = getattr(func, "__module__", "") or ""
    real = [sys.modules[n] for n in ("threading", "socket", "select", "selectors", "time", "random", "queue")
            if n in sys.modules]  # fmt: skip
    things = [
        *real,
        *(value for module in real for value in vars(module).values() if callable(value)),
    ]
    found = real_names(sys.modules, things, [name]) if name else []
    if found:
        raise too_early(name, found)

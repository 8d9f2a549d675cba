"""A node's own modules, in place while its code runs, and taken away before anything else looks.

The one insight: modules that are C exist once and the program's own are few, so "whose modules are these"
is one dict put over `sys.modules` and taken off again; where a program never looks there while it runs,
it is enough to answer its imports.

Not here: importing a program (`program.py`).
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.machinery
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from demi.interpose.early import under
from demi.interpose.escapes import Guard, pop, push
from demi.interpose.stand_in import StandIn
from demi.interpose.threads.hosts import CURRENT, Host
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.output import Output

ABSENT = (
    "_queue",
    "_datetime",
    "_uuid",
)  # of C, above nothing that is held: the Python form is used
Modules = dict[str, types.ModuleType]
_exhaust = deque[Any](maxlen=0).extend
_BUILTINS, _IMPORTLIB, _SYS = vars(builtins), vars(importlib), vars(sys)
_REAL: tuple[Callable[..., Any], ...] = (builtins.__import__, importlib.import_module)


class Place:
    """modules: all that is the node's own, by name, stand-ins included.

    output: what it writes to its standard streams.
    always: they are in `sys.modules` whenever the node runs; else only while it imports something.
    """

    def __init__(
        self, kernel: Kernel, host: Host, guard: Guard, modules: Modules, path: Sequence[str]
    ) -> None:
        self.kernel, self.host, self.guard = kernel, host, guard
        self.modules, self._path = modules, path
        self.always = True
        self.output = Output()
        self._real: dict[str, Any] = {}
        self._hidden: list[str] = []  # real modules that the program has not imported, nor may see
        self._gone: list[str] = []  # modules of which there is no real one
        self._before: frozenset[str] = frozenset()
        self._own: tuple[Any, Any] = self.output.own
        self._streams: tuple[Any, Any] = (None, None)
        self._entered = False
        self._again = 0  # how many times more
        self._kept: tuple[Any, Any, float] | None = None  # of another node, inside of which it runs
        self._placing = False
        self._import, self._import_module = self._importer(), self._hooked(_REAL[1])
        self._known = 0

    # ---- while it runs

    def enter(self) -> None:
        """Put the copy in place; nests."""
        if CURRENT.host is not None:
            if self._entered:
                self._again += 1
                return
            self._kept = CURRENT.kernel, CURRENT.host, CURRENT.now
        self._entered = True
        kernel = CURRENT.kernel = self.kernel
        host = CURRENT.host = self.host
        CURRENT.now = kernel.clocks[host.clock]
        self._streams = _SYS["stdout"], _SYS["stderr"]  # as `sys.stdout`, in half the time
        _SYS["stdout"], _SYS["stderr"] = self._own
        push(self.guard)
        if self.always:
            self._put()
        else:
            _BUILTINS["__import__"] = self._import
            _IMPORTLIB["import_module"] = self._import_module

    def leave(self) -> None:
        """Take it away again, with all it imported meanwhile."""
        if self._again:
            self._again -= 1
            return
        pop()
        _SYS["stdout"], _SYS["stderr"] = self._streams
        if self.always:
            self._take_away()
        else:
            _BUILTINS["__import__"], _IMPORTLIB["import_module"] = _REAL
        self._entered = False
        if self._kept is None:
            CURRENT.kernel = CURRENT.host = None
            CURRENT.now = 0.0
        else:
            CURRENT.kernel, CURRENT.host, CURRENT.now = self._kept
            self._kept = None

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """While the program's code runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    @contextlib.contextmanager
    def placed(self) -> Iterator[None]:
        """While a process begins: its copy is in place all the time, for whoever looks."""
        if self.always or self._placing:
            yield
            return
        self._placing = True
        self._put()
        try:
            yield
        finally:
            self._take_away()
            self._placing = False

    # ---- imports while it runs

    def _hooked(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """An import while the program runs: its copy is in place for as long as that takes."""

        def imports(*args: Any, **kwargs: Any) -> Any:
            with self.placed():
                return real(*args, **kwargs)

        return imports

    def _importer(self) -> Callable[..., Any]:
        """The same for the statement, which C code uses as well: pickling a byte string imports."""
        placed = self._hooked(_REAL[0])
        own = self.modules

        def imports(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:
            if not level and "." not in name:
                module = own.get(name)
                if module is None and name in self._before and name not in self._real:
                    module = sys.modules.get(name)  # one that everybody shares
                if module is not None and not (fromlist and hasattr(module, "__path__")):
                    return module
            return placed(name, globals, locals, fromlist, level)

        return imports

    # ---- in `sys.modules`

    def _put(self) -> None:
        sys.path[:0] = self._path
        _exhaust(map(sys.modules.pop, self._hidden, repeat(None)))
        sys.modules.update(self.modules)
        self._known = len(sys.modules)

    def _take_away(self) -> None:
        del sys.path[: len(self._path)]
        if len(sys.modules) != self._known:
            self._adopt()
        modules = sys.modules
        _exhaust(map(modules.pop, self._gone, repeat(None)))
        modules.update(self._real)

    def clear(self, before: Mapping[str, Any], again: Sequence[str]) -> None:
        """Before the program is imported: what it must import anew is out of sight.

        before: `sys.modules` before that.  again: roots to import anew.
        """
        self._before = frozenset(before)
        for name, module in before.items():
            if under(name, again):
                self._real[name] = module
                del sys.modules[name]
        for name in (*self.modules, *ABSENT):
            if name in before:
                self._real[name] = before[name]
        for name in ABSENT:
            sys.modules[name] = None  # type: ignore[assignment]

    def collect(self) -> None:
        """Everything that is new belongs to this copy, except what is made of C and exists once."""
        for name, module in list(sys.modules.items()):
            if name in ABSENT:
                self.modules[name] = module
            elif name not in self._before or name in self._real:
                self._take(name, module)
        self._hide()

    def _hide(self) -> None:
        self._hidden = [name for name in self._real if name not in self.modules]
        self._gone = [name for name in self.modules if name not in self._real]

    def _adopt(self) -> None:
        """What the program imported while it ran."""
        for name, module in list(sys.modules.items()):
            if (name not in self._before or name in self._real) and name not in self.modules:
                self._take(name, module)
        self._hide()

    def _take(self, name: str, module: Any) -> None:
        if name not in self.modules and module is not None and not _once(module):
            self.modules[name] = module


def stand_ins(modules: Mapping[str, types.ModuleType]) -> list[StandIn]:
    """Those of a copy."""
    return [module for module in modules.values() if isinstance(module, StandIn)]


def _once(module: types.ModuleType) -> bool:
    """A module of C, or of no file: importing it twice is not safe."""
    spec = getattr(module, "__spec__", None)
    origin = getattr(spec, "origin", None) or ""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    return origin in ("built-in", "frozen") or origin.endswith(suffixes)

"""A host's own copy of a package, so that class attributes and module globals are not shared.

The one insight: a process has its own modules, and `sys.modules` is only a dict: importing with the
package taken out of it makes a second copy, and putting a host's copies back whenever the host runs
makes imports inside functions find the right one.

A copy is made for every start of a host, so where modules are and what their code is, is looked up once.
Works for pure Python; extension modules keep their state per process.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

from demi.errors import TargetError
from demi.interpose.aio.host import Host
from demi.interpose.early import under


class Kept(SourceFileLoader):
    """A module whose code is known."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path)
        self._code: Any = None

    def get_code(self, fullname: str) -> CodeType | None:
        if self._code is None:
            self._code = super().get_code(fullname)
        found: CodeType | None = self._code
        return found


class Finder:
    """Finds modules of the roots where they were found before."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._roots = tuple(roots)
        self._loaders: dict[str, tuple[Kept, list[str] | None]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A fresh spec; None for what is not of the roots, or not plain Python."""
        known = self._loaders.get(name)
        if known is None:
            if not under(name, self._roots):
                return None
            found = PathFinder.find_spec(name, path, target)
            if found is None or type(found.loader) is not SourceFileLoader:
                return found
            loader = Kept(name, found.loader.path)
            known = self._loaders[name] = (loader, found.submodule_search_locations)
        loader, inside = known
        return spec_from_file_location(
            name, loader.path, loader=loader, submodule_search_locations=inside
        )


class Modules:
    """The isolated packages of a world."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = tuple(roots)
        self._tops = frozenset(root.partition(".")[0] for root in roots)
        self._before = self._loaded()
        self._finder: Any = Finder(roots)

    def _loaded(self) -> dict[str, ModuleType]:
        tops = self._tops
        return {
            name: module
            for name, module in sys.modules.items()
            if name.partition(".")[0] in tops and under(name, self.roots)
        }

    def fresh(self, host: Host) -> None:
        """Import the packages once more, for a host that starts; runs in its context.

        Raises TargetError when one is missing.
        """
        if not self.roots:
            return
        for name in self._loaded():
            del sys.modules[name]
        sys.meta_path.insert(0, self._finder)
        try:
            for root in self.roots:
                imported(root)
        finally:
            sys.meta_path.remove(self._finder)
        host.modules = dict(self._loaded())

    def enter(self, host: Host) -> None:
        """The host runs: its copies are the ones that an import finds."""
        if self.roots:
            sys.modules.update(host.modules)

    def close(self) -> None:
        """What was loaded before is loaded again."""
        for name in self._loaded():
            del sys.modules[name]
        sys.modules.update(self._before)


def imported(name: str) -> Any:
    """Import by name.  Raises TargetError that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = getattr(error, "name", None) or name
        raise TargetError(
            f"{name} cannot be imported: {error}", remedy=f"pip install {missing.split('.')[0]}"
        ) from error


def function(host: Host, place: str) -> Any:
    """`module:function` in the host's own copy of the module, or the shared one."""
    module, _, attribute = place.partition(":")
    found = host.modules.get(module)
    if found is None:
        found = imported(module)
    main = getattr(found, attribute, None)
    if not callable(main):
        raise TargetError(f"{module} has no function {attribute!r}", where=place)
    return main

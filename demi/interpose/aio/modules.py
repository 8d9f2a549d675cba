"""A host's own copy of a package, so that class attributes and module globals are not shared.

The one insight: a process has its own modules, and `sys.modules` is only a dict: importing with the
package taken out of it makes a second copy, and putting a host's copies back whenever the host runs
makes imports inside functions find the right one.

Works for pure Python; extension modules keep their state per process.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from demi.errors import TargetError
from demi.interpose.aio.host import Host
from demi.interpose.escapes import under


class Modules:
    """The isolated packages of a world."""

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = tuple(roots)
        self._before = self._loaded()

    def _loaded(self) -> dict[str, ModuleType]:
        return {name: module for name, module in sys.modules.items() if under(name, self.roots)}

    def fresh(self, host: Host) -> None:
        """Import the packages once more, for a host that starts; runs in its context.

        Raises TargetError when one is missing.
        """
        if not self.roots:
            return
        for name in self._loaded():
            del sys.modules[name]
        for root in self.roots:
            imported(root)
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

"""Packages that are not there: an import that failed once in a run fails at once from then on.

The one insight: libraries ask for optional packages at every call (`try: import sniffio`), and Python, which
remembers what it found, looks through the whole path again for what it did not.
"""

from __future__ import annotations

import sys
from typing import Any

from demi.interpose.aio.host import HOST


class Absent:
    """The last of all finders: what gets here does not exist."""

    def __init__(self) -> None:
        self._first: Any = _Known()
        self._last: Any = self
        sys.meta_path.insert(0, self._first)
        sys.meta_path.append(self._last)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Remember a top-level name that a host asked for."""
        if path is None and HOST.get() is not None and sys.meta_path[-1] is self._last:
            self._first.names.add(name)

    def close(self) -> None:
        """Look again from here on."""
        sys.meta_path.remove(self._first)
        sys.meta_path.remove(self._last)


class _Known:
    """The first of all finders: what is known not to exist is not looked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Nothing; raises ModuleNotFoundError for a name that is known."""
        if name in self.names and HOST.get() is not None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

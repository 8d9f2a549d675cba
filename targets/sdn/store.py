"""A folder that all controllers of a network share, as a backup shares the primary's database.

The one insight: what survives a crash is files, so a run begins with the folder empty and nothing else
has to know of it; no trace names its path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path

_MEMORY = Path(
    "/dev/shm"
)  # a run writes thousands of times: not to a disk where that can be avoided


class Store:
    """The folder is made when its path is first asked for, and goes when nobody holds the store."""

    def __init__(self) -> None:
        self._path = ""

    @property
    def path(self) -> str:
        """Where it is."""
        if not self._path:
            place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
            self._path = tempfile.mkdtemp(prefix="demi-store-", dir=place)
            weakref.finalize(self, _remove, self._path, os.getpid())
        return self._path

    def clear(self) -> None:
        """Nothing was ever written."""
        if self._path:
            for file in Path(self._path).iterdir():
                file.unlink()


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked worker has a copy of the object, not the folder
        shutil.rmtree(path, ignore_errors=True)

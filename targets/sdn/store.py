"""A folder that all controllers of a network share, as a backup shares the primary's database.

The one insight: what survives a crash is files, so a run begins with the folder empty and nothing else
has to know of it; no trace names its path.

Folders of a process and of the workers forked from it lie in one, which goes when that process ends:
a worker may be killed at any time.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path(
    "/dev/shm"
)  # a run writes thousands of times: not to a disk where that can be avoided
_TOP: list[str] = []  # the folder of all folders, made with the first


class Store:
    """The folder is made when its path is first asked for."""

    def __init__(self) -> None:
        self._path = ""

    @property
    def used(self) -> bool:
        """Does anybody know where it is?"""
        return bool(self._path)

    @property
    def path(self) -> str:
        """Where it is."""
        if not self._path:
            self._path = tempfile.mkdtemp(dir=_top())
        return self._path

    def file(self, name: str, text: str) -> str:
        """The path of a file that is not part of what is shared, and never cleared."""
        path = Path(_top()) / name
        path.write_text(text, "utf-8")
        return str(path)

    def clear(self) -> None:
        """Nothing was ever written."""
        if self._path:
            for file in Path(self._path).iterdir():
                file.unlink()


def _top() -> str:
    if not _TOP:
        place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        _TOP.append(tempfile.mkdtemp(prefix="demi-store-", dir=place))
        atexit.register(shutil.rmtree, _TOP[0], ignore_errors=True)  # workers end without it
    return _TOP[0]

"""Directories of a host: what the functions of `os` say of them, on its disk in memory.

The one insight: a directory is where files are, so a list of the directories that were made and the names of
all files are enough; the rest is read from the real disk, as files are.

Not here: files (`files.py`).
"""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from typing import Any

from demi.interpose.aio.files import REAL, missing, on_disk, stat
from demi.interpose.aio.host import Host


def listdir(host: Host, path: Any = ".") -> Any:
    """os.listdir: a directory of the host's own, or a real one."""
    disk, name = on_disk(host, path)
    inside = name.rstrip("/") + "/"
    own = {
        n[len(inside) :].split("/")[0] for n in [*disk.files, *disk.dirs] if n.startswith(inside)
    }
    return sorted(own) if name in disk.dirs or own else REAL["listdir"](path)


class Found:
    """One entry of `os.scandir`."""

    def __init__(self, host: Host, folder: str, name: str) -> None:
        self.name = name
        self.path = os.path.join(folder, name)
        self._host = host

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        made: os.stat_result = stat(self._host, self.path)
        return made

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return modes.S_ISDIR(self.stat().st_mode)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self.is_dir()

    def is_symlink(self) -> bool:
        return False

    def __fspath__(self) -> str:
        return self.path


class Scan:
    """What `os.scandir` gives for a directory on a host's disk."""

    def __init__(self, entries: list[Found]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Found]:
        return self

    def __next__(self) -> Found:
        return next(self._entries)

    def __enter__(self) -> Scan:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing is open."""

    close = __exit__


def scandir(host: Host, path: Any = ".") -> Any:
    """os.scandir: a directory of the host's own, or a real one."""
    disk, name = on_disk(host, path)
    inside = name.rstrip("/") + "/"
    if name not in disk.dirs and not any(n.startswith(inside) for n in disk.files):
        return REAL["scandir"](path)
    return Scan([Found(host, os.fsdecode(path), one) for one in listdir(host, path)])


def mkdir(host: Host, path: Any, mode: int = 0o777, **options: Any) -> None:
    """os.mkdir."""
    disk, name = on_disk(host, path)
    if name in disk.dirs or name in disk.files or os.path.exists(name):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    if os.path.dirname(name) not in disk.dirs and not os.path.isdir(os.path.dirname(name)):
        raise missing(name)
    disk.dirs.add(name)


def rmdir(host: Host, path: Any, **options: Any) -> None:
    """os.rmdir."""
    disk, name = on_disk(host, path)
    if name not in disk.dirs:
        raise missing(name)
    if listdir(host, path):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), name)
    disk.dirs.discard(name)


HELD = {"listdir": listdir, "scandir": scandir, "mkdir": mkdir, "rmdir": rmdir}

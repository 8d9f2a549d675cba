"""Files of a host: `open` and the functions of `os` that touch them, on its disk in memory.

The one insight: reading code, certificates and configuration from the real disk changes nothing, so what
the host has not written itself is read from there, and nothing is ever written there.

Not here: directories (`folders.py`), what a crash leaves (`disk.py`).
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import stat as modes
from typing import Any

from demi.interpose.aio.disk import Disk, File
from demi.interpose.aio.host import HOST, Host

FIRST_FD = 1_000_000
REAL_OPEN = builtins.open
REAL = {name: getattr(os, name) for name in (
    "stat", "lstat", "listdir", "mkdir", "remove", "unlink", "rename", "replace", "rmdir", "fsync",
    "fdatasync", "open", "close", "write", "read", "truncate", "ftruncate", "scandir",
)}  # fmt: skip

_open_files: dict[
    int, tuple[Disk, Any]
] = {}  # our descriptors: a raw file, or the path of a directory


def _path(path: Any) -> str:
    return (
        os.path.normpath(os.path.join("/", os.fsdecode(path))) if not isinstance(path, int) else ""
    )


def forget_descriptors() -> None:
    """A new run: no descriptor of the last one is open."""
    _open_files.clear()


def _descriptor(disk: Disk, thing: Any) -> int:
    fd = FIRST_FD + len(_open_files)
    _open_files[fd] = (disk, thing)
    return fd


class Raw(io.RawIOBase):
    """An open file on a host's disk, without a buffer."""

    def __init__(self, disk: Disk, name: str, file: File, mode: str) -> None:
        super().__init__()
        self.disk = disk
        self.name = name
        self.mode = mode
        self.file = file
        self._at = 0
        self._append = "a" in mode
        self._reads = "r" in mode or "+" in mode
        self._writes = bool(set(mode) & set("wax+"))
        self._fd = _descriptor(disk, self)

    def fileno(self) -> int:
        return self._fd

    def readable(self) -> bool:
        return self._reads

    def writable(self) -> bool:
        return self._writes

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = (0, self._at, len(self.file.data))[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self.file.data[self._at : self._at + len(buffer)]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def write(self, data: Any) -> int:
        data = bytes(data)
        if self._append:
            self._at = len(self.file.data)
        self.file.write(self._at, data)
        self._at += len(data)
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        size = self._at if size is None else size
        self.file.cut(size)
        return size


def held_open(
    file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: Any = None,
    errors: Any = None,
    newline: Any = None,
    closefd: bool = True,
    opener: Any = None,
) -> Any:
    """`open`: the host's disk first, then the real one for reading."""
    host = HOST.get()
    if host is None or isinstance(file, int):
        return REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
    name, disk = _path(file), host.disk
    found = disk.files.get(name)
    if found is None and not set(mode) & set("wax"):
        if name in disk.dirs:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        if "+" not in mode:
            return REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    raw = Raw(disk, name, _prepared(disk, name, mode), mode.replace("b", "").replace("t", ""))
    if buffering == 0:
        return raw
    if "+" in mode:
        buffered: Any = io.BufferedRandom(raw)
    else:
        buffered = io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)
    if "b" in mode:
        return buffered
    return io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline, buffering == 1)


def _prepared(disk: Disk, name: str, mode: str) -> File:
    """The file to open for a mode: made, emptied, or as it is."""
    found = disk.files.get(name)
    if "x" in mode and (found is not None or os.path.exists(name)):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
    if found is None:
        parent = os.path.dirname(name)
        if parent not in disk.dirs and not os.path.isdir(parent):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        found = disk.create(name)
    elif "w" in mode:
        found.cut(0)
    return found


# ---- os


def on_disk(host: Host, path: Any) -> tuple[Disk, str]:
    return host.disk, _path(path)


def missing(name: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def stat(host: Host, path: Any, **options: Any) -> Any:
    """os.stat, os.lstat."""
    if isinstance(path, int):
        disk, raw = _open_files.get(path, (None, None))
        return (
            REAL["stat"](path) if disk is None or raw is None else _stat(len(raw.file.data), False)
        )
    disk, name = on_disk(host, path)
    if name in disk.files:
        return _stat(len(disk.files[name].data), False)
    return _stat(0, True) if name in disk.dirs else REAL["stat"](path, **options)


def _stat(size: int, directory: bool) -> os.stat_result:
    mode = modes.S_IFDIR | 0o755 if directory else modes.S_IFREG | 0o644
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, 0, 0, 0))


def remove(host: Host, path: Any, **options: Any) -> None:
    """os.remove, os.unlink."""
    disk, name = on_disk(host, path)
    if name not in disk.files:
        raise missing(name)
    del disk.files[name]


def rename(host: Host, src: Any, dst: Any, **options: Any) -> None:
    """os.rename, os.replace."""
    disk, name = on_disk(host, src)
    if name not in disk.files:
        raise missing(name)
    disk.files[_path(dst)] = disk.files.pop(name)


def fsync(host: Host, fd: Any) -> None:
    """os.fsync, os.fdatasync, of a file or a directory."""
    fd = fd if isinstance(fd, int) else fd.fileno()
    disk, thing = _open_files.get(fd, (None, None))
    if disk is None:
        REAL["fsync"](fd)
    elif isinstance(thing, Raw):
        disk.sync(thing.file)
    else:
        disk.sync_dir(str(thing))


def low_open(host: Host, path: Any, flags: int, mode: int = 0o777, **options: Any) -> int:
    """os.open."""
    disk, name = on_disk(host, path)
    if name in disk.dirs:
        return _descriptor(disk, name)
    writes = flags & (os.O_WRONLY | os.O_RDWR)
    if name not in disk.files and not writes:
        return int(REAL["open"](path, flags, mode, **options))
    if name not in disk.files and not flags & os.O_CREAT:
        raise missing(name)
    text = "a" if flags & os.O_APPEND else "r+"
    raw = Raw(disk, name, _prepared(disk, name, "x" if flags & os.O_EXCL else "a"), text)
    if flags & os.O_TRUNC:
        raw.file.cut(0)
    return raw.fileno()


def close(host: Host, fd: int) -> None:
    """os.close."""
    if fd < FIRST_FD:
        REAL["close"](fd)


def write(host: Host, fd: int, data: Any) -> int:
    """os.write."""
    disk, raw = _open_files.get(fd, (None, None))
    return int(REAL["write"](fd, data)) if disk is None or raw is None else raw.write(data)


def read(host: Host, fd: int, size: int) -> bytes:
    """os.read."""
    disk, raw = _open_files.get(fd, (None, None))
    return REAL["read"](fd, size) if disk is None or raw is None else raw.read(size) or b""


def truncate(host: Host, path: Any, size: int) -> None:
    """os.truncate, os.ftruncate."""
    if isinstance(path, int):
        _open_files[path][1].file.cut(size)
        return
    disk, name = on_disk(host, path)
    if name not in disk.files:
        raise missing(name)
    disk.files[name].cut(size)


HELD = {
    "stat": stat, "lstat": stat, "remove": remove, "unlink": remove, "rename": rename, "replace": rename,
    "fsync": fsync, "fdatasync": fsync, "open": low_open, "close": close, "write": write, "read": read,
    "truncate": truncate, "ftruncate": truncate,
}  # fmt: skip

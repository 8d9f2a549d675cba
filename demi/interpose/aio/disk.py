"""The disk of a host: files in memory, with what a crash of each kind leaves of them.

The one insight: durability is a difference between two states, what was written and what was synced, so
a file keeps its synced content and the writes since, and a power loss is "take the first", a torn write
"take the first and a part of the second".

process: every write is kept, as the page cache does.  power: what was synced is kept, file by file; a
name is kept once its file or its directory was synced.  torn: power, and of each file a drawn prefix of
the writes since.  Not here: file objects (`files.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

MODES = ("process", "power", "torn")


class Write(NamedTuple):
    """One write since the last sync; `data` None cuts the file at `at`."""

    at: int
    data: bytes | None


class File:
    """The content of one file.  since: writes after the last sync."""

    __slots__ = ("data", "since", "synced")

    def __init__(self) -> None:
        self.data = bytearray()
        self.synced = b""
        self.since: list[Write] = []

    def write(self, at: int, data: bytes) -> None:
        """Put bytes at a place, filling a gap with zeros."""
        _apply(self.data, Write(at, data))
        self.since.append(Write(at, data))

    def cut(self, size: int) -> None:
        """Set the size."""
        if size != len(self.data):
            _apply(self.data, Write(size, None))
            self.since.append(Write(size, None))

    def sync(self) -> None:
        """All of it is on the disk."""
        self.synced = bytes(self.data)
        self.since.clear()

    def lose(self, kept: int, torn: int) -> None:
        """Back to the last sync, and `kept` writes after it, of the last of them `torn` bytes."""
        data = bytearray(self.synced)
        for number, write in enumerate(self.since[:kept]):
            last = number == kept - 1 and write.data is not None
            _apply(
                data,
                Write(write.at, write.data[:torn]) if last and write.data is not None else write,
            )
        self.data = data
        self.sync()


def _apply(data: bytearray, write: Write) -> None:
    if write.data is None:
        del data[write.at :]
        data.extend(bytes(write.at - len(data)))
        return
    data.extend(bytes(max(0, write.at - len(data))))
    data[write.at : write.at + len(write.data)] = write.data


class Disk:
    """Names and files.  durable: the names that a power loss leaves."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.dirs: set[str] = set()
        self.durable: dict[str, File] = {}

    def create(self, path: str) -> File:
        """A new empty file under a name."""
        made = self.files[path] = File()
        return made

    def sync(self, file: File) -> None:
        """fsync of a file: its content, and the names it has."""
        file.sync()
        for name, other in tuple(self.durable.items()):
            if other is file and self.files.get(name) is not file:
                del self.durable[name]
        for name, other in self.files.items():
            if other is file:
                self.durable[name] = file

    def sync_dir(self, path: str) -> None:
        """fsync of a directory: its names."""
        inside = path.rstrip("/") + "/"
        for name in [n for n in self.durable if n.startswith(inside) and n not in self.files]:
            del self.durable[name]
        for name, file in self.files.items():
            if name.startswith(inside) and "/" not in name[len(inside) :]:
                self.durable[name] = file

    def crash(self, mode: str, draw: Callable[[int], int]) -> None:
        """What is left after a crash.  draw(n): a number in 0..n-1."""
        if mode == "process":
            return
        if mode == "torn":
            names = {n: f for n, f in self.files.items() if n in self.durable or draw(2)}
        else:
            names = dict(self.durable)
        for file in dict.fromkeys(names[name] for name in sorted(names)):
            kept = draw(len(file.since) + 1) if mode == "torn" else 0
            last = file.since[kept - 1].data if kept else None
            file.lose(kept, draw(len(last) + 1) if last is not None else 0)
        self.files = dict(sorted(names.items()))
        self.durable = dict(self.files)

    def text(self) -> str:
        """All of it, for digests."""
        return repr(sorted((name, bytes(file.data)) for name, file in self.files.items()))

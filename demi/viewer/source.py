"""A trace file as lines that are decoded when they are looked at.

The one insight: the offsets of its lines (8 bytes each) are all that a file of any size must be read for,
so a million events open in about the time it takes to read the file once.

A file that grows is followed by `refresh`; a line that cannot be read becomes an entry that says so.
Not here: checking a whole trace (`demi/trace_codec.py`), which the command does for files that are small.
"""

from __future__ import annotations

import gzip
import os
import tempfile
import zlib
from array import array
from collections import OrderedDict
from pathlib import Path
from typing import IO

from demi.errors import TraceError
from demi.trace import Entry, Footer, Header
from demi.trace_check import read_entry, read_footer, read_header, read_object
from demi.trace_codec import GZIP_FREE_BYTES, GZIP_MAGIC, GZIP_RATIO_MAX, LINE_BYTES_MAX

CHUNK = 1 << 20
CACHE_BYTES = (
    4 << 20
)  # decoded lines that are kept, by their length in the file: ten times that in memory


class Source:
    """An open trace.  header: its first line.  footer: None while it is being written, or cut off."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header
        self.footer: Footer | None = None
        self._starts = array("Q", [0])
        self._cache: OrderedDict[int, Entry] = OrderedDict()
        self._cached = 0
        try:
            self._file = _opened(path)
            self._scan()
        except (OSError, zlib.error, EOFError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise TraceError(f"cannot read: {reason}", where=str(path)) from error
        if len(self._starts) < 2:
            raise TraceError("empty file, not a trace", where=str(path))
        self.header = read_header(read_object(self._line(0), f"{path}:1"), f"{path}:1")
        self._nodes = frozenset(self.header.nodes)
        self._find_footer()

    def __len__(self) -> int:
        return len(self._starts) - 2 - (self.footer is not None)

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def entry(self, at: int) -> Entry:
        """The event at index `at` from 0; one that says `unreadable` in place of a broken line."""
        found = self._cache.get(at)
        if found is not None:
            self._cache.move_to_end(at)
            return found
        where = f"{self.path}:{at + 2}"
        try:
            entry = read_entry(read_object(self._line(at + 1), where), self._nodes, where)
        except TraceError as error:
            entry = Entry(f"ext:unreadable()#{at + 1}", log=(error.what,))
        self._keep(at, entry)
        return entry

    def refresh(self) -> bool:
        """Look for new lines; True when there are some.  Raises TraceError when the file shrank."""
        if self.footer is not None or self._file.closed:
            return False
        size = os.fstat(self._file.fileno()).st_size
        if size < self._starts[-1]:
            raise TraceError("the file became shorter while it was open", where=str(self.path))
        before = len(self._starts)
        self._scan()
        self._find_footer()
        return len(self._starts) > before

    # ---- inside

    def _scan(self) -> None:
        starts, base = self._starts, self._starts[-1]
        self._file.seek(base)
        while chunk := self._file.read(CHUNK):
            at = chunk.find(b"\n")
            while at >= 0:
                starts.append(base + at + 1)
                at = chunk.find(b"\n", at + 1)
            base += len(chunk)

    def _find_footer(self) -> None:
        last = len(self._starts) - 2
        if last < 1 or self.footer is not None:
            return
        where = f"{self.path}:{last + 1}"
        try:
            data = read_object(self._line(last), where)
            if "verdict" in data:
                self.footer = read_footer(data, where, last - 1)
        except TraceError:
            return  # shown as a line that cannot be read

    def _line(self, number: int) -> bytes:
        first, end = self._starts[number], self._starts[number + 1]
        if end - first > LINE_BYTES_MAX:
            raise TraceError("a line too long to be an event", where=f"{self.path}:{number + 1}")
        self._file.seek(first)
        return self._file.read(end - first)

    def _keep(self, at: int, entry: Entry) -> None:
        self._cache[at] = entry
        self._cached += self._starts[at + 2] - self._starts[at + 1]
        while self._cached > CACHE_BYTES and len(self._cache) > 1:
            gone, _ = self._cache.popitem(last=False)
            self._cached -= self._starts[gone + 2] - self._starts[gone + 1]


def _opened(path: Path) -> IO[bytes]:
    """The file itself, or what a compressed one holds, in a temporary file without a name."""
    raw = path.open("rb")
    if raw.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
        raw.seek(0)
        return raw
    raw.seek(0)
    limit = max(GZIP_FREE_BYTES, GZIP_RATIO_MAX * os.fstat(raw.fileno()).st_size)
    handle, name = tempfile.mkstemp(prefix="demi-view-")
    plain = os.fdopen(handle, "w+b")
    os.unlink(name)  # gone with the process, however that ends
    with raw, gzip.GzipFile(fileobj=raw) as packed:
        total = 0
        while True:
            try:
                chunk = packed.read(CHUNK)
            except EOFError:  # cut off while being written
                break
            total += len(chunk)
            if total > limit:
                raise TraceError("too large to be a trace", where=str(path))
            if not chunk:
                break
            plain.write(chunk)
    plain.flush()
    return plain

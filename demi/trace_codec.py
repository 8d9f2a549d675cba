"""The trace file, `demi-trace` version 1: JSON Lines, read and written without running anything.

The one insight: a line is complete or it is not there, so a killed writer leaves a readable trace and
equal runs are equal bytes (fixed key order, no time, no host, no path).

msgspec does the JSON: it refuses endless nesting and bad UTF-8 with an error instead of a crash, and a
writer on the hot path needs its speed.  Reading checks every field, so whoever has a `Trace` may trust
its shape but not its strings; nothing is unpickled or imported.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from demi.errors import TraceError
from demi.trace import VERSION, Entry, Footer, Header, Trace
from demi.trace_check import (
    HEADER_KEYS,
    read_entry,
    read_footer,
    read_header,
    read_object,
    said,
)
from demi.verdict import violation_to_json

LINE_BYTES_MAX = 8 << 20  # longer lines are an attack or an accident; ours stay under 100 kB
TOTAL_BYTES_MAX = 4 << 30  # decompressed; a million events are 300 MB
GZIP_FREE_BYTES = 64 << 20  # below this no ratio is suspicious
GZIP_RATIO_MAX = 200  # beyond it a gzip bomb ends; traces compress 5 to 40 times
GZIP_MAGIC = b"\x1f\x8b"
_encode = msgspec.json.Encoder().encode


def _line(data: dict[str, Any] | Entry) -> bytes:
    try:
        return _encode(data) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate in a user's text
        plain = msgspec.to_builtins(data)
        plain.pop("extra", None)
        return _encode(_escaped(plain)) + b"\n"


def _escaped(value: Any) -> Any:
    """The same value with lone surrogates written as `\\udc80`, since UTF-8 has no form for them."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_escaped(key): _escaped(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(part) for part in value]
    return value


def header_line(header: Header) -> bytes:
    """The first line."""
    data: dict[str, Any] = {"demi": "trace", "version": VERSION}
    data.update((key, getattr(header, key)) for key in HEADER_KEYS)
    data.update(header.extra)
    return _line(data)


def entry_line(entry: Entry) -> bytes:
    """One event; fields that say nothing are left out."""
    if not entry.extra:
        try:
            return _encode(entry) + b"\n"
        except UnicodeEncodeError:
            return _line(entry)
    data = msgspec.to_builtins(entry)
    del data["extra"]
    return _line({**data, **entry.extra})


def footer_line(footer: Footer) -> bytes:
    """The last line."""
    violation = footer.violation
    data: dict[str, Any] = {
        "verdict": footer.verdict.value,
        "reason": footer.reason,
        "steps": footer.steps,
        "violation": violation_to_json(violation) if violation else None,
    }
    data.update(footer.extra)
    return _line(data)


def encode(trace: Trace) -> bytes:
    """The whole file."""
    lines = [header_line(trace.header), *map(entry_line, trace.entries)]
    if trace.footer is not None:
        lines.append(footer_line(trace.footer))
    return b"".join(lines)


def digest(trace: Trace) -> str:
    """Content digest (hex) that names a trace as a parent."""
    return hashlib.blake2b(encode(trace), digest_size=8).hexdigest()


class TraceWriter:
    """Writes a trace line by line with flat memory; what was written stays readable if it dies.

    The file has a `.part` suffix until `close(footer)`; a full disk raises TraceError and keeps it.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        with _disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._raw: IO[bytes] = self._part.open("wb", buffering=1 << 16)
            self._file: IO[bytes] | gzip.GzipFile = self._raw
            if path.suffix == ".gz":
                self._file = gzip.GzipFile("", "wb", fileobj=self._raw, mtime=0)
            self._file.write(header_line(header))

    def write(self, entry: Entry) -> None:
        """Append one event."""
        line = entry_line(entry)
        if len(line) > LINE_BYTES_MAX:
            raise TraceError(
                f"event {said(entry.id)} has {len(line)} bytes, a line may have {LINE_BYTES_MAX}",
                where=str(self._part),
                remedy="send less, or log less, in one step",
            )
        try:
            self._file.write(line)
        except OSError as error:
            raise _disk_error(self._part, error) from error

    def close(self, footer: Footer | None) -> None:
        """Finish the file and give it its name; without a footer it counts as interrupted."""
        with _disk_errors(self._part):
            if footer is not None:
                self._file.write(footer_line(footer))
            self._file.close()
            self._raw.close()  # a GzipFile leaves it open
            os.replace(self._part, self.path)


class _disk_errors:
    """Turn OSError into TraceError that names the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError):
            raise _disk_error(self._path, error) from error


def _disk_error(path: Path, error: OSError) -> TraceError:
    return TraceError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        remedy="free space or choose another directory; completed traces are untouched",
    )


def save(trace: Trace, path: Path) -> None:
    """Write a whole trace; a reader sees the old file or the new one, never half of it."""
    writer = TraceWriter(path, trace.header)
    for entry in trace.entries:
        writer.write(entry)
    writer.close(trace.footer)


def load(path: Path) -> Trace:
    """Read and check a trace file (`.jsonl` or `.jsonl.gz`).

    Raises TraceError naming file and line.  A missing footer is an interrupted run: footer is None.
    A last line without its newline was cut off while being written and is left out.
    """
    try:
        with path.open("rb") as raw:
            return _read(raw, os.fstat(raw.fileno()).st_size, str(path))
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TraceError(f"cannot read: {reason}", where=str(path)) from error


def loads(data: bytes, name: str = "<trace>") -> Trace:
    """`load` for bytes in memory."""
    try:
        return _read(io.BytesIO(data), len(data), name)
    except (OSError, zlib.error) as error:
        raise TraceError(f"cannot read: {error}", where=name) from error


def _read(raw: IO[bytes] | io.BytesIO, size: int, name: str) -> Trace:
    """Decode a file of `size` bytes, compressed or not, whatever it is called."""
    magic = raw.read(len(GZIP_MAGIC))
    raw.seek(0)
    if magic != GZIP_MAGIC:
        return decode(_lines(raw, TOTAL_BYTES_MAX, name), name)
    limit = min(TOTAL_BYTES_MAX, max(GZIP_FREE_BYTES, GZIP_RATIO_MAX * size))
    return decode(_lines(gzip.GzipFile(fileobj=raw), limit, name), name)


def _lines(stream: IO[bytes] | gzip.GzipFile, total_max: int, name: str) -> Iterator[bytes]:
    """The complete lines; what was cut off while being written is left out."""
    total = number = 0
    while True:
        try:
            line = stream.readline(LINE_BYTES_MAX + 1)
        except EOFError:  # a compressed file that was cut off
            return
        number += 1
        total += len(line)
        if len(line) > LINE_BYTES_MAX or total > total_max:
            raise TraceError("too large to be a trace", where=f"{name}:{number}")
        if not line.endswith(b"\n"):
            if line and number == 1:
                yield line
            return
        yield line


def decode(lines: Iterable[bytes], name: str) -> Trace:
    """Build a Trace from complete lines; the rules of `load`."""
    header: Header | None = None
    footer: Footer | None = None
    entries: list[Entry] = []
    seen: set[str] = set()
    known: frozenset[str] = frozenset()
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        data = read_object(line, where)
        if header is None:
            header = read_header(data, where)
            known = frozenset(header.nodes)
        elif footer is not None:
            raise TraceError("a line after the verdict", where=where, remedy="remove what follows")
        elif "verdict" in data:
            footer = read_footer(data, where, len(entries))
        else:
            entry = read_entry(data, known, where)
            if entry.id in seen:
                raise TraceError(f"event {said(entry.id)} happens twice", where=where)
            seen.add(entry.id)
            entries.append(entry)
    if header is None:
        raise TraceError("empty file, not a trace", where=name)
    return Trace(header, tuple(entries), footer)

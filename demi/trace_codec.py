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
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import msgspec

from demi.errors import TraceError
from demi.events import parse_id, valid_node_name
from demi.oracle import Verdict, Violation, violation_from_json, violation_to_json
from demi.trace import VERSION, Entry, Footer, Header, Trace

LINE_BYTES_MAX = 8 << 20  # longer lines are an attack or an accident; ours stay under 100 kB
TOTAL_BYTES_MAX = 4 << 30  # decompressed; a million events are 300 MB
GZIP_FREE_BYTES = 64 << 20  # below this no ratio is suspicious
GZIP_RATIO_MAX = 200  # beyond it a gzip bomb ends; traces compress 5 to 40 times
NESTING_MAX = 100  # deeper values would exhaust the stack of whoever walks them
SAID_MAX = 80  # characters of a file's own text that an error message repeats
GZIP_MAGIC = b"\x1f\x8b"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

_HEADER_KEYS = tuple(f.name for f in fields(Header) if f.name != "extra")
_ENTRY_KEYS = tuple(f.name for f in fields(Entry) if f.name != "extra")
_FOOTER_KEYS = ("verdict", "reason", "steps", "violation")
_LISTS = ("out", "armed", "lost", "log", "nodes")
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,), "cause": (str,), "out": (list,), "armed": (list,), "lost": (list,), "en": (int,),
    "st": (str,), "fell": (bool,), "fail": (dict, type(None)), "delta": (dict,), "log": (list,),
    "group": (str,), "target": (str,), "config": (dict,), "nodes": (list,), "network": (str,),
    "lossy": (bool,), "timers": (str,), "strategy": (str,), "seed": (int,), "hash_seed": (str,),
    "tool": (str,), "target_version": (str,), "parent": (str,), "boot": (dict,),
    "verdict": (str,), "reason": (str,), "steps": (int,), "violation": (dict, type(None)),
}  # fmt: skip


def _line(data: dict[str, Any]) -> bytes:
    try:
        return _encode(data) + b"\n"
    except UnicodeEncodeError:  # a lone surrogate in a user's text
        return _encode(_escaped(data)) + b"\n"


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
    data.update((key, getattr(header, key)) for key in _HEADER_KEYS)
    data.update(header.extra)
    return _line(data)


def entry_line(entry: Entry) -> bytes:
    """One event; fields that say nothing are left out."""
    data: dict[str, Any] = {"id": entry.id}
    for key in _ENTRY_KEYS[1:]:
        value = getattr(entry, key)
        if value or (key == "msg" and value is not None):
            data[key] = value
    if entry.extra:
        data.update(entry.extra)
    return _line(data)


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
        try:
            self._file.write(entry_line(entry))
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
        data = _object(line, where)
        if header is None:
            header = _header(data, where)
            known = frozenset(header.nodes)
        elif footer is not None:
            raise TraceError("a line after the verdict", where=where, remedy="remove what follows")
        elif "verdict" in data:
            footer = _footer(data, where, len(entries))
        else:
            entry = _entry(data, known, where)
            if entry.id in seen:
                raise TraceError(f"event {_said(entry.id)} happens twice", where=where)
            seen.add(entry.id)
            entries.append(entry)
    if header is None:
        raise TraceError("empty file, not a trace", where=name)
    return Trace(header, tuple(entries), footer)


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        data = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TraceError(f"not JSON: {error}", where=where, remedy=_REMEDY) from error
    if not isinstance(data, dict):
        raise TraceError("a line must be a JSON object", where=where, remedy=_REMEDY)
    if line.count(b"[") + line.count(b"{") > NESTING_MAX and _depth_exceeds(data, NESTING_MAX):
        raise TraceError(f"nested deeper than {NESTING_MAX}", where=where, remedy=_REMEDY)
    for key, value in data.items():
        want = _TYPES.get(key)
        if want and (type(value) not in want or (type(value) is int and abs(value) > 2**63)):
            names = " or ".join(t.__name__ for t in want)
            raise TraceError(f"{key!r} must be {names}", where=where, remedy=_REMEDY)
        if key in _LISTS and not _strings(value):
            raise TraceError(f"{key!r} must be a list of strings", where=where, remedy=_REMEDY)
    return data


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            part
            for one in level
            if isinstance(one, (dict, list))
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _said(value: Any) -> str:
    """A value out of the file, safe and short enough for a message."""
    return ascii(value)[:SAID_MAX]


_REMEDY = "the file is corrupt from this line on; record it again or restore it"


def _header(data: dict[str, Any], where: str) -> Header:
    if data.get("demi") != "trace":
        raise TraceError("not a demi trace: the first line has no header", where=where)
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise TraceError(
            f"written as demi-trace version {_said(version)}, this demi reads version {VERSION}",
            where=where,
            remedy=f"use the demi that wrote it (tool {_said(data.get('tool'))})",
        )
    for key in ("target", "config", "nodes"):
        if key not in data:
            raise TraceError(f"the header has no {key!r}", where=where, remedy=_REMEDY)
    bad = [name for name in data["nodes"] if not valid_node_name(name)]
    if bad:
        raise TraceError(f"not a node name: {_said(bad[0])}", where=where, remedy=_REMEDY)
    if len(set(data["nodes"])) != len(data["nodes"]):
        raise TraceError("a node is listed twice", where=where, remedy=_REMEDY)
    _check_boot(data.get("boot", {}), where)
    known = {key: data[key] for key in _HEADER_KEYS if key in data}
    known["nodes"] = tuple(known["nodes"])
    extra = {
        k: v for k, v in data.items() if k not in _HEADER_KEYS and k not in ("demi", "version")
    }
    return Header(**known, extra=extra)


def _check_boot(boot: dict[str, Any], where: str) -> None:
    states = boot.get("state", {})
    lists = _strings(boot.get("out", [])) and _strings(boot.get("armed", []))
    if not lists or type(states) is not dict or any(type(s) is not dict for s in states.values()):
        raise TraceError(
            "'boot' must hold lists of ids and states by node", where=where, remedy=_REMEDY
        )


def _entry(data: dict[str, Any], nodes: frozenset[str], where: str) -> Entry:
    if "id" not in data:
        raise TraceError("an event without an id", where=where, remedy=_REMEDY)
    try:
        name = parse_id(data["id"])
    except TraceError as error:
        raise TraceError(error.what, where=where, remedy=_REMEDY) from error
    unknown = [node for node in (*name.nodes, name.peer) if node and node not in nodes]
    if unknown:
        raise TraceError(
            f"event {_said(data['id'])} names node {_said(unknown[0])}, which the header does not list",
            where=where,
            remedy=_REMEDY,
        )
    known: dict[str, Any] = {key: data[key] for key in _ENTRY_KEYS if key in data}
    for key in ("out", "armed", "lost", "log"):
        if key in known:
            known[key] = tuple(known[key])
    if known.get("fail") and not all(isinstance(v, str) for v in known["fail"].values()):
        raise TraceError("'fail' must hold strings", where=where, remedy=_REMEDY)
    return Entry(**known, extra={k: v for k, v in data.items() if k not in _ENTRY_KEYS})


def _footer(data: dict[str, Any], where: str, steps: int) -> Footer:
    try:
        verdict = Verdict(data["verdict"])
    except ValueError as error:
        raise TraceError(f"no such verdict: {_said(data['verdict'])}", where=where) from error
    counted = data.get("steps", steps)
    if counted != steps:
        raise TraceError(
            f"the verdict counts {counted} events, the file has {steps}", where=where,
            remedy="lines are missing; record it again",
        )  # fmt: skip
    raw = data.get("violation")
    violation = _violation(raw, steps, where) if raw else None
    extra = {k: v for k, v in data.items() if k not in _FOOTER_KEYS}
    return Footer(verdict, data.get("reason", ""), counted, violation, extra)


def _violation(raw: dict[str, Any], steps: int, where: str) -> Violation:
    texts = all(type(raw.get(key)) is str for key in ("invariant", "key", "text"))
    step = raw.get("step")
    if not texts or not _strings(raw.get("nodes")) or type(step) is not int:
        raise TraceError(
            "a violation needs 'invariant', 'key', 'step', 'nodes' and 'text'",
            where=where,
            remedy=_REMEDY,
        )
    if not 0 <= step < max(1, steps):
        raise TraceError(
            f"the violation is at step {_said(step)} of {steps}", where=where, remedy=_REMEDY
        )
    return violation_from_json(raw)

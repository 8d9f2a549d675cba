"""Checks on a trace file: one line of bytes to one checked noun, or a TraceError that says where.

The one insight: a file is input from a stranger, so every field is checked here, once, and whoever holds
a `Trace` may trust its shape, but still not its strings: those are escaped by whoever shows them.

Not here: where lines come from, and writing them (`demi/trace_codec.py`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgspec

from demi.errors import TraceError
from demi.events import parse_id, valid_node_name
from demi.trace import ALSO, VERSION, Entry, Footer, Header
from demi.verdict import Verdict, Violation, violation_from_json

NESTING_MAX = 100  # deeper values would exhaust the stack of whoever walks them
NODES_MAX = 1000  # every clock and every picture has a place per node
SAID_MAX = 80  # characters of a file's own text that an error message repeats

_REMEDY = "the file is corrupt from this line on; record it again or restore it"
_decode = msgspec.json.Decoder().decode
HEADER_KEYS = tuple(f.name for f in fields(Header) if f.name != "extra")
ENTRY_KEYS = tuple(name for name in Entry.__struct_fields__ if name != "extra")
FOOTER_KEYS = ("verdict", "reason", "steps", "violation")
_LISTS = ("out", "armed", "lost", "log", "nodes")
_TYPES: dict[str, tuple[type, ...]] = {
    "id": (str,), "cause": (str,), "out": (list,), "armed": (list,), "lost": (list,), "en": (int,),
    "st": (str,), "fell": (bool,), "fail": (dict, type(None)), "delta": (dict,), "log": (list,),
    "group": (str,), "target": (str,), "config": (dict,), "nodes": (list,), "network": (str,),
    "lossy": (bool,), "timers": (str,), "strategy": (str,), "seed": (int,), "hash_seed": (str,),
    "tool": (str,), "target_version": (str,), "parent": (str,), "boot": (dict,),
    "verdict": (str,), "reason": (str,), "steps": (int,), "violation": (dict, type(None)),
}  # fmt: skip


def read_object(line: bytes, where: str) -> dict[str, Any]:
    """One line as a JSON object whose known keys have their types."""
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


def said(value: Any) -> str:
    """A value out of the file, safe and short enough for a message."""
    return ascii(value)[:SAID_MAX]


def read_header(data: dict[str, Any], where: str) -> Header:
    """The first line; refuses another version by name."""
    if data.get("demi") != "trace":
        raise TraceError("not a demi trace: the first line has no header", where=where)
    version = data.get("version")
    if type(version) is not int or version != VERSION:
        raise TraceError(
            f"written as demi-trace version {said(version)}, this demi reads version {VERSION}",
            where=where,
            remedy=f"use the demi that wrote it (tool {said(data.get('tool'))})",
        )
    for key in ("target", "config", "nodes"):
        if key not in data:
            raise TraceError(f"the header has no {key!r}", where=where, remedy=_REMEDY)
    bad = [name for name in data["nodes"] if not valid_node_name(name)]
    if bad:
        raise TraceError(f"not a node name: {said(bad[0])}", where=where, remedy=_REMEDY)
    if len(set(data["nodes"])) != len(data["nodes"]):
        raise TraceError("a node is listed twice", where=where, remedy=_REMEDY)
    if len(data["nodes"]) > NODES_MAX:
        raise TraceError(f"more than {NODES_MAX} nodes", where=where, remedy=_REMEDY)
    _check_boot(data.get("boot", {}), where)
    known = {key: data[key] for key in HEADER_KEYS if key in data}
    known["nodes"] = tuple(known["nodes"])
    extra = {k: v for k, v in data.items() if k not in HEADER_KEYS and k not in ("demi", "version")}
    return Header(**known, extra=extra)


def _check_boot(boot: dict[str, Any], where: str) -> None:
    states = boot.get("state", {})
    lists = _strings(boot.get("out", [])) and _strings(boot.get("armed", []))
    if not lists or type(states) is not dict or any(type(s) is not dict for s in states.values()):
        raise TraceError(
            "'boot' must hold lists of ids and states by node", where=where, remedy=_REMEDY
        )


def read_entry(data: dict[str, Any], nodes: frozenset[str], where: str) -> Entry:
    """One event; `nodes` are those of the header."""
    if "id" not in data:
        raise TraceError("an event without an id", where=where, remedy=_REMEDY)
    try:
        name = parse_id(data["id"])
    except TraceError as error:
        raise TraceError(error.what, where=where, remedy=_REMEDY) from error
    unknown = [node for node in (*name.nodes, name.peer) if node and node not in nodes]
    if unknown:
        raise TraceError(
            f"event {said(data['id'])} names node {said(unknown[0])}, which the header does not list",
            where=where,
            remedy=_REMEDY,
        )
    known: dict[str, Any] = {key: data[key] for key in ENTRY_KEYS if key in data}
    for key in ("out", "armed", "lost", "log"):
        if key in known:
            known[key] = tuple(known[key])
    if known.get("fail") and not all(isinstance(v, str) for v in known["fail"].values()):
        raise TraceError("'fail' must hold strings", where=where, remedy=_REMEDY)
    _check_also(data.get(ALSO, {}), nodes, where)
    return Entry(**known, extra={k: v for k, v in data.items() if k not in ENTRY_KEYS})


def _check_also(also: Any, nodes: frozenset[str], where: str) -> None:
    if type(also) is not dict or any(type(delta) is not dict for delta in also.values()):
        raise TraceError(f"{ALSO!r} must hold changes by node", where=where, remedy=_REMEDY)
    for node in also:
        if node not in nodes:
            raise TraceError(
                f"an event changes node {said(node)}, which the header does not list",
                where=where,
                remedy=_REMEDY,
            )


def read_footer(data: dict[str, Any], where: str, steps: int) -> Footer:
    """The last line, after `steps` events."""
    try:
        verdict = Verdict(data["verdict"])
    except ValueError as error:
        raise TraceError(f"no such verdict: {said(data['verdict'])}", where=where) from error
    counted = data.get("steps", steps)
    if counted != steps:
        raise TraceError(
            f"the verdict counts {counted} events, the file has {steps}", where=where,
            remedy="lines are missing; record it again",
        )  # fmt: skip
    raw = data.get("violation")
    violation = _violation(raw, steps, where) if raw else None
    extra = {k: v for k, v in data.items() if k not in FOOTER_KEYS}
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
            f"the violation is at step {said(step)} of {steps}", where=where, remedy=_REMEDY
        )
    return violation_from_json(raw)

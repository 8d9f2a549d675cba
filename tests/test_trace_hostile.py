"""Trace files from strangers: each ends in a TraceError that says where, or is read as plain data."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from demi.errors import ExitCode, TraceError
from demi.trace import VERSION
from demi.trace_check import NODES_MAX
from demi.trace_codec import GZIP_FREE_BYTES, LINE_BYTES_MAX, load, loads

HEADER: dict[str, Any] = {
    "demi": "trace", "version": VERSION, "target": "raft", "config": {}, "nodes": ["n1", "n2"],
}  # fmt: skip
ENTRY = {"id": "n1>n2:Vote#1"}
VIOLATION: dict[str, Any] = {"invariant": "X", "key": "", "step": 0, "nodes": ["n1"], "text": "t"}
FOOTER = {"verdict": "violated", "reason": "", "steps": 1, "violation": VIOLATION}


def lines(*objects: Any) -> bytes:
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in objects
    )


def refused(data: bytes) -> TraceError:
    with pytest.raises(TraceError) as caught:
        loads(data, "some.jsonl")
    error = caught.value
    assert error.exit_code == ExitCode.USAGE
    assert error.where.startswith("some.jsonl")
    assert str(error).isprintable() and len(str(error)) < 400, "safe and short on a terminal"
    return error


def test_the_file_that_the_others_spoil_is_good() -> None:
    assert len(loads(lines(HEADER, ENTRY, FOOTER))) == 1


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b"", 0, "empty file"),
        (b"\n", 1, "not JSON"),
        (b"\x00\xff\xfe" * 50, 1, "not JSON"),
        (b"hello\n", 1, "not JSON"),
        (b"[]\n", 1, "must be a JSON object"),
        (b"{}\n", 1, "no header"),
        (lines(ENTRY, FOOTER), 1, "no header"),
        (lines(HEADER, b'{"id":"n1>n2:Vo\xff#1"}'), 2, "not JSON"),
        (lines(HEADER, b'{"id":"n1>n2:Vote'), 2, "not JSON"),
        (lines(HEADER, b""), 2, "not JSON"),
        (lines(HEADER, ENTRY, ENTRY), 3, "happens twice"),
        (lines(HEADER, HEADER), 2, "without an id"),
        (lines(HEADER, {"id": "no id"}), 2, "not an event id"),
        (lines(HEADER, {"id": "n1>n2:\x1b]0;owned\x07#1"}), 2, "not an event id"),
        (lines(HEADER, {"id": "n1>n9:Vote#1"}), 2, "n9"),
        (lines(HEADER, {"id": "ext:crash(n9)#1"}), 2, "n9"),
        (lines(HEADER, {"id": 7}), 2, "'id' must be str"),
        (lines(HEADER, ENTRY | {"out": "n1"}), 2, "'out' must be list"),
        (lines(HEADER, ENTRY | {"out": [1]}), 2, "list of strings"),
        (lines(HEADER, ENTRY | {"fell": 1}), 2, "'fell' must be bool"),
        (lines(HEADER, ENTRY | {"en": True}), 2, "'en' must be int"),
        (lines(HEADER, ENTRY | {"delta": []}), 2, "'delta' must be dict"),
        (lines(HEADER, ENTRY | {"fail": {"error": 1}}), 2, "'fail' must hold strings"),
        (lines(HEADER | {"nodes": ["n1", "\x1b[2J"]}), 1, "not a node name"),
        (lines(HEADER | {"nodes": ["n1", "n1"]}), 1, "listed twice"),
        (lines(HEADER | {"nodes": [f"n{i}" for i in range(NODES_MAX + 1)]}), 1, "more than"),
        (lines(HEADER | {"boot": {"state": {"n1": 3}}}), 1, "'boot' must hold"),
        (lines(HEADER | {"boot": {"out": [3]}}), 1, "'boot' must hold"),
        (lines(HEADER | {"seed": "7"}), 1, "'seed' must be int"),
        (lines({k: v for k, v in HEADER.items() if k != "nodes"}), 1, "no 'nodes'"),
        (lines(HEADER, ENTRY, FOOTER, ENTRY), 4, "after the verdict"),
        (lines(HEADER, FOOTER), 2, "counts 1 events, the file has 0"),
        (lines(HEADER, ENTRY, FOOTER | {"verdict": "\x1b[1mfine"}), 3, "no such verdict"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": {}} | {"verdict": 1}), 3, "must be str"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": {"step": 0}}), 3, "a violation needs"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": VIOLATION | {"step": 5}}), 3, "at step 5"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": VIOLATION | {"step": 1e300}}), 3, "needs"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": VIOLATION | {"nodes": [{}]}}), 3, "needs"),
        (lines(HEADER, ENTRY, FOOTER | {"violation": [1]}), 3, "'violation' must be"),
    ],
)  # fmt: skip
def test_a_spoiled_file_is_refused_at_its_line(data: bytes, line: int, says: str) -> None:
    error = refused(data)
    assert says in error.what
    assert error.where == (f"some.jsonl:{line}" if line else "some.jsonl")


@pytest.mark.parametrize("version", [2, 0, -1, "1", None, 1.0, True, "\x1b[31m2", 10**15, [[]]])
def test_another_version_is_refused_with_both_named(version: object) -> None:
    error = refused(lines(HEADER | {"version": version, "tool": "9.9\x1b[0m"}, ENTRY))
    assert ascii(version) in error.what and f"version {VERSION}" in error.what
    assert "9.9" in error.remedy


@pytest.mark.parametrize("digits", [25, 400, 100_000])
def test_huge_numbers(digits: int) -> None:
    huge = "9" * digits
    refused(lines(HEADER, f'{{"id":"n1!t#1","en":{huge}}}'.encode()))
    try:
        (entry,) = loads(lines(HEADER, f'{{"id":"n1!t#1","msg":{huge}}}'.encode()))
    except TraceError:
        assert digits > 4000
    else:
        assert entry.msg == int(huge), "a payload may hold any number that Python prints"


@pytest.mark.parametrize(
    "number", ["1e400", "-1e999", "NaN", "Infinity", str(2**64), "-" + "9" * 20]
)
def test_numbers_that_no_integer_field_takes(number: str) -> None:
    refused(lines(HEADER, f'{{"id":"n1!t#1","en":{number}}}'.encode()))


@pytest.mark.parametrize("depth", [101, 900, 5_000, 1_000_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting(depth: int, left: str, right: str) -> None:
    deep = left * depth + ("1" if left != "[" else "") + right * depth
    refused(lines(HEADER, f'{{"id":"n1!t#1","msg":{deep}}}'.encode()))


def test_wide_values_are_no_nesting() -> None:
    wide = {"id": "n1!t#1", "msg": [[i] for i in range(5000)]}
    assert len(loads(lines(HEADER, wide)).entries[0].msg) == 5000


def test_an_endless_line() -> None:
    assert "too large" in refused(lines(HEADER) + b"x" * (LINE_BYTES_MAX + 1)).what
    assert "too large" in refused(b" " * (LINE_BYTES_MAX + 1)).what


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    zeros = b'{"id":"n1!t#%d","msg":"' + b"0" * (4 << 20) + b'"}\n'
    body = b"".join(zeros % nth for nth in range(1, GZIP_FREE_BYTES // len(zeros) + 3))
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(lines(HEADER) + body))
    assert path.stat().st_size * 500 < len(body)
    with pytest.raises(TraceError, match="too large") as caught:
        load(path)
    assert str(path) in caught.value.where


def test_spoiled_compression(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(lines(HEADER, *[{"id": f"n1!t#{i + 1}"} for i in range(999)])))
    for at in range(12, len(packed), 7):
        spoiled = bytes(packed[:at]) + bytes([packed[at] ^ 0x55]) + bytes(packed[at + 1 :])
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(spoiled)
        try:
            load(path)
        except TraceError as error:
            assert str(path) in error.where


def test_a_target_that_names_code_is_only_a_string(tmp_path: Path) -> None:
    (tmp_path / "evil_target.py").write_text("raise SystemExit('imported')")
    sys.path.insert(0, str(tmp_path))
    try:
        trace = loads(lines(HEADER | {"target": "evil_target:TARGET"}, ENTRY))
    finally:
        sys.path.remove(str(tmp_path))
    assert trace.header.target == "evil_target:TARGET"
    assert "evil_target" not in sys.modules


def test_escapes_in_payloads_are_data() -> None:
    nasty = "\x1b[2J\u202e[red]\r\n\x07"
    entry = ENTRY | {"msg": {nasty: nasty}, "log": [nasty], "delta": {nasty: nasty}, "out": [nasty]}
    (read,) = loads(lines(HEADER, entry)).entries
    assert read.msg == {nasty: nasty} and read.log == read.out == (nasty,)


@given(st.binary(max_size=200))
@example(b"\x1f\x8b")
@example(b"\x1f\x8b\x08\x00")
def test_any_bytes_are_refused_cleanly(data: bytes) -> None:
    refused(data)


@given(st.data())
def test_any_changed_byte_is_refused_cleanly_or_read(data: st.DataObject) -> None:
    good = bytearray(lines(HEADER, ENTRY | {"out": ["a"], "delta": {"a": {"+": [1]}}}, FOOTER))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        loads(bytes(good))
    except TraceError as error:
        assert str(error).isprintable()

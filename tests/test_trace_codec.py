"""The trace file: what is written is read back, byte for byte, and a broken disk loses nothing else."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.errors import TraceError
from demi.events import delivery_id, parse_id, timer_id
from demi.oracle import Detail, Verdict, Violation
from demi.trace import Entry, Footer, Header, Trace
from demi.trace_check import ENTRY_KEYS, FOOTER_KEYS, HEADER_KEYS
from demi.trace_codec import TraceWriter, digest, encode, entry_line, load, loads, save

FORMAT = Path(__file__).parent.parent / "docs" / "trace-format.md"
RESERVED = {"demi", "version", "verdict", *HEADER_KEYS, *ENTRY_KEYS, *FOOTER_KEYS}
NODES = ("n1", "n2")

texts = st.text(max_size=8)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | floats | texts
jsons = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(texts, jsons, max_size=3)
extras = st.dictionaries(texts.filter(lambda key: key not in RESERVED), jsons, max_size=2)
words = st.lists(texts, max_size=3).map(tuple)


@st.composite
def entries(draw: st.DrawFn, nth: int) -> Entry:
    name = draw(
        st.sampled_from(
            [
                delivery_id("n1", "n2", "Vote", nth),
                timer_id("n2", "élection ▶", nth),
                f"ext:client(n1)#{nth}",
                f"ext:cut(n1>n2)#{nth}",
            ]
        )
    )
    return Entry(
        name, draw(texts), draw(jsons), draw(words), draw(words), draw(words),
        draw(st.integers(0, 99)), draw(texts), draw(st.booleans()),
        draw(st.none() | st.dictionaries(texts, texts, min_size=1, max_size=3)),
        draw(objects), draw(words), draw(texts), draw(extras),
    )  # fmt: skip


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    boot = {"out": draw(st.lists(texts, max_size=2)), "state": {"n1": draw(objects)}}
    header = Header(
        draw(texts), draw(objects), NODES, draw(texts), draw(st.booleans()), draw(texts),
        draw(texts), draw(st.integers(0, 2**63)), draw(texts), draw(texts), draw(texts),
        draw(texts), draw(st.just({}) | st.just(boot)), draw(extras),
    )  # fmt: skip
    steps = draw(st.integers(0, 4))
    body = tuple([draw(entries(nth)) for nth in range(1, steps + 1)])
    if draw(st.booleans()):
        return Trace(header, body)
    detail = Detail(draw(words), draw(texts), draw(texts))
    violation = Violation(draw(texts), detail, draw(st.integers(0, max(0, steps - 1))))
    footer = Footer(
        draw(st.sampled_from(Verdict)), draw(texts), steps,
        draw(st.none() | st.just(violation)), draw(extras),
    )  # fmt: skip
    return Trace(header, body, footer)


def small(steps: int = 3) -> Trace:
    body = tuple(Entry(f"n1>n2:Vote#{nth}", msg={"term": nth}) for nth in range(1, steps + 1))
    return Trace(Header("raft", {}, NODES), body, Footer(Verdict.NOT_FOUND, "quiescence", steps))


@given(traces())
def test_what_is_written_is_read_back(trace: Trace) -> None:
    data = encode(trace)
    assert loads(data) == trace
    assert encode(loads(data)) == data


@given(traces(), st.data())
def test_any_prefix_is_refused_or_read_as_what_it_holds(trace: Trace, data: st.DataObject) -> None:
    whole = encode(trace)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    lines = cut.count(b"\n")
    if not lines:
        with pytest.raises(TraceError):
            loads(cut)
        return
    read = loads(cut)
    assert read.entries == trace.entries[: lines - 1]
    assert read.footer is None


def test_the_bytes_are_fixed() -> None:
    assert encode(small(1)) == (
        b'{"demi":"trace","version":1,"target":"raft","config":{},"nodes":["n1","n2"],'
        b'"network":"fifo","lossy":false,"timers":"free","strategy":"","seed":0,"hash_seed":"",'
        b'"tool":"","target_version":"","parent":"","boot":{}}\n'
        b'{"id":"n1>n2:Vote#1","msg":{"term":1}}\n'
        b'{"verdict":"not found within the budget","reason":"quiescence","steps":1,'
        b'"violation":null}\n'
    )
    assert digest(small(1)) == digest(small(1)) != digest(small(2))


def test_falsy_payloads_are_payloads() -> None:
    for payload in (0, False, "", [], {}):
        line = entry_line(Entry("n1!t#1", msg=payload))
        assert b'"msg":' in line
    assert b"msg" not in entry_line(Entry("n1!t#1"))


def test_unknown_keys_are_kept() -> None:
    lines = encode(small(1)).splitlines()
    grown = b"\n".join(line[:-1] + b',"later":[1,{"a":"b"}]}' for line in lines) + b"\n"
    trace = loads(grown)
    assert trace.header.extra == trace.entries[0].extra == {"later": [1, {"a": "b"}]}
    assert encode(trace) == grown


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    trace = Trace(
        Header("raft", {}, NODES),
        (Entry("n1!t#1", msg={"\udc80": ["a\ud800"]}, log=("\udfff",)),),
    )
    (entry,) = loads(encode(trace)).entries
    assert entry.msg == {"\\udc80": ["a\\ud800"]} and entry.log == ("\\udfff",)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_files_are_equal_bytes_and_never_half_there(tmp_path: Path, name: str) -> None:
    path, again = tmp_path / "deep" / "er" / name, tmp_path / name
    save(small(), path)
    save(small(), again)
    assert load(path) == small()
    assert path.read_bytes() == again.read_bytes()
    writer = TraceWriter(path, small(50).header)
    for entry in small(50).entries:
        writer.write(entry)
    assert load(path) == small(), "the old file is there until the new one is whole"
    writer.close(None)
    assert load(path).footer is None and len(load(path)) == 50
    assert sorted(p.name for p in path.parent.iterdir()) == [name]


def test_compression_is_seen_from_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz.part"
    path.write_bytes(gzip.compress(encode(small())))
    assert load(path) == small()
    plain = tmp_path / "b.jsonl.gz"
    plain.write_bytes(encode(small()))
    assert load(plain) == small()


def test_a_compressed_file_that_was_cut_off_keeps_its_complete_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    save(small(2000), path)
    path.write_bytes(path.read_bytes()[:-500])
    trace = load(path)
    assert trace.footer is None
    assert 0 < len(trace) < 2000 and trace.entries == small(2000).entries[: len(trace)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_said_and_never_renamed_into_a_trace(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    save(small(), path)
    (tmp_path / f"{name}.part").symlink_to("/dev/full")
    with pytest.raises(TraceError, match="No space left") as caught:
        save(small(5), path)
    assert str(path) in caught.value.where and "free space" in caught.value.remedy
    assert load(path) == small()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_disk_that_fills_during_the_run_is_said_at_the_event(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.part").symlink_to("/dev/full")
    writer = TraceWriter(tmp_path / "a.jsonl", small().header)
    with pytest.raises(TraceError, match="No space left"):
        for nth in range(10_000):
            writer.write(Entry(f"n1!t#{nth + 1}", msg="x" * 100))


def test_a_place_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for attempt in (
        lambda: save(small(), tmp_path / "file" / "a.jsonl"),
        lambda: load(tmp_path / "missing.jsonl"),
        lambda: load(tmp_path),
    ):
        with pytest.raises(TraceError) as caught:
            attempt()
        assert str(tmp_path) in caught.value.where


def test_an_event_that_no_reader_would_take_is_refused_by_the_writer(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "a.jsonl", small().header)
    writer.write(small().entries[0])
    with pytest.raises(TraceError, match="n1!big#1"):
        writer.write(Entry("n1!big#1", msg="x" * (9 << 20)))
    writer.close(None)
    assert load(tmp_path / "a.jsonl").entries == small().entries[:1]


def test_the_example_of_the_documentation_is_a_trace() -> None:
    (example,) = re.findall(r"```jsonl\n(.*?)```", FORMAT.read_text("utf-8"), re.DOTALL)
    trace = loads(example.encode())
    assert encode(trace) == example.encode(), "keys in the order that demi writes"
    assert trace.violation is not None and trace.violation.step == len(trace) - 1
    seen: set[str] = set(trace.header.boot["out"]) | set(trace.header.boot["armed"])
    for entry in trace:
        assert entry.is_external or entry.id in seen, "nothing happens that nobody caused"
        seen.update(entry.out, entry.armed)
        assert parse_id(entry.id).node in trace.header.nodes


def test_the_documentation_names_every_key() -> None:
    text = FORMAT.read_text("utf-8")
    keys: set[Any] = {"demi", "version", *HEADER_KEYS, *ENTRY_KEYS, *FOOTER_KEYS}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []

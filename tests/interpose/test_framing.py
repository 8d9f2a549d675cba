"""Framing loses no byte, whatever the boundaries of sends, and names messages."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from demi.interpose.framing import Framed, Header, Lines, MakeDecoder, length_prefixed

OPENFLOW = Header(8, lambda h: int.from_bytes(h[2:4], "big"), lambda m: f"type{m[1]}")


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(0, 150), max_size=8))
def test_messages_do_not_depend_on_how_they_were_sent(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    framed = Framed(length_prefixed(4), lambda why: None)
    frames = [frame for part in split(stream, cuts) for frame in framed.feed(part)]
    assert [frame.data[4:] for frame in frames] == bodies
    assert framed.rest() == []


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_no_byte_is_lost_even_when_the_framing_is_wrong(data: bytes, cuts: list[int]) -> None:
    for make in (OPENFLOW, length_prefixed(2, order="little"), Lines(), None):
        framed = Framed(make, lambda why: None)
        out = b"".join(frame.data for part in split(data, cuts) for frame in framed.feed(part))
        assert out + b"".join(frame.data for frame in framed.rest()) == data


def labels(make: MakeDecoder | None, data: bytes) -> list[str]:
    return [frame.label for frame in Framed(make, lambda why: None).feed(data)]


def test_labels_come_from_the_decoder() -> None:
    assert labels(OPENFLOW, bytes.fromhex("0400000800000001040a000900000002ff")) == [
        "type0",
        "type10",
    ]
    assert labels(Lines(), b"GET x\nPUT y 1\n\nrest") == ["GET", "PUT", "line"]
    assert labels(length_prefixed(1, label=lambda body: body.decode() + "#\n"), b"\x01a") == ["a__"]
    assert labels(None, b"anything") == ["chunk"]


def test_a_framing_that_fails_is_reported_once_and_chunks_go_on() -> None:
    said: list[str] = []
    framed = Framed(OPENFLOW, said.append)
    assert framed.feed(b"\x04\x00\x00\x02\x00\x00\x00\x00")[0].label == "chunk"
    assert framed.feed(b"\x00" * 16)[0].label == "chunk"
    assert said == [
        "framing given up, events are chunks from here on: a header 0400000200000000 announces 2 bytes"
    ]


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.lists(st.integers(0, 150), max_size=6),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_a_part_is_given_when_it_has_to_be_and_the_messages_behind_it_are_whole(
    bodies: list[bytes], cuts: list[int], rests: list[bool]
) -> None:
    stream = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    said: list[str] = []
    framed = Framed(length_prefixed(2), said.append)
    frames = []
    for data, rest in zip(split(stream, cuts), rests, strict=False):
        frames += framed.feed(data)
        if rest:
            frames += framed.part()
            assert framed.pending == 0
            assert framed.part() == []
    frames += framed.rest()
    fed = b"".join(part for part, _ in zip(split(stream, cuts), rests, strict=False))
    assert b"".join(frame.data for frame in frames) == fed
    assert said == []
    whole = [frame for frame in frames if frame.label == "message"]
    if fed == stream:
        assert len(whole) == len(bodies)


def test_a_prompt_without_its_end_is_sent() -> None:
    framed = Framed(Lines(), lambda why: None)
    assert framed.feed(b"login: ") == []
    assert framed.part() == [("part", b"login: ")]
    assert framed.feed(b"ok\nnext\n") == [("login:", b"ok\n"), ("next", b"next\n")]
    assert framed.rest() == []

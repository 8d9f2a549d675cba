"""HTTP/1.1 and WebSocket framing: the same messages however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.interpose import http1, websocket
from demi.interpose.framing import Frame, FramingError

GET = b"GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b'POST /buy HTTP/1.1\r\nContent-Length: 7\r\nX-Key: k\r\n\r\n{"n":1}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\nuntil it closes"


def cut(direction: http1.Direction, data: bytes, sizes: list[int]) -> list[Frame]:
    frames, at = [], 0
    for size in [*sizes, len(data)]:
        frames += direction.feed(data[at : at + size])
        at += size
    return frames


@given(st.lists(st.integers(1, 40), max_size=12))
def test_messages_do_not_depend_on_where_bytes_are_cut(sizes: list[int]) -> None:
    exchange = http1.Exchange()
    asked = cut(http1.Direction(exchange, False), GET + HEAD + POST, sizes)
    assert asked == [Frame("GET /a", GET), Frame("HEAD /h", HEAD), Frame("POST /buy", POST)]
    answered = cut(http1.Direction(exchange, True), OK + HEAD_OK + CHUNKED, sizes)
    assert answered == [
        Frame("200 GET /a", OK), Frame("200 HEAD /h", HEAD_OK), Frame("201 POST /buy", CHUNKED),
    ]  # fmt: skip


def test_what_ends_with_its_connection_is_a_rest_and_chunks_follow() -> None:
    direction = http1.Direction(http1.Exchange(), True)
    assert direction.feed(ENDLESS) == []
    assert direction.incomplete
    assert direction.rest() == ENDLESS
    assert direction.feed(b"more") == [Frame("chunk", b"more")]


def test_messages_for_people() -> None:
    assert http1.read(POST) == {
        "method": "POST", "path": "/buy", "headers": {"x-key": "k"}, "body": {"n": 1},
    }  # fmt: skip
    assert http1.read(CHUNKED) == {"status": 201, "body": "abcde"}
    assert http1.read(http1.answer(503, "No"))["status"] == 503


def test_what_is_not_http_says_so() -> None:
    with pytest.raises(FramingError, match=r"not HTTP/1\.1"):
        http1.Direction(http1.Exchange(), False).feed(b"HELO there\r\n\r\n")


def frame(body: bytes, opcode: int, mask: bytes = b"") -> bytes:
    size = len(body)
    masked = 0x80 if mask else 0
    head = bytes([0x80 | opcode, masked | size]) if size < 126 else (
        bytes([0x80 | opcode, masked | 126]) + size.to_bytes(2, "big")
    )  # fmt: skip
    hidden = bytes(b ^ mask[i % 4] for i, b in enumerate(body)) if mask else body
    return head + mask + hidden


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=300), st.sampled_from([1, 2, 9]), st.binary(min_size=4, max_size=4)
        )
    ),
    st.integers(1, 50),
)
def test_websocket_frames_are_whole_and_unmasked(
    messages: list[tuple[bytes, int, bytes]], size: int
) -> None:
    data = b"".join(frame(*message) for message in messages)
    frames = websocket.Frames()
    got = [one for at in range(0, len(data), size) for one in frames.feed(data[at : at + size])]
    assert b"".join(one.data for one in got) == data
    assert len(got) == len(messages)
    plain = [websocket.read(frame(body, opcode)) for body, opcode, _ in messages]
    assert [websocket.read(one.data) for one in got] == plain


def test_an_upgrade_turns_both_directions_into_frames() -> None:
    exchange = http1.Exchange()
    asks, answers = http1.Direction(exchange, False), http1.Direction(exchange, True)
    asks.feed(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    said = frame(b'{"type": "join"}', 1)
    assert [one.label for one in answers.feed(switch + frame(b"", 9))] == ["101 GET /chat", "ping"]
    assert asks.feed(said) == [Frame("join", said)]

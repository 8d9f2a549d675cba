"""Framing: bytes of a stream cut into labelled messages, so that an event is a message, not a chunk.

The one insight: what a scheduler may hold, reorder and name is a message, and where one ends is decided
at the *send*, so a decoder per direction is all that a byte stream needs to look like a mailbox.

A decoder is fed what was sent and gives back whole messages, in order; the concatenation of their bytes
is exactly what went in.  Where none is known, or one fails, a message is whatever one send wrote
(`Chunks`), and the failure is reported once by the adapter.  Not here: who may deliver when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

LABEL_MAX = 40
_KNOWN_MAX, _KNOWN_SIZE = 4096, 512  # messages, and bytes of each, that are not cut again
FRAME_MAX = 64 * 1024 * 1024  # bytes; a longer announced length is taken as "not this framing"


class Frame(NamedTuple):
    """One message: `data` is its bytes as sent, header included; `label` its type for event names."""

    label: str
    data: bytes


class FramingError(Exception):
    """What was sent does not follow the framing."""


class Decoder(Protocol):
    """Cuts one direction of one connection.  A fresh one per direction: it keeps what is incomplete."""

    def feed(self, data: bytes) -> list[Frame]:
        """Messages completed by `data`, in order.  Raises FramingError."""
        ...

    def rest(self) -> bytes:
        """Bytes of a message that is not complete; empties the decoder."""
        ...


MakeDecoder = Callable[[], Decoder]
Label = Callable[[bytes], str]
Whole = Callable[[bytes], Frame | None]
_NOTHING_KNOWN: Mapping[bytes, Frame] = {}


class Chunks:
    """No framing known: what one send wrote is one message."""

    def __init__(self, label: str = "chunk") -> None:
        self._label = label

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(self._label, bytes(data))] if data else []

    def rest(self) -> bytes:
        return b""


@dataclass(frozen=True, slots=True)
class Header:
    """A fixed-size header that says how long the message is.

    size: bytes of the header.  total(header) -> bytes of the whole message, header included.
    label(message) -> type.  Both depend on nothing else: what was a whole message once is looked up.
    """

    size: int
    total: Callable[[bytes], int]
    label: Label = lambda message: "message"
    _known: dict[bytes, Frame] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self) -> Decoder:
        return _Buffered(self._cut, self._whole, self._known)

    def _whole(self, data: bytes) -> Frame | None:
        """The frame that `data` is, if it is exactly one: most sends are."""
        size = len(data)
        if not self.size <= size <= FRAME_MAX or self.total(data[: self.size]) != size:
            return None
        frame = Frame(named(self.label, data), data)
        if size <= _KNOWN_SIZE:
            if len(self._known) >= _KNOWN_MAX:
                self._known.clear()
            self._known[data] = frame
        return frame

    def _cut(self, buffer: bytearray) -> Iterator[Frame]:
        at, size, end = 0, self.size, len(buffer)
        while end - at >= size:
            header = bytes(buffer[at : at + size])
            whole = self.total(header)
            if not size <= whole <= FRAME_MAX:
                raise FramingError(f"a header {header.hex()} announces {whole} bytes")
            if end - at < whole:
                break
            message = bytes(buffer[at : at + whole])
            at += whole
            yield Frame(named(self.label, message), message)
        del buffer[:at]


def length_prefixed(
    size: int = 4, *, order: Any = "big", label: Label | None = None, inclusive: bool = False
) -> MakeDecoder:
    """Messages behind an integer of `size` bytes that counts what follows (inclusive: itself too).

    label is given the message without the prefix.
    """
    extra = 0 if inclusive else size
    name = label or (lambda body: "message")
    return Header(
        size,
        lambda header: int.from_bytes(header, order) + extra,
        lambda message: name(message[size:]),
    )


def first_word(line: bytes) -> str:
    """The first word of a line of text."""
    words = line.split(None, 1)
    return words[0].decode("utf-8", "replace") if words else "line"


@dataclass(frozen=True, slots=True)
class Lines:
    """Messages that end in `end`.  label is given the line without it; by default its first word."""

    end: bytes = b"\n"
    label: Label = first_word

    def __call__(self) -> Decoder:
        return _Buffered(self._cut)

    def _cut(self, buffer: bytearray) -> Iterator[Frame]:
        while (at := buffer.find(self.end)) >= 0:
            line = bytes(buffer[: at + len(self.end)])
            del buffer[: at + len(self.end)]
            yield Frame(named(self.label, line[: -len(self.end)]), line)
        if len(buffer) > FRAME_MAX:
            raise FramingError(f"{len(buffer)} bytes without an end of line")


class _Buffered:
    """A decoder that keeps what is incomplete.

    whole(data): the frame that it is, if it is exactly one.  known: such frames, by their bytes.
    """

    def __init__(
        self,
        cut: Callable[[bytearray], Iterator[Frame]],
        whole: Whole = lambda data: None,
        known: Mapping[bytes, Frame] = _NOTHING_KNOWN,
    ) -> None:
        self._cut, self._whole, self.known = cut, whole, known
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        frame = self.whole(data)
        if frame is not None:
            return [frame]
        self._buffer += data
        return list(self._cut(self._buffer))

    def whole(self, data: bytes) -> Frame | None:
        """The frame that `data` is, if nothing is incomplete and it is exactly one."""
        return None if self._buffer else self._whole(data)

    def rest(self) -> bytes:
        left = bytes(self._buffer)
        self._buffer.clear()
        return left


def named(label: Label, message: bytes) -> str:
    """A label fit for an event id; a label function that fails names the message `message`."""
    try:
        text = label(message)
    except Exception:
        return "message"
    return text if text in _FIT else _fit(text[:LABEL_MAX])


_FIT: set[str] = set()  # labels that need no change; labels are types of messages, so there are few
_FIT_MAX = 10_000


def _fit(text: str) -> str:
    kept = "".join(c if c.isprintable() and c != "#" else "_" for c in text) or "message"
    if len(_FIT) < _FIT_MAX:
        _FIT.add(kept)
    return kept


class Framed:
    """One direction with its decoder and its fallback to chunks.

    report(why) is called once, when the decoder failed; from then on a message is what one send wrote.
    """

    __slots__ = ("_ahead", "_at_once", "_decoder", "_known", "_report", "pending")

    def __init__(self, make: MakeDecoder | None, report: Callable[[str], None]) -> None:
        self._decoder: Decoder = Chunks() if make is None else make()
        self._at_once: Whole | None = getattr(self._decoder, "whole", None)
        self._known: Mapping[bytes, Frame] = getattr(self._decoder, "known", _NOTHING_KNOWN)
        self._report = report
        self._ahead = 0  # bytes of the incomplete message that `part` gave
        self.pending = 0  # bytes of it that nobody was given

    def whole(self, data: bytes) -> Frame | None:
        """`data` as the message that it is, if nothing is incomplete and it is exactly one; else feed it."""
        if self.pending or self._ahead:
            return None
        frame = self._known.get(data)
        if frame is not None or self._at_once is None:
            return frame
        try:
            return self._at_once(data)
        except Exception:  # `feed` says so
            return None

    def feed(self, data: bytes) -> list[Frame]:
        """Messages completed by `data`; with those of `part` and `rest` they are all bytes ever fed."""
        one = self.whole(data)
        if one is not None:
            return [one]
        try:
            frames = self._decoder.feed(data)
        except Exception as error:
            return self._give_up(str(error))
        self.pending += len(data)
        if frames:
            if self._ahead:
                frames[0] = Frame(frames[0].label, frames[0].data[self._ahead :])
                self._ahead = 0
            self.pending -= sum([len(frame.data) for frame in frames])
        return frames

    def part(self) -> list[Frame]:
        """What is incomplete, as a message of its own: whoever sends it waits before the rest of it."""
        if not self.pending:
            return []
        left = self._decoder.rest()
        try:
            known = self._decoder.feed(left)  # what follows is cut as if nothing had been given
        except Exception as error:
            return self._give_up(str(error))
        if known:
            return self._give_up("a decoder changes its mind about bytes that it has seen")
        part = left[self._ahead :]
        self._ahead, self.pending = len(left), 0
        return [Frame("part", part)]

    def rest(self) -> list[Frame]:
        """What is incomplete, as one chunk: the stream ends here."""
        left = self._decoder.rest()[self._ahead :]
        self._ahead = self.pending = 0
        return [Frame("chunk", left)] if left else []

    def _give_up(self, why: str) -> list[Frame]:
        self._report(f"framing given up, events are chunks from here on: {why}")
        left = self.rest()
        self._decoder = Chunks()
        self._at_once, self._known = None, _NOTHING_KNOWN
        return left

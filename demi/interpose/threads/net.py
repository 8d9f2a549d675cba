"""The network of held hosts: connections made, used and ended; each half of them at one node.

The one insight: whatever travels is handed over as (label, bytes, what its arrival does), so a world can
hold it, name it and lose it; and an arrival touches one node, since a connection is known at each end only
when its message got there.

Connecting, accepting, refusing, the end of a stream and a reset are messages like any other.  Within a
node everything arrives at once.  Not here: the ends (`streams.py`), order (`world.py`).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from typing import Protocol

from demi.interpose.framing import Chunks, Decoder, Framed, MakeDecoder
from demi.interpose.threads.hosts import Host
from demi.interpose.threads.kernel import Kernel
from demi.interpose.threads.recognized import pair
from demi.interpose.threads.streams import Address, End, Listener, Mailbox

Arrival = Callable[[], None]


class Post(Protocol):
    """Where things that travel between hosts go."""

    def __call__(self, src: Host, dst: Host, label: str, data: bytes, arrive: Arrival) -> None: ...


class Net:
    """All connections between the hosts of a kernel.  post: see `Post`; reachable(src, dst): no cut.

    decoder(server_port) -> how to cut the streams of a connection to that port, or None.
    """

    def __init__(
        self,
        kernel: Kernel,
        post: Post,
        *,
        reachable: Callable[[Host, Host], bool] = lambda src, dst: True,
        decoder: Callable[[int], MakeDecoder | None] = lambda port: None,
        report: Callable[[str], None] = lambda why: None,
    ) -> None:
        self.kernel = kernel
        self._post = post
        self._reachable = reachable
        self._decoder = decoder
        self._report = report
        self.ends: list[tuple[End, End]] = []  # connections between two hosts
        self.begun: dict[End, Host] = {}  # ends that connect to a host and have no answer
        self.unfinished: dict[End, None] = {}  # have sent a part of a message: see `flush`

    def reset(self) -> None:
        """No connections."""
        self.ends = []
        self.begun.clear()
        self.unfinished.clear()

    def flush(self, host: Host) -> None:
        """The host waits: what it has sent of a message arrives as it is."""
        for end in [end for end in self.unfinished if end.host is host]:
            del self.unfinished[end]
            other = end.peer
            if end.framed is not None and other is not None:
                for label, data in end.framed.part():
                    self._post(end.host, other.host, label, data, partial(other.arrive, data))

    def find(self, host: Host, address: str) -> Host | None:
        """The host behind an address or name, as seen from `host`."""
        if address in ("", "0.0.0.0", "::", "localhost", "::1") or address.startswith("127."):
            return host
        return self.kernel.by_address.get(address)

    def pair(self, host: Host) -> tuple[End, End]:
        """Two ends in one node, for socketpair and pipes."""
        a, b = End(self, host), End(self, host)
        self._join(a, b, Chunks())
        self._join(b, a, Chunks())
        return a, b

    def _join(self, end: End, other: End, decoder: Decoder) -> None:
        """`end` may write to `other` from now on."""
        end.peer = other
        if end.host is other.host:
            end.out = other.arrive
        else:
            end.framed = Framed(lambda: decoder, self._report)
            end.out = self._sender(end, other)

    def _sender(self, end: End, other: End) -> Callable[[bytes], None]:
        framed, post, src, dst = end.framed, self._post, end.host, other.host
        unfinished, arrive = self.unfinished, other.arrive
        assert framed is not None
        whole = framed.whole

        def send(data: bytes) -> None:
            frame = whole(data)
            if frame is not None:
                post(src, dst, frame[0], frame[1], partial(arrive, frame[1]))
                return
            for label, message in framed.feed(data):
                post(src, dst, label, message, partial(arrive, message))
            if framed.pending:
                unfinished[end] = None

        return send

    def end_of(self, end: End) -> None:
        """`end` sends no more: what was incomplete goes as a chunk, then the end of the stream."""
        other = end.peer
        assert other is not None
        if other.host is end.host:
            other.finish()
            return
        assert end.framed is not None
        for label, data in end.framed.rest():
            self._post(end.host, other.host, label, data, partial(other.arrive, data))
        self._post(end.host, other.host, "fin", b"", other.finish)
        if other.shut:
            self.ends = [ends for ends in self.ends if end not in ends]

    def connect(self, end: End, address: Address) -> None:
        """Begin to connect; what comes of it arrives."""
        src, dst = end.host, self.find(end.host, address[0])
        end.peer_name = (dst.address if dst is not None else address[0], address[1])
        if dst is None:
            end.fail(errno.EHOSTUNREACH)
        elif not dst.up or not self._reachable(src, dst):
            src.past.append("no way")  # as others have it: no message says so
            end.fail(errno.ECONNREFUSED)
        else:
            end.connects(True)
            knock = partial(self._knock, end, dst, address[1])
            if dst is src:
                knock()
            else:
                self.begun[end] = dst
                self._post(src, dst, "connect", b"", knock)

    def _knock(self, end: End, dst: Host, port: int) -> None:
        """A connection request arrives."""
        listener = dst.listening.get(port)
        if not isinstance(listener, Listener):
            self._answer(dst, end.host, "refused", partial(self._refused, end))
            return
        make = self._decoder(port)
        asks, answers = (make(), make()) if make is not None else pair()
        there = End(self, dst)
        there.name, there.peer_name = (dst.address, port), end.name
        self._join(there, end, answers)
        if end.host is not dst:
            self.ends.append((end, there))
        listener.arrive(there)
        self._answer(dst, end.host, "accepted", partial(self._accepted, end, there, asks))

    def _refused(self, end: End) -> None:
        self.begun.pop(end, None)
        end.fail(errno.ECONNREFUSED)

    def _accepted(self, end: End, there: End, decoder: Decoder) -> None:
        """The answer arrives; whoever asked may have gone meanwhile."""
        self.begun.pop(end, None)
        if end.closed:
            self.ends = [ends for ends in self.ends if end not in ends]
            self._answer(end.host, there.host, "reset", partial(there.fail, errno.ECONNRESET))
        elif end.connecting:
            self._join(end, there, decoder)
            end.connects(False)
            self.kernel.stir(end)

    def _answer(self, src: Host, dst: Host, label: str, arrive: Arrival, data: bytes = b"") -> None:
        if src is dst:
            arrive()
        else:
            self._post(src, dst, label, data, arrive)

    def datagram(self, box: Mailbox, data: bytes, address: Address) -> None:
        """Send one; to nobody it is lost."""
        dst = self.find(box.host, address[0])
        if dst is None or not dst.up or not self._reachable(box.host, dst):
            return

        def arrive() -> None:
            there = dst.listening.get(-address[1])
            if isinstance(there, Mailbox):
                there.inbox.append((data, box.name))
                there.changed()
                self.kernel.stir(there)

        make = self._decoder(-address[1])
        frames = make().feed(data) if make is not None else []
        label = frames[0].label if len(frames) == 1 else "datagram"
        self._answer(box.host, dst, label, arrive, data)

    def sever(self, a: Host, b: Host) -> None:
        """All connections between two hosts are gone; each end that lives is told by its own notice."""
        gone = [ends for ends in self.ends if {ends[0].host, ends[1].host} == {a, b}]
        self.ends = [ends for ends in self.ends if ends not in gone]
        gone.sort(key=lambda ends: [(end.host.index, end.name) for end in ends])
        for ends in gone:
            for end, other in (ends, ends[::-1]):
                self._reset(other.host, end)
        for end, dst in sorted(self.begun.items(), key=lambda item: item[0].name):
            if {end.host, dst} == {a, b}:
                if all(end not in ends for ends in gone):
                    self._reset(dst, end)
                del self.begun[end]

    def _reset(self, src: Host, end: End) -> None:
        end.out = None
        if end.host.up:
            self._post(src, end.host, "reset", b"", partial(end.fail, errno.ECONNRESET))

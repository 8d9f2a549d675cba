"""The stand-in for `select`: `select`, `poll` and `epoll` over connections in memory.

The one insight: waiting for many descriptors is waiting on many lists of watchers at once, with one
timeout, so a poller is one more place that ends in `Kernel.wait`.

Level-triggered only.  Not here: `selectors`, which runs as it is above this module.
"""

from __future__ import annotations

import errno
import select as real
from collections.abc import Sequence
from typing import Any

from demi.interpose.stand_in import StandIn
from demi.interpose.threads.descriptors import fail
from demi.interpose.threads.hosts import CURRENT, Host, Seat, here
from demi.interpose.threads.kernel import Kernel, kernel
from demi.interpose.threads.looks import monotonic
from demi.interpose.threads.streams import ERR, HUP, IN, NVAL, OUT, Closed, Watched


def _fd(thing: Any) -> int:
    fd = thing if isinstance(thing, int) else thing.fileno()
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return int(fd)


class Poll:
    """`select.poll`; timeouts in milliseconds.

    What the descriptors stand for is looked up once and kept until one of either changes.
    """

    def __init__(self, units: int = 1000) -> None:
        self._units = units  # of a timeout, in a second
        self._masks: dict[int, int] = {}
        self._known = -1  # `changes` of the host when they were looked up
        self._wanted: list[tuple[int, Watched, int]] = []
        self._seat = Seat()
        self._waits = 0  # for these; from the second one on it has a seat

    def register(self, thing: Any, mask: int = IN | OUT | 2) -> None:
        fd = _fd(thing)
        if self._masks.get(fd) != mask:  # some set the same one after each message
            self._masks[fd] = mask
            self._known = -1

    def modify(self, thing: Any, mask: int) -> None:
        if _fd(thing) not in self._masks:
            raise fail(errno.ENOENT)
        self._masks[_fd(thing)] = mask
        self._known = -1

    def unregister(self, thing: Any) -> None:
        del self._masks[_fd(thing)]
        self._known = -1

    def poll(  # noqa: PLR0912 - hot: most programs of this kind end each step here
        self, timeout: float | None = None
    ) -> list[tuple[int, int]]:
        held, host = CURRENT.kernel or kernel(), CURRENT.host or here()
        if self._known != host.changes:
            self._look(host)
        found = []
        for fd, thing, mask in self._wanted:
            if thing.bits & mask:
                found.append((fd, thing.bits & mask))
        if found or timeout == 0:
            if not found:
                monotonic()  # it counts as a look at the clock
            return found
        clocks, clock, seat = held.clocks, host.clock, self._seat
        wait = timeout is not None and timeout >= 0
        end = clocks[clock] + timeout / self._units if wait else None  # type: ignore[operator]
        while True:
            left = None if end is None else end - clocks[clock]
            if self._waits > 1 and seat.task is None:
                seat.task = CURRENT.task
                try:
                    woken = held.block(left, "a descriptor")
                finally:
                    seat.task = None
            else:
                woken = self._first(held, left)
            if self._known != host.changes:
                self._look(host)
            for fd, thing, mask in self._wanted:
                if thing.bits & mask:
                    found.append((fd, thing.bits & mask))
            if found or not woken:
                return found

    def _first(self, held: Kernel, left: float | None) -> bool:
        """Wait without a seat: most that wait once are used once."""
        woken = held.watch([thing.watch for _, thing, _ in self._wanted], left, "a descriptor")
        self._waits += 1
        if self._waits == 2:
            for _, thing, _ in self._wanted:
                thing.seats.append(self._seat)
        return woken

    def _look(self, host: Host) -> None:
        """What do the descriptors stand for now?"""
        if self._waits > 1:
            for _, thing, _ in self._wanted:
                thing.seats.remove(self._seat)
        fds, closed = host.fds, Closed(host)
        self._wanted = [
            (fd, fds.get(fd, closed), mask | ERR | HUP | NVAL) for fd, mask in self._masks.items()
        ]
        self._known, self._waits = host.changes, 0


class Epoll(Poll):
    """`select.epoll`; timeouts in seconds."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        super().__init__(1)
        self.closed = False

    def register(self, thing: Any, mask: int = IN | OUT | 2) -> None:
        if _fd(thing) in self._masks:
            raise fail(errno.EEXIST)
        super().register(thing, mask)

    def unregister(self, thing: Any) -> None:
        if self._masks.pop(_fd(thing), None) is None:
            raise fail(errno.ENOENT)

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        fds = here().fds
        for fd in [fd for fd in self._masks if fd not in fds]:  # closed: forgotten, as in Linux
            del self._masks[fd]
            self._known = -1
        found = super().poll(timeout)
        return found if maxevents < 0 else found[:maxevents]

    def fileno(self) -> int:
        return 999

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Epoll:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def select(
    rlist: Sequence[Any], wlist: Sequence[Any], xlist: Sequence[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """`select.select`."""
    masks: dict[int, int] = {}
    for things, bit in ((rlist, IN), (wlist, OUT)):
        for thing in things:
            fd = _fd(thing)
            if fd not in here().fds:
                raise fail(errno.EBADF)
            masks[fd] = masks.get(fd, 0) | bit
    if not masks and timeout is not None:
        kernel().block(timeout, "time to pass")
        return [], [], []
    once = Epoll()
    once._masks = masks
    found = dict(once.poll(timeout))
    return (
        [thing for thing in rlist if found.get(_fd(thing), 0) & (IN | ERR | HUP)],
        [thing for thing in wlist if found.get(_fd(thing), 0) & (OUT | ERR)],
        [],
    )


def select_module() -> StandIn:
    """The stand-in for `select`."""
    offers = {"select": select, "poll": Poll, "epoll": Epoll, "error": OSError}
    return StandIn("select", offers, real, absent=["kqueue", "kevent", "devpoll"])

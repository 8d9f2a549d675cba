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
from demi.interpose.threads.hosts import here
from demi.interpose.threads.kernel import kernel
from demi.interpose.threads.streams import ERR, HUP, IN, OUT

NVAL = 32


def _fd(thing: Any) -> int:
    fd = thing if isinstance(thing, int) else thing.fileno()
    if fd < 0:
        raise ValueError(f"Invalid file descriptor: {fd}")
    return int(fd)


def poll_all(
    masks: dict[int, int], timeout: float | None, limit: int = -1
) -> list[tuple[int, int]]:
    """(descriptor, bits) of those that are ready, after waiting at most `timeout` seconds."""
    host = here()
    fds = host.fds
    found = _ready(fds, masks)
    if not found:
        held = kernel()
        clocks, clock = held.clocks, host.clock
        if timeout == 0:
            held.spin()
        else:
            end = None if timeout is None else clocks[clock] + timeout
            woken = True
            while woken and not found:
                watches = [fds[fd].watch for fd in masks if fd in fds]
                left = None if end is None else end - clocks[clock]
                woken = held.watch(watches, left, "a descriptor")
                found = _ready(fds, masks)
    return found if limit < 0 else found[:limit]


def _ready(fds: dict[int, Any], masks: dict[int, int]) -> list[tuple[int, int]]:
    found = []
    for fd, mask in masks.items():
        bits = fds[fd].bits() & (mask | ERR | HUP) if fd in fds else NVAL
        if bits:
            found.append((fd, bits))
    return found


class Poll:
    """`select.poll`; timeouts in milliseconds."""

    def __init__(self) -> None:
        self._masks: dict[int, int] = {}

    def register(self, thing: Any, mask: int = IN | OUT | 2) -> None:
        self._masks[_fd(thing)] = mask

    def modify(self, thing: Any, mask: int) -> None:
        if _fd(thing) not in self._masks:
            raise fail(errno.ENOENT)
        self._masks[_fd(thing)] = mask

    def unregister(self, thing: Any) -> None:
        del self._masks[_fd(thing)]

    def poll(self, timeout: float | None = None) -> list[tuple[int, int]]:
        return poll_all(self._masks, None if timeout is None or timeout < 0 else timeout / 1000)


class Epoll(Poll):
    """`select.epoll`; timeouts in seconds."""

    def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
        super().__init__()
        self.closed = False

    def register(self, thing: Any, mask: int = IN | OUT | 2) -> None:
        if _fd(thing) in self._masks:
            raise fail(errno.EEXIST)
        super().register(thing, mask)

    def unregister(self, thing: Any) -> None:
        if self._masks.pop(_fd(thing), None) is None:
            raise fail(errno.ENOENT)

    def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
        wait = None if timeout is None or timeout < 0 else timeout
        for fd in [
            fd for fd in self._masks if fd not in here().fds
        ]:  # closed: forgotten, as in Linux
            del self._masks[fd]
        return poll_all(self._masks, wait, maxevents)

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
    found = dict(poll_all(masks, timeout))
    return (
        [thing for thing in rlist if found.get(_fd(thing), 0) & (IN | ERR | HUP)],
        [thing for thing in wlist if found.get(_fd(thing), 0) & (OUT | ERR)],
        [],
    )


def select_module() -> StandIn:
    """The stand-in for `select`."""
    offers = {"select": select, "poll": Poll, "epoll": Epoll, "error": OSError}
    return StandIn("select", offers, real, absent=["kqueue", "kevent", "devpoll"])

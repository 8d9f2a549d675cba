"""Descriptors of a held node, and the errors of their use.

The one insight: a descriptor is a number in a table of its node, so closing is taking out of the table, and
whoever waits for it finds out.

Not here: what a descriptor stands for (`streams.py`), the socket class (`sockets.py`).
"""

from __future__ import annotations

import errno
import os

from demi.interpose.threads.hosts import CURRENT, Host
from demi.interpose.threads.kernel import Kernel, kernel
from demi.interpose.threads.net import Net
from demi.interpose.threads.streams import End, Listener, Mailbox, Watched

TEXTS = {code: os.strerror(code) for code in errno.errorcode}


def net() -> Net:
    """The network of the running node."""
    found: Net = kernel().network
    return found


def fail(code: int) -> OSError:
    """The OSError of a code, as its subclass."""
    return OSError(code, TEXTS.get(code) or os.strerror(code))


def keep(host: Host, thing: Watched) -> int:
    """A descriptor for something that threads may wait for."""
    fd = host.next_fd
    host.next_fd += 1
    host.fds[fd] = thing
    host.changes += 1
    return fd


def close_fd(host: Host, fd: int) -> None:
    """Close a descriptor of a host."""
    thing = host.fds.pop(fd, None)
    host.changes += 1
    if isinstance(thing, End):
        thing.close()
    elif isinstance(thing, (Listener, Mailbox)):
        key = -thing.name[1] if isinstance(thing, Mailbox) else thing.name[1]
        if host.listening.get(key) is thing:
            del host.listening[key]
    held = CURRENT.kernel
    if thing is not None and isinstance(held, Kernel):
        held.stir(thing)

"""The stand-in for `_socket`: what `socket.py` is built on, over connections in memory.

The one insight: the library above (makefile, create_server, timeouts as errors) is Python and runs as it
is; only its C base class needs a stand-in.

Options are kept and do nothing.  Not here: addresses (`names.py`); TLS, raw and Unix sockets, `sendmsg` with
descriptors: refused by name.
"""

from __future__ import annotations

import _socket
import errno
from typing import Any

from demi.interpose.threads.descriptors import TEXTS, close_fd, fail, keep, net
from demi.interpose.threads.hosts import CURRENT, here
from demi.interpose.threads.kernel import kernel
from demi.interpose.threads.looks import monotonic
from demi.interpose.threads.streams import ERR, IN, OUT, End, Listener, Mailbox, Watched

_FAMILIES = (_socket.AF_INET, _socket.AF_INET6, getattr(_socket, "AF_UNIX", 1))
_SOL_SOCKET, _SO_ERROR = int(_socket.SOL_SOCKET), int(_socket.SO_ERROR)
_AGAIN = TEXTS[errno.EAGAIN]
_TROUBLE = OUT | ERR
_MSG_PEEK = int(_socket.MSG_PEEK)


class Socket:
    """`_socket.socket`."""

    __slots__ = (
        "_family",
        "_fd",
        "_options",
        "_proto",
        "_thing",
        "_timeout",
        "_type",
    )  # no __dict__

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: Any = None
    ) -> None:
        self._family = _socket.AF_INET if family == -1 else int(family)
        self._type = _socket.SOCK_STREAM if type == -1 else int(type) & 0xF
        self._proto = 0 if proto == -1 else proto
        self._options: dict[tuple[int, int], Any] = {}
        if self._family not in _FAMILIES or self._type not in (
            _socket.SOCK_STREAM,
            _socket.SOCK_DGRAM,
        ):
            raise fail(errno.EAFNOSUPPORT)
        host = here()
        plain = int(type) <= 0 or not int(type) & _socket.SOCK_NONBLOCK
        self._timeout = host.socket_timeout if plain else 0.0
        if fileno is not None:
            if fileno not in host.fds:
                raise fail(errno.EBADF)
            self._fd, self._thing = fileno, host.fds[fileno]
            return
        self._thing = (
            End(net(), host) if self._type == _socket.SOCK_STREAM else Mailbox(host, ("", 0))
        )
        self._fd = keep(host, self._thing)

    @property
    def family(self) -> int:
        return self._family

    @property
    def type(self) -> int:
        return self._type

    @property
    def proto(self) -> int:
        return self._proto

    # ---- names

    def _open(self) -> Any:
        if self._fd < 0:
            raise fail(errno.EBADF)
        return self._thing

    def _port(self, wanted: int) -> int:
        host, sign = self._thing.host, -1 if self._type == _socket.SOCK_DGRAM else 1
        if wanted:
            if sign * wanted in host.listening:
                raise fail(errno.EADDRINUSE)
            return wanted
        host.next_port += 1
        return int(host.next_port)

    def bind(self, address: Any) -> None:
        thing = self._open()
        if not isinstance(address, tuple):
            raise fail(errno.EAFNOSUPPORT)
        name = (address[0] or "0.0.0.0", self._port(address[1]))
        thing.name = name
        if self._type == _socket.SOCK_DGRAM:
            thing.name = (thing.host.address, name[1])
            thing.host.listening[-name[1]] = thing

    def listen(self, backlog: int = 128) -> None:
        thing = self._open()
        if isinstance(thing, Listener):
            return
        host = thing.host
        if not thing.name[1]:
            thing.name = ("0.0.0.0", self._port(0))
        if thing.name[1] in host.listening:
            raise fail(errno.EADDRINUSE)
        self._thing = host.fds[self._fd] = Listener(host, thing.name)
        host.changes += 1
        host.listening[thing.name[1]] = self._thing

    def getsockname(self) -> Any:
        return self._open().name

    def getpeername(self) -> Any:
        thing = self._open()
        if not isinstance(thing, End) or thing.peer is None:
            raise fail(errno.ENOTCONN)
        return thing.peer_name

    # ---- connecting

    def _accept(self) -> tuple[int, Any]:
        thing = self._open()
        if not isinstance(thing, Listener):
            raise fail(errno.EINVAL)
        self._until(thing, lambda: thing.backlog, "a connection")
        end = thing.backlog.popleft()
        thing.changed()
        return keep(end.host, end), end.peer_name

    def connect_ex(self, address: Any) -> int:
        thing = self._open()
        if self._type == _socket.SOCK_DGRAM:
            thing.peer_name = (address[0], address[1])
            return 0
        if thing.connecting:
            return errno.EALREADY
        if thing.peer is not None:
            return errno.EISCONN
        if not thing.name[1]:
            thing.name = (thing.host.address, self._port(0))
        net().connect(thing, (address[0], address[1]))
        if thing.connecting and self._timeout == 0:
            return errno.EINPROGRESS
        if thing.connecting and not kernel().wait(
            thing.watch, lambda: not thing.connecting, self._timeout, "a connection"
        ):
            return errno.ETIMEDOUT
        return int(thing.blame())

    def connect(self, address: Any) -> None:
        code = self.connect_ex(address)
        if code == errno.ETIMEDOUT:
            raise TimeoutError("timed out")
        if code:
            raise fail(code)

    # ---- reading and writing

    def _until(self, thing: Watched, ready: Any, what: str) -> None:
        if ready():
            return
        if self._timeout == 0:
            monotonic()
            raise BlockingIOError(errno.EAGAIN, _AGAIN)
        if not kernel().wait(thing.watch, ready, self._timeout, what):
            raise TimeoutError("timed out")
        if self._fd < 0 and not CURRENT.dying:
            raise fail(errno.EBADF)

    def _raise(self, thing: Any) -> None:
        if thing.error:
            raise fail(thing.blame())

    def recv(self, size: int, flags: int = 0) -> bytes:
        thing = self._thing
        if type(thing) is not End or self._fd < 0:
            if self._fd < 0 or isinstance(thing, Listener):
                raise fail(errno.EBADF if self._fd < 0 else errno.ENOTCONN)
            return self.recvfrom(size, flags)[0]
        buffer = thing.buffer
        if not buffer:
            if not thing.bits & IN:
                if thing.peer is None:
                    raise fail(errno.ENOTCONN)
                if self._timeout == 0:
                    monotonic()  # it counts as a look at the clock
                    raise BlockingIOError(errno.EAGAIN, _AGAIN)
                self._until(thing, thing.readable, "bytes")
            if not buffer:
                self._raise(thing)
                return b""
        if flags & _MSG_PEEK or size < len(buffer):
            data = bytes(buffer[:size])
            if not flags & _MSG_PEEK:
                del buffer[:size]
            return data
        data = bytes(buffer)
        buffer.clear()
        if thing.eof or thing.error:
            thing.changed()
        else:
            thing.bits = OUT
        return data

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        thing = self._open()
        if not isinstance(thing, Mailbox):
            return self.recv(size, flags), None
        self._until(thing, lambda: thing.inbox, "a datagram")
        data, sender = thing.inbox[0] if flags & _MSG_PEEK else thing.inbox.popleft()
        thing.changed()
        return data[:size], sender

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        view = memoryview(buffer).cast("B")
        data, sender = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), sender

    def send(self, data: Any, flags: int = 0) -> int:
        thing = self._thing
        if (
            type(thing) is not End
            or self._fd < 0
            or thing.bits & _TROUBLE != OUT
            or thing.peer is None
        ):
            self._may_send()
            if isinstance(thing, Mailbox):
                return self.sendto(data, thing.peer_name)
        sent = data if type(data) is bytes else bytes(data)
        if thing.out is None or thing.shut or CURRENT.dying:
            thing.write(sent)
        else:
            thing.out(sent)
        return len(sent)

    def _may_send(self) -> None:
        """Wait for a connection; raise what is wrong with it."""
        thing = self._open()
        if isinstance(thing, Mailbox):
            return
        if thing.error:
            self._raise(thing)
        if thing.connecting:
            self._until(thing, lambda: not thing.connecting, "a connection")
        if thing.peer is None:
            raise fail(errno.ENOTCONN)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.send(data, flags)

    def sendto(self, data: Any, *where: Any) -> int:
        thing = self._open()
        if not isinstance(thing, Mailbox):
            return self.send(data)
        if not thing.name[1]:
            self.bind((thing.host.address, 0))
        net().datagram(thing, bytes(data), where[-1])
        return len(data)

    # ---- the rest

    def shutdown(self, how: int) -> None:
        thing = self._open()
        if how != _socket.SHUT_RD and isinstance(thing, End):
            if thing.peer is None:
                raise fail(errno.ENOTCONN)
            thing.shutdown()

    def close(self) -> None:
        if self._fd >= 0:
            close_fd(self._thing.host, self._fd)
            self._fd = -1

    def detach(self) -> int:
        fd, self._fd = self._fd, -1
        return int(fd)

    def fileno(self) -> int:
        return int(self._fd)

    def setblocking(self, flag: bool) -> None:
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        return self._timeout != 0

    def settimeout(self, timeout: float | None) -> None:
        self._timeout = timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    @property
    def timeout(self) -> float | None:
        return self._timeout

    def setsockopt(self, level: int, option: int, value: Any, length: int = 0) -> None:
        self._options[level, option] = value

    def getsockopt(self, level: int, option: int, length: int = 0) -> Any:
        if option == _SO_ERROR and level == _SOL_SOCKET:
            thing = self._thing
            if self._fd < 0:
                raise fail(errno.EBADF)
            return thing.blame() if thing.error else 0
        return self._options.get((level, option), bytes(length) if length else 0)

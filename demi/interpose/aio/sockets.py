"""Names, addresses and sockets that are not there.

The one insight: programs make sockets only to hand them to the loop, so a subclass of the real class
that never asks the kernel for a descriptor satisfies every type check.
"""

from __future__ import annotations

import socket
from typing import Any

from demi.errors import ContractError
from demi.interpose.aio.host import HOST, address_of, refusal
from demi.interpose.sites import call_site

REAL = socket.socket
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None)


class HeldSocket(REAL):
    """A socket without a descriptor while a host runs; the real thing otherwise.

    opened: it is a real one.  names: (own address, peer address).  end: the connection, if connected.
    """

    def __init__(
        self, family: Any = -1, type: Any = -1, proto: Any = -1, fileno: Any = None
    ) -> None:
        self.opened = HOST.get() is None
        self.end: Any = None
        self.names: tuple[Any, Any] = (("0.0.0.0", 0), None)
        self._kind = (family, type, proto)
        if self.opened:
            super().__init__(family, type, proto, fileno)

    @classmethod
    def connected(cls, names: tuple[Any, Any]) -> HeldSocket:
        """An inert one with addresses."""
        made = cls.__new__(cls)
        made.opened = False
        made.end = None
        made.names = names
        made._kind = (socket.AF_INET, socket.SOCK_STREAM, 6)
        return made

    @property
    def family(self) -> Any:
        return super().family if self.opened else socket.AF_INET

    @property
    def type(self) -> Any:
        return super().type if self.opened else socket.SOCK_STREAM

    def setblocking(self, flag: Any) -> None:
        if self.opened:
            super().setblocking(flag)

    def settimeout(self, value: Any) -> None:
        if self.opened:
            super().settimeout(value)

    def setsockopt(self, *args: Any) -> None:
        if self.opened:
            super().setsockopt(*args)

    def getsockopt(self, *args: Any) -> Any:
        return super().getsockopt(*args) if self.opened else 0

    def bind(self, address: Any) -> None:
        if self.opened:
            super().bind(address)
        else:
            self.names = (address, None)

    def listen(self, *args: Any) -> None:
        if self.opened:
            super().listen(*args)

    def set_inheritable(self, inheritable: bool) -> None:
        if self.opened:
            super().set_inheritable(inheritable)

    def getsockname(self) -> Any:
        return super().getsockname() if self.opened else self.names[0]

    def getpeername(self) -> Any:
        return super().getpeername() if self.opened else self.names[1]

    def fileno(self) -> int:
        return super().fileno() if self.opened else -1

    def close(self) -> None:
        if self.opened:
            super().close()
        elif self.end is not None and self.end.protocol is None:
            self.end.abort()

    def shutdown(self, how: Any) -> None:
        if self.opened:
            super().shutdown(how)

    def detach(self) -> int:
        return super().detach() if self.opened else -1

    def __repr__(self) -> str:
        return super().__repr__() if self.opened else f"<held socket {self.names}>"


def _blocking(name: str) -> Any:
    real = getattr(REAL, name)

    def call(self: HeldSocket, *args: Any, **kwargs: Any) -> Any:
        if self.opened:
            return real(self, *args, **kwargs)
        raise refusal(
            f"a blocking socket call in an asyncio host: {name}()",
            "use streams, loop.sock_connect or create_datagram_endpoint",
        )

    return call


for _name in (
    "accept",
    "connect",
    "connect_ex",
    "recv",
    "recvfrom",
    "recv_into",
    "send",
    "sendall",
    "sendto",
):
    setattr(HeldSocket, _name, _blocking(_name))


def index_of_address(address: str) -> int | None:
    """The host index behind an address of ours."""
    parts = address.split(".")
    if len(parts) == 4 and parts[:2] == ["10", "0"] and parts[2].isdigit() and parts[3].isdigit():
        return int(parts[2]) * 250 + int(parts[3]) - 1
    return None


def resolve(name: Any) -> int:
    """The host index of a name or address, for the host that runs.  Raises socket.gaierror."""
    host = HOST.get()
    if host is None:
        raise ContractError("a name is resolved outside any host", where=call_site())
    if isinstance(name, bytes):
        name = name.decode()
    if name in _LOOPBACK or name == host.name:
        return host.index
    names = host.loop.hosts
    found = names.get(name)
    if found is None:
        found = index_of_address(name)
    if found is None or found >= len(names):
        host.loop.notices.add(f"no host is called {name!r} in this run: asked at {call_site()}")
        raise socket.gaierror(
            socket.EAI_NONAME, f"no host {name!r} in this run; hosts: {', '.join(names)}"
        )
    return int(found)


def getaddrinfo(name: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
    """`socket.getaddrinfo` among the hosts of the run."""
    kind = options.get("type") or (args[1] if len(args) > 1 else 0) or socket.SOCK_STREAM
    proto = 17 if kind == socket.SOCK_DGRAM else 6
    number = (
        int(port) if port and str(port).isdigit() else {"http": 80, "https": 443}.get(str(port), 0)
    )
    address = (address_of(resolve(name)), number)
    return [(socket.AF_INET, socket.SocketKind(kind), proto, "", address)]

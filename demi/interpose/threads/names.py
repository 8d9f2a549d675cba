"""Names and addresses: what `_socket` offers besides sockets.

The one insight: a network of a few held nodes needs no resolver: a node is reached by its name or its
10.0.x.y, `localhost` is the node itself, and there is nobody else.

Not here: the socket class (`sockets.py`).
"""

from __future__ import annotations

import _socket
from typing import Any

from demi.interpose.stand_in import StandIn
from demi.interpose.threads.descriptors import close_fd, keep, net
from demi.interpose.threads.hosts import here
from demi.interpose.threads.sockets import Socket


def _resolve(name: Any) -> str:
    if isinstance(name, bytes):
        name = name.decode()
    found = net().find(here(), name or "")
    if found is None:
        if name.replace(".", "").isdigit() or ":" in name:
            return str(name)
        raise _socket.gaierror(_socket.EAI_NONAME, "Name or service not known")
    return "127.0.0.1" if found is here() and found.name != name else found.address


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[Any]:
    address = (
        "0.0.0.0" if host is None and flags & _socket.AI_PASSIVE else _resolve(host or "localhost")
    )
    kinds = [type] if type else [_socket.SOCK_STREAM, _socket.SOCK_DGRAM]
    return [(_socket.AF_INET, kind, proto or (6 if kind == 1 else 17), "", (address, int(port or 0)))
            for kind in kinds]  # fmt: skip


def _socketpair(family: int = 1, type: int = 1, proto: int = 0) -> tuple[Socket, Socket]:
    ends = net().pair(here())
    a, b = (Socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, keep(here(), end)) for end in ends)
    return a, b


def _host_of(address: str) -> tuple[str, list[str], list[str]]:
    found = net().find(here(), address)
    name = found.name if found is not None else address
    return name, [], [_resolve(name)]


def _set_default_timeout(timeout: float | None) -> None:
    here().socket_timeout = None if timeout is None else float(timeout)


def socket_module() -> StandIn:
    """The stand-in for `_socket`."""
    offers = {
        "socket": Socket, "SocketType": Socket, "getaddrinfo": getaddrinfo, "gethostbyname": _resolve,
        "gethostbyname_ex": _host_of, "gethostbyaddr": _host_of, "gethostname": lambda: here().name,
        "getnameinfo": lambda address, flags: (address[0], str(address[1])),
        "socketpair": _socketpair, "close": lambda fd: close_fd(here(), fd),
        "getdefaulttimeout": lambda: here().socket_timeout, "setdefaulttimeout": _set_default_timeout,
        "CAPI": None,
    }  # fmt: skip
    for name in (
        "htonl",
        "htons",
        "ntohl",
        "ntohs",
        "inet_aton",
        "inet_ntoa",
        "inet_pton",
        "inet_ntop",
    ):
        offers[name] = getattr(_socket, name)
    absent = ["AF_UNIX", "SCM_RIGHTS", "CMSG_LEN", "CMSG_SPACE", "sendfile", "dup"]
    return StandIn("_socket", offers, _socket, absent=absent)

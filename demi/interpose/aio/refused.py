"""What an event loop here does not do, each with what to do instead.

The one insight: a call that would leave the process is refused where it is made, by its name and with a
remedy, so nobody has to guess from a loop that lacks an attribute.

Not here: what a loop does (`loop.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demi.interpose.aio.host import refusal

REFUSED = {
    "add_reader": "use streams, protocols or sock_connect",
    "remove_reader": "use streams, protocols or sock_connect",
    "add_writer": "use streams, protocols or sock_connect",
    "remove_writer": "use streams, protocols or sock_connect",
    "add_signal_handler": "a host is stopped by a crash; guard the call for the run",
    "remove_signal_handler": "a host is stopped by a crash; guard the call for the run",
    "subprocess_exec": "a child process cannot be held",
    "subprocess_shell": "a child process cannot be held",
    "connect_read_pipe": "a pipe cannot be held",
    "connect_write_pipe": "a pipe cannot be held",
    "create_unix_connection": "use a TCP port",
    "create_unix_server": "use a TCP port",
    "start_tls": "turn TLS off for the run: http:// or ws://, ssl=None",
    "connect_accepted_socket": "use create_server",
    "sendfile": "pass fallback=True or write the bytes",
    "sock_sendfile": "use streams",
    "sock_recv": "use streams: asyncio.open_connection",
    "sock_recv_into": "use streams: asyncio.open_connection",
    "sock_recvfrom": "use create_datagram_endpoint",
    "sock_recvfrom_into": "use create_datagram_endpoint",
    "sock_sendto": "use create_datagram_endpoint",
    "sock_sendall": "use streams: asyncio.open_connection",
    "sock_accept": "use create_server",
    "run_forever": "the loop runs already: make `main` a coroutine function",
    "run_until_complete": "the loop runs already: make `main` a coroutine function",
    "stop": "return from main instead",
    "close": "the loop belongs to the run",
}


def refusing(name: str, remedy: str) -> Callable[..., Any]:
    """A method of a loop that refuses to be called while its run goes on."""

    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.dead:
            return None
        raise refusal(f"loop.{name}() is not held", remedy)

    return refuse


def no_tls(options: dict[str, Any]) -> None:
    """Refuse a connection or a server that asks for encryption."""
    if options.get("ssl"):
        raise refusal(
            "TLS is not held: what is encrypted cannot be named, matched or minimized",
            "turn it off in the program's settings for the run: http:// or ws://, ssl=None",
        )

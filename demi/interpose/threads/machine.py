"""The stand-ins for `os`, `signal`, `atexit` and randomness: what a program takes from its machine.

The one insight: `os` is mostly pure, so its stand-in is a copy with the few doors replaced (entropy,
pipes, process identity, leaving); what is left and real is stopped by the audit hook.

Not here: files (read ones are real, written ones are refused: `escapes.py`).
"""

from __future__ import annotations

import fcntl as real_fcntl
import os as real_os
import signal as real_signal
import ssl as real_ssl
import types
from collections.abc import Mapping
from typing import Any, NamedTuple

from demi.interpose.sites import MissingError, call_site, escape
from demi.interpose.stand_in import StandIn, refused
from demi.interpose.threads.descriptors import close_fd, keep
from demi.interpose.threads.hosts import CURRENT, here
from demi.interpose.threads.kernel import kernel
from demi.interpose.threads.sockets import Socket

_NO_SSL = "an encrypted stream cannot be cut into messages"
_PLAIN = "use plain sockets, or hold the program as a black box"
FIRST_FD = 1000
FIRST_PID = 1000


def urandom(size: int) -> bytes:
    """Bytes of the running node's stream."""
    return here().random.getrandbits(8 * size).to_bytes(size, "big") if size else b""


def _pipe() -> tuple[int, int]:
    host = here()
    a, b = kernel().network.pair(host)
    return keep(host, a), keep(host, b)


def _wrap(fd: int) -> Socket:
    found = Socket(fileno=fd)
    found.settimeout(here().fds[fd].timeout)
    return found


def _fcntl(fd: Any, command: int, argument: Any = 0) -> Any:
    number = fd if isinstance(fd, int) else fd.fileno()
    if number < FIRST_FD:
        return real_fcntl.fcntl(number, command, argument)
    thing = here().fds[number]
    if command == real_fcntl.F_SETFL:
        thing.timeout = 0.0 if argument & real_os.O_NONBLOCK else None
    if command == real_fcntl.F_GETFL:
        return real_os.O_NONBLOCK if thing.timeout == 0 else 0
    return 0


def fcntl_module() -> StandIn:
    """The stand-in for `fcntl`."""
    return StandIn("fcntl", {"fcntl": _fcntl, "ioctl": _ioctl}, real_fcntl)


def _ioctl(fd: Any, request: int, *argument: Any) -> Any:
    number = fd if isinstance(fd, int) else fd.fileno()
    if number < FIRST_FD:
        return real_fcntl.ioctl(number, request, *argument)
    raise escape("socket", f"ioctl({request:#x})", remedy="a socket in memory has no device")


def _read(fd: int, size: int) -> bytes:
    return real_os.read(fd, size) if fd < FIRST_FD else _wrap(fd).recv(size)


def _write(fd: int, data: bytes) -> int:
    return real_os.write(fd, data) if fd < FIRST_FD else _wrap(fd).send(data)


def _close(fd: int) -> None:
    if fd < FIRST_FD:
        real_os.close(fd)
    else:
        close_fd(here(), fd)


def _leave(code: int = 134) -> None:  # of `abort`: 128 and the signal
    _end(f"code {code}")


def _end(how: str) -> None:
    """The whole process is over: nothing of it runs any more, and whoever holds it is told."""
    if CURRENT.task is None:
        raise SystemExit(how)
    here().ended = how
    kernel().block(None, "nothing: its process is over")


def _kill(pid: int, number: int) -> None:
    """A signal to itself; to others it escapes."""
    host = here()
    if pid != FIRST_PID + host.index:
        real_os.kill(pid, number)
    handler = host.handlers.get(int(number), real_signal.SIG_DFL)
    if callable(handler) and not isinstance(handler, real_signal.Handlers):
        handler(number, None)
    elif number and handler is not real_signal.SIG_IGN:
        _end(f"signal {int(number)}")


def os_module(environ: Mapping[str, str]) -> types.ModuleType:
    """The stand-in for `os`, with an environment of its own."""
    module = types.ModuleType("os", real_os.__doc__)
    vars(module).update(vars(real_os))
    own = {**real_os.environ, **environ}
    vars(module).update(
        environ=own, getenv=own.get, urandom=urandom, pipe=_pipe, read=_read, write=_write, close=_close,
        getpid=lambda: FIRST_PID + here().index, kill=_kill, getppid=lambda: 1, _exit=_leave, abort=_leave,
        register_at_fork=lambda **hooks: None, set_blocking=lambda fd, flag: None,
        getrandom=lambda size, flags=0: urandom(size), sched_yield=lambda: kernel().pause(),
    )  # fmt: skip
    return module


def _signal(number: int, handler: Any) -> Any:
    before = here().handlers.get(int(number), real_signal.SIG_DFL)
    here().handlers[int(number)] = handler
    return before


def signal_module() -> types.ModuleType:
    """The stand-in for `signal`: handlers are kept and called by whoever holds the program."""
    module = types.ModuleType("signal", real_signal.__doc__)
    vars(module).update(vars(real_signal))
    vars(module).update(
        signal=_signal,
        getsignal=lambda number: here().handlers.get(int(number), real_signal.SIG_DFL),
        set_wakeup_fd=lambda fd, **kwargs: -1,
        siginterrupt=lambda number, flag: None,
        alarm=lambda seconds: 0,
        setitimer=lambda which, seconds, interval=0.0: (0.0, 0.0),
    )
    return module


def atexit_module() -> StandIn:
    """The stand-in for `atexit`: a crash runs nothing, and a run ends by a crash."""
    offers = {
        "register": lambda func, *args, **kwargs: func,
        "unregister": lambda func: None,
    }
    return StandIn("atexit", offers)


class _Context:
    """An `ssl.SSLContext` that may be made and set up, as HTTP libraries do ahead of need, and not used."""

    post_handshake_auth = None
    check_hostname = False
    verify_mode = real_ssl.CERT_NONE
    minimum_version = maximum_version = options = verify_flags = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to set up."""

    def _kept(self, *args: Any, **kwargs: Any) -> None:
        """For calls that only set something."""

    set_alpn_protocols = set_ciphers = load_default_certs = load_verify_locations = _kept
    load_cert_chain = set_default_verify_paths = _kept

    def wrap_socket(self, *args: Any, **kwargs: Any) -> Any:
        """Here it would be used."""
        raise MissingError(f"ssl is refused: {_NO_SSL}", where=call_site(2), remedy=_PLAIN)

    wrap_bio = wrap_socket


def refusals() -> dict[str, types.ModuleType]:
    """Modules that may be imported and not used."""
    ssl = refused("ssl", _NO_SSL, _PLAIN, real_ssl)
    for name in ("SSLContext", "create_default_context", "_create_default_https_context"):
        vars(ssl)[name] = _Context
    return {
        "ssl": ssl,
        "multiprocessing": refused("multiprocessing", "a child process cannot be held", _PLAIN),
    }


def hold_random(module: types.ModuleType) -> None:
    """A freshly imported `random` whose unseeded generators draw their seed from the node's stream."""
    kind = module.Random
    plain = kind.seed

    def seed(self: Any, a: Any = None, version: int = 2) -> None:
        if a is None and CURRENT.host is not None:
            a = here().random.getrandbits(64)
        plain(self, a, version)

    kind.seed = seed


def reseed(module: types.ModuleType) -> None:
    """The module-level generator of a node that starts."""
    module.seed(here().random.getrandbits(64))


class Line(NamedTuple):
    """What a program logged: level number and name, logger, text; where: function and line."""

    number: int
    level: str
    logger: str
    text: str
    where: str
    traceback: str

    def __str__(self) -> str:
        return f"{self.level} {self.logger}: {self.text}"


def hold_logging(module: Any, lines: list[Line]) -> None:
    """A freshly imported `logging` whose root logger writes to `lines`, and to no stream."""

    def emit(handler: Any, record: Any) -> None:
        if not CURRENT.dying:
            trace = module.Formatter().formatException(record.exc_info) if record.exc_info else ""
            name = f"{record.module}.{record.funcName}:{record.lineno}"
            text = record.getMessage()
            lines.append(Line(record.levelno, record.levelname, record.name, text, name, trace))

    plain = module.Logger._log

    def log(logger: Any, *args: Any, **kwargs: Any) -> None:
        if not CURRENT.dying:  # what ends threads when a run is over is not the program's
            plain(logger, *args, **{**kwargs, "stacklevel": kwargs.get("stacklevel", 1) + 1})

    module.Logger._log = log
    keep = type("Keep", (module.Handler,), {"emit": emit})
    module.lastResort = None
    module.raiseExceptions = False
    module.root.addHandler(keep(module.WARNING))

"""TCP connections of simulated switches to a controller on loopback.

The one insight: both ends are on one machine, so a read that finds nothing says that nothing was written.

Not here: whether the controller has finished writing (`processes.py`).
"""

from __future__ import annotations

import select
import socket
import time

CONNECT_SECONDS = 2.0
READ_BYTES = 1 << 16


class Lines:
    """One connection per switch, by datapath id.  written: bytes that were read and not collected."""

    def __init__(self) -> None:
        self._open: dict[int, socket.socket] = {}
        self._read: list[tuple[int, bytes]] = []
        self._lost: list[int] = []
        self.written = 0

    def has(self, dpid: int) -> bool:
        """Is this switch connected?"""
        return dpid in self._open

    def connect(self, dpid: int, port: int) -> bool:
        """A connection to a port; False when nobody takes it."""
        try:
            made = socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS)
        except OSError:
            return False
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        self._open[dpid] = made
        return True

    def disconnect(self, dpid: int) -> None:
        """The switch hangs up."""
        line = self._open.pop(dpid, None)
        if line is not None:
            line.close()

    def hang_up(self) -> None:
        """All switches do."""
        for dpid in list(self._open):
            self.disconnect(dpid)

    def feed(self, dpid: int, data: bytes, seconds: float) -> None:
        """Bytes of a switch; one that cannot take them in so many seconds is lost."""
        line = self._open.get(dpid)
        if line is None:
            return
        try:
            line.settimeout(seconds)
            line.sendall(data)
            line.setblocking(False)
        except OSError:
            self._lose(dpid)

    def collect(self) -> list[tuple[int, bytes]]:
        """What was read since the last call, in order."""
        found, self._read, self.written = self._read, [], 0
        return found

    def closed(self) -> list[int]:
        """Connections that the other end closed since the last call."""
        found, self._lost = self._lost, []
        return found

    def _lose(self, dpid: int) -> None:
        self._open.pop(dpid).close()
        self._lost.append(dpid)

    def drain(self, seconds: float) -> bool:
        """Read what there is, waiting at most so long for the first; False when there was nothing."""
        by_fd = {line.fileno(): dpid for dpid, line in self._open.items()}
        if not by_fd:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select(sorted(by_fd), [], [], seconds)
        for fd in ready:
            dpid = by_fd[fd]
            try:
                data = self._open[dpid].recv(READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                self._read.append((dpid, data))
                self.written += len(data)
            else:
                self._lose(dpid)
        return bool(ready)

"""A process on a real terminal (a pty)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

from viewing import ROOT

SECONDS = 60.0  # a screen that takes longer has not come
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"  # the other screen of the terminal


class Terminal:
    """A process whose standard streams are a terminal."""

    def __init__(
        self,
        *words: object,
        size: tuple[int, int] = (100, 30),
        term: str = "xterm-256color",
        program: tuple[str, ...] = ("-m", "demi"),
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.before = termios.tcgetattr(slave)
        keep = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._process = subprocess.Popen(
            [sys.executable, *program, *map(str, words)],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, start_new_session=True,
            env={**keep, "TERM": term, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._slave = slave
        self.said = b""

    def wait_for(self, text: str, after: bytes = b"") -> None:
        """Read until the text has come, behind the last `after`."""
        while (
            after not in self.said or text.encode() not in self.said.rpartition(after or b"\0")[2]
        ):
            ready, _, _ = select.select([self._master], [], [], SECONDS)
            assert ready, f"{text!r} did not come: {self.said[-400:]!r}"
            self.said += os.read(self._master, 65536)

    def send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def vanish(self) -> None:
        """Close the terminal without a signal."""
        os.close(self._slave)
        os.close(self._master)

    def code(self) -> int:
        """The exit code, when it has ended."""
        return self._process.wait(SECONDS)

    def end(self) -> int:
        """Wait for the end; returns the exit code."""
        while self._process.poll() is None:
            ready, _, _ = select.select([self._master], [], [], 0.1)
            if ready:
                self.said += os.read(self._master, 65536)
        while select.select([self._master], [], [], 0)[0]:
            self.said += os.read(self._master, 65536)
        self.after = termios.tcgetattr(self._slave)
        os.close(self._slave)
        os.close(self._master)
        return self._process.returncode

    @property
    def restored(self) -> bool:
        """Is the terminal as it was?"""
        return self.said.rfind(LEFT) > self.said.rfind(ENTERED) >= 0 and self.after == self.before

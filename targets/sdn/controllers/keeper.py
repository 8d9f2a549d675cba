"""Ends what a process that was killed has left behind: `python keeper.py`, lines on its standard input.

The one insight: however a process dies, its pipes end, so whoever reads the other end learns of it.

A line is the pid of a child that leads a process group, or 0 when there is none any more; when the input
ends, the last one named is killed with its group and all its descendants.  Not here: a healthy end, which
the parent sees to itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO


class Keeper:
    """A keeper beside this process, started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, pid: int) -> None:
        """From now on this child, 0 for none."""
        if self._process is None:
            if not pid:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-I", __file__], stdin=subprocess.PIPE, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.write(b"%d\n" % pid)
            pipe.flush()

    def close(self) -> None:
        """There is nothing to keep any more."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()


def _main(lines: IO[str]) -> None:
    last = 0
    for line in lines:
        last = int(line)
    if last > 0:
        _end(last)


def _end(pid: int) -> None:
    tree = []
    with contextlib.suppress(
        Exception
    ):  # without psutil, or when it is gone: the group is what is left
        import psutil

        tree = psutil.Process(pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    for process in tree:
        with contextlib.suppress(Exception):
            process.kill()


if __name__ == "__main__":
    _main(sys.stdin)

"""Processes as the system shows them: trees, what their threads have run, ports that are free.

The one insight: a wake-up on one machine is synchronous (a thread that gets bytes is runnable before our
`send` returns), so two equal looks at /proc with every thread asleep say that nothing is left to do.

Where there is no /proc, quiet for a while is taken for that.  Not here: whose processes they are
(`black_box.py`), what ends them when we are killed (`keeper.py`).
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import psutil

LOOK_SECONDS = 0.0005  # between two looks
QUIET_SECONDS = 0.02  # without /proc
GONE_SECONDS = 1.0  # to wait for what was killed
_PROC = Path("/proc")


def look(pid: int) -> Any:
    """What every thread of a tree has run so far, to compare with another look; None while one runs."""
    if not _PROC.is_dir():
        time.sleep(QUIET_SECONDS)
        return "quiet"
    found = []
    for process in tree_of(pid):
        for task in sorted((_PROC / str(process.pid) / "task").glob("*")):
            try:
                state = (task / "stat").read_text().rpartition(")")[2].split()[0]
                ran = (task / "schedstat").read_text()
            except OSError:
                return None
            if state not in "SIZ":
                return None
            found.append((task.name, ran))
    return found


def tree_of(pid: int) -> list[psutil.Process]:
    """A process and its descendants, those that are left."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def await_group(group: int) -> None:
    """Wait until killed orphans of a process group are gone (as zombies they may stay)."""
    end = time.monotonic() + GONE_SECONDS
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < end:
            os.killpg(group, 0)
            time.sleep(LOOK_SECONDS)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

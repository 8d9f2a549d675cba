"""A process of the target `pysyncobj-tcp`: a `SyncObj` with its own TCP transport and tick thread.

Written as any user of the library writes it; imported only under the stand-ins.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pysyncobj

PORT = 4321
NEVER = 10**9  # log compaction would gzip with a time stamp; connections are lost by cuts only
NODE: list[Any] = []


class Machine(pysyncobj.SyncObj):  # type: ignore[misc]
    """The replicated object: one command, whose effect is its place in the log."""

    def __dir__(self) -> list[str]:
        return ["command", "command_v0"]  # the library looks for replicated methods; this is faster

    @pysyncobj.replicated  # type: ignore[untyped-decorator, unused-ignore]
    def command(self, value: Any) -> Any:
        """Applied on every node in log order."""
        return value


def main(name: str) -> None:
    """Start, and stay."""
    peers = [f"{peer}:{PORT}" for peer in os.environ["PEERS"].split(",") if peer != name]
    conf = pysyncobj.SyncObjConf(
        autoTick=True,
        autoTickPeriod=float(os.environ["TICK"]),
        journalFile=f"{name}.journal",
        commandsWaitLeader=False,
        connectionTimeout=NEVER,
        logCompactionMinEntries=NEVER,
        logCompactionMinTime=NEVER,
    )
    NODE.append(Machine(f"{name}:{PORT}", peers, conf))
    threading.Event().wait()


def command(value: Any) -> None:
    """A client of this process: as soon as it is up."""
    while not NODE:
        time.sleep(0.1)
    NODE[0].command(value)

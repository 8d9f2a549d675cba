"""What a running host may reach of the real machine, and where its log lines go.

The one insight: allowing an escape is a decision of the user, so it is a list of kinds, and whatever used
it is listed all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from demi.errors import UsageError
from demi.interpose.aio.host import HOST
from demi.interpose.escapes import EscapeError, Guard, call_site, reading

KINDS = ("socket", "subprocess", "thread", "file")


class HostGuard(Guard):
    """allowed: kinds of real things that may be reached; they are noted in `seen` and in the host's log."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(_reading)
        unknown = sorted(set(allowed) - set(KINDS))
        if unknown:
            raise UsageError(f"no escape {unknown[0]!r}", remedy="known: " + ", ".join(KINDS))
        self._allowed = frozenset(allowed)

    def refuse(self, kind: str, what: str) -> None:
        host = HOST.get()
        if kind not in self._allowed:
            try:
                super().refuse(kind, what)
            except EscapeError as error:
                if host is not None:
                    host.loop.refusals.append(error)
                raise
        where = call_site(3)
        self.seen.append(EscapeError(f"a real {kind}, allowed: {what}", where=where))
        if host is not None:
            host.note(f"escape allowed: a real {kind}: {what} at {where}")


def _reading(path: str, mode: str) -> bool:
    return reading(path, mode) or "__pycache__" in path


class Logs(logging.Handler):
    """What hosts log, from warnings on, becomes lines of their steps and goes nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._root = logging.getLogger()
        self._root.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        host = HOST.get()
        if host is not None:
            host.note(f"{record.name}: {record.getMessage()}"[:200])

    def close(self) -> None:
        self._root.removeHandler(self)
        super().close()

"""What a running host may reach of the real machine, and where its log lines go.

The one insight: an escape ends the run even if the program catches it, so it is noted with the loop as
well as raised.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from demi.interpose.aio.host import HOST, LINE_MAX
from demi.interpose.escapes import Guard, reading
from demi.interpose.notices import Notices
from demi.interpose.sites import EscapeError


class HostGuard(Guard):
    """kinds: real things that may be reached; told of by `notices`, and in the step that did."""

    def __init__(self, kinds: Iterable[str], notices: Notices) -> None:
        super().__init__(_reading, kinds, notices)

    def refuse(self, kind: str, what: str) -> str:
        host = HOST.get()
        try:
            told = super().refuse(kind, what)
        except EscapeError as error:
            if host is not None:
                host.loop.refusals.append(error)
            raise
        if host is not None:
            host.note(told)
        return told


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
        if host is not None and not host.loop.dead:
            host.note(f"{record.name}: {record.getMessage()}"[:LINE_MAX])

    def close(self) -> None:
        self._root.removeHandler(self)
        super().close()

"""Holding the library still: time, randomness, files and polling of unmodified pysyncobj.

The one insight: the library takes all of these from names in its own modules, bound by `from x import y`
when it was imported, so replacing them means rebinding the name in *every* loaded module that holds it;
the fakes then ask `HOST`, which the world points at the node about to run.

Files live in memory and survive a crash of the process that wrote them: every write is kept, as by the
page cache of a real machine.  Power loss (only what was flushed) is not modelled.
Not here: messages between nodes (`links.py`), nodes (`machine.py`).
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import pysyncobj
import pysyncobj.journal
import pysyncobj.monotonic
import pysyncobj.poller

from demi.errors import ContractError

Files = dict[str, Any]
"""One machine room: file name -> bytes of a journal, or the content of a metadata file."""


class Host:
    """The node that runs now: its clock, its random stream, the files it sees, what it logs."""

    __slots__ = ("draw", "files", "log", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self.draw: Callable[[], float] = lambda: 0.5
        self.files: Files = {}
        self.log: list[str] = []


HOST = Host()


def _now() -> float:
    return HOST.now


class _Time:
    """Stands for the module `time`; anything unforeseen is an error, not a silent real clock."""

    time = monotonic = perf_counter = staticmethod(_now)

    def __getattr__(self, name: str) -> Any:
        raise ContractError(
            f"pysyncobj uses time.{name}, which is not held", remedy="report the release"
        )


class _Random:
    """Stands for the module `random`."""

    @staticmethod
    def random() -> float:
        return HOST.draw()

    def __getattr__(self, name: str) -> Any:
        raise ContractError(
            f"pysyncobj uses random.{name}, which is not held", remedy="report the release"
        )


class _Poller:
    """Nothing to poll: messages arrive when the scheduler says so."""

    def subscribe(self, descr: int, callback: object, mask: int) -> None:
        """Never called back."""

    def unsubscribe(self, descr: int) -> None:
        """Nothing was subscribed."""

    def poll(self, timeout: float) -> None:
        """Returns at once."""


class _File:
    """The library's memory-mapped journal file, as bytes."""

    __slots__ = ("_data",)

    def __init__(
        self, name: str, initial_size: int = 0, factor: float = 2.0, defaultContent: bytes = b""
    ) -> None:
        if name not in HOST.files:
            HOST.files[name] = bytearray(defaultContent)
        self._data: bytearray = HOST.files[name]

    def write(self, offset: int, values: bytes) -> None:
        self._data[offset : offset + len(values)] = values

    def read(self, offset: int, size: int) -> bytes:
        return bytes(self._data[offset : offset + size])

    def flush(self) -> None:
        """Every write is already kept."""

    def _destroy(self) -> None:
        """A crash closes nothing."""


class _Meta:
    """The library's small file of metadata, replaced as a whole."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def getMeta(self) -> dict[str, Any]:
        return dict(HOST.files.get(self._path, ()))

    def storeMeta(self, meta: dict[str, Any]) -> None:
        HOST.files[self._path] = dict(meta)

    def getPath(self) -> str:
        return self._path


class _Log(logging.Handler):
    """What the library logs becomes lines of the step."""

    def emit(self, record: logging.LogRecord) -> None:
        HOST.log.append(record.getMessage())


_REAL = (
    pysyncobj.monotonic.monotonic,
    time,
    random,
    pysyncobj.poller.createPoller,
    pysyncobj.journal.ResizableFile,
    pysyncobj.journal.MetaStorer,
)
_FAKE = (_now, _Time(), _Random(), lambda kind: _Poller(), _File, _Meta)
_LOGGER = logging.getLogger("pysyncobj")
_HANDLER = _Log(logging.WARNING)
_holders: list[None] = []


def hold() -> None:
    """Take the library over, in all its loaded modules; worlds may nest."""
    _holders.append(None)
    if len(_holders) == 1:
        _rebind(_REAL, _FAKE)
        _LOGGER.addHandler(_HANDLER)
        _LOGGER.propagate = False


def release() -> None:
    """Undo one `hold`; the last one gives the library its real surroundings back."""
    _holders.pop()
    if not _holders:
        _rebind(_FAKE, _REAL)
        _LOGGER.removeHandler(_HANDLER)
        _LOGGER.propagate = True


def _rebind(old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    for name, module in sorted(sys.modules.items()):
        if name == "pysyncobj" or name.startswith("pysyncobj."):
            for attribute, value in list(vars(module).items()):
                for before, after in zip(old, new, strict=True):
                    if value is before:
                        setattr(module, attribute, after)

"""The target `pysyncobj-tcp`: the same library over its own TCP transport and tick thread.

The one insight: nothing of the library is replaced but its two files, so what it does with threads,
pollers and connections is under test as well; the price is more events for each message.

Not here: how threads are held (`demi/interpose/threads`), what must hold (`invariants.py`).
"""

from __future__ import annotations

import pickle
import types
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

from demi.errors import TargetError
from demi.interpose.framing import length_prefixed
from demi.interpose.threads.hosts import here
from demi.interpose.threads.looks import monotonic
from demi.interpose.threads.program import Program
from demi.interpose.threads.world import ThreadsWorld
from demi.interpose.world import World
from demi.target import Config, Profile, Target
from targets.pysyncobj import TARGET as TRANSPORT

_NODE = "targets.pysyncobj.tcp_node"
_WEIGHTS = {"!_autoTickThread": 0.3, "crash": 0.2, "cut": 0.2, "restart": 0.3, "heal": 0.3}
NODES_MAX = 99


class _File:
    """The library's memory-mapped journal file, as bytes of the node's disk."""

    def __init__(
        self, name: str, initial_size: int = 0, factor: float = 2.0, defaultContent: bytes = b""
    ) -> None:
        self._data: bytearray = here().durable.setdefault(name, bytearray(defaultContent))

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

    def __init__(self, path: str) -> None:
        self._path = path

    def getMeta(self) -> dict[str, Any]:
        return dict(here().durable.get(self._path, ()))

    def storeMeta(self, meta: dict[str, Any]) -> None:
        here().durable[self._path] = dict(meta)

    def getPath(self) -> str:
        return self._path


def _prepare(modules: Mapping[str, types.ModuleType]) -> None:
    """The disk, and sets of nodes whose order does not follow the hash seed.

    And two short cuts with the same results: a zlib with a memory (heartbeats are alike, and setting up to
    compress one costs more than all else that sending it does), and the clock without the library's detour.
    """
    journal: Any = modules["pysyncobj.journal"]
    journal.ResizableFile, journal.MetaStorer = _File, _Meta
    node: Any = modules["pysyncobj.node"]
    plain = node.Node.__init__

    def init(self: Any, id: str, **kwargs: Any) -> None:
        plain(self, id, **kwargs)
        self._hash = zlib.crc32(id.encode()).__hash__

    connection: Any = modules["pysyncobj.tcp_connection"]
    connection.zlib = types.SimpleNamespace(compress=_compress, decompress=_decompress)
    for name, module in modules.items():
        if name.startswith("pysyncobj.") and hasattr(module, "monotonicTime"):
            vars(module)["monotonicTime"] = monotonic
    node.Node.__init__ = init
    node.Node.__hash__ = property(attrgetter("_hash"))  # asked often, and so without Python code


_compress = lru_cache(maxsize=4096)(zlib.compress)
_decompress = lru_cache(maxsize=4096)(zlib.decompress)


def _read(body: bytes) -> Any:
    return pickle.loads(_decompress(body))  # made by a node of this process


def _label(body: bytes) -> str:
    message = _read(body)
    return str(message["type"]) if isinstance(message, dict) and "type" in message else "hello"


def _show(data: bytes) -> Any:
    from targets.pysyncobj.observe import readable

    message = _read(data[4:])
    return readable(message) if isinstance(message, dict) else message


def _make(config: Config) -> World:
    count, tick = config["nodes"], config["tick"]
    if not 1 <= count <= NODES_MAX or not 0 < tick <= 60:
        raise TargetError(
            f"pysyncobj-tcp needs 1 to {NODES_MAX} nodes and a tick above 0, at most 60 s"
        )
    from targets.pysyncobj.observe import ClusterView

    names = [f"n{i + 1}" for i in range(count)]
    program = Program(
        f"{_NODE}:main",
        packages=("pysyncobj",),
        environ={"PEERS": ",".join(names), "TICK": str(tick)},
        stateful=("pysyncobj", _NODE),
        prepare=_prepare,
        late=False,
    )
    view = ClusterView(names, [None] * count)

    def observe(threads: Mapping[str, str], modules: Mapping[str, Any]) -> Any:
        kept = modules[_NODE].NODE
        return view.look(here().index, kept[0] if kept else None)

    framing = length_prefixed(4, order="little", label=_label)
    return ThreadsWorld(
        dict.fromkeys(names, program),
        observe=observe,
        inputs={"command": lambda modules, args: modules[_NODE].command(args["value"])},
        decoder=lambda port: framing,
        show=_show,
        timers="free",
    )


def _profile(config: Config) -> Profile:
    return replace(TRANSPORT.profile(config), weights=_WEIGHTS, steps=500, items=(6, 20))


def _invariants(config: Config) -> Sequence[Any]:
    return TRANSPORT.invariants(config)


TARGET = Target(
    name="pysyncobj-tcp",
    doc="PySyncObj with its own TCP transport and tick thread: unmodified threads and sockets",
    make=_make,
    invariants=_invariants,
    profile=_profile,
    defaults={"nodes": 3, "tick": 0.4},
    bugs={name: bug for name, bug in TRANSPORT.bugs.items() if name == "84"},
    version=TRANSPORT.version,
)

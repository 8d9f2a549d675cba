"""What lets raftos 0.2.6 run on a current Python: hooks around its import, no change to its source.

The one insight: the library is from the time of `asyncio.Queue(loop=)`, so its server module is given an
`asyncio` that still takes the argument; encryption is off, so that messages can be read.
"""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demi.interpose.aio import Host

PORT = 8000
LOG_PATH = "/raftos/"
_OFF = ("cryptography", "cryptography.fernet")  # deriving a key takes longer than a run
_hidden: dict[str, Any] = {}


def before_import(host: Host) -> None:
    """The library falls back to no encryption when there is none."""
    loaded: dict[str, Any] = sys.modules
    for name in _OFF:
        if loaded.get(name) is not None:
            _hidden[name] = loaded[name]
        loaded[name] = None


def after_import(host: Host) -> None:
    """Undo the hook; shim what Python 3.10 removed."""
    for name in _OFF:
        del sys.modules[name]
    sys.modules.update(_hidden)
    _hidden.clear()
    host.log.clear()  # its warning that encryption is off
    host.module("raftos.server").asyncio = SimpleNamespace(
        Queue=lambda loop=None: asyncio.Queue(),
        Task=asyncio.Task,
        ensure_future=asyncio.ensure_future,
        get_event_loop=asyncio.get_event_loop,
    )


async def start(host: Host, names: list[str]) -> Any:
    """Configure and register this host's node; returns it."""
    raftos = host.module("raftos")
    raftos.configure({
        "log_path": LOG_PATH,
        "serializer": host.module("raftos.serializers").JSONSerializer,
        "cryptor": host.module("raftos.cryptors").DummyCryptor,
    })  # fmt: skip
    index = {name: position for position, name in enumerate(names)}
    cluster = [f"10.0.0.{index[name] + 1}:{PORT}" for name in names]
    await raftos.register(cluster[host.index], cluster=cluster)
    return host.module("raftos.server").Node.nodes[-1]

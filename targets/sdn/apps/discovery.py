"""os-ken's own topology discovery and nothing else: who runs it expects probes of every link, for ever.

With os-ken 4.2.2 and its native hub they end after a second: `hub.Event.wait(timeout)` never times out.
And who serves a switch that is gone waits for ever: `hub.kill()` does not end the thread that sends.
variant `mended`: the wait is replaced by one that does, and the sending thread ends with the receiving one.
"""

from __future__ import annotations

from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import controller
from os_ken.lib import hub
from os_ken.topology import event

cfg.CONF.register_cli_opts([cfg.StrOpt("variant", default="")])
CHECK = 0.1  # seconds between two looks of a mended wait


def _wait(self: Any, timeout: float | None = None) -> bool:
    waited = 0.0
    while not self.is_set() and (timeout is None or waited < timeout):
        hub.sleep(CHECK)
        waited += CHECK
    return bool(self.is_set())


def _receive(self: Any) -> None:
    _plain(self)
    self.send(b"", close_socket=True)


_plain = controller.Datapath._recv_loop


class Discovery(app_manager.OSKenApp):
    """Asks for the topology, so that the discovery of os-ken runs."""

    _EVENTS = (event.EventLinkAdd,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if cfg.CONF.variant == "mended":
            hub.Event.wait = _wait
            controller.Datapath._recv_loop = _receive


app_manager.require_app("os_ken.topology.switches")

"""Unmodified asyncio programs, several hosts in one process, held still.

The one insight: an event loop is already the place where everything waits, so a loop without a selector
that runs its ready queue dry and then stops gives "one event, one host, run to quiescence" for free.

`loop.py` is the loop, `host.py` a machine, `net.py` what is in flight, `streams.py` and `udp.py` the
transports, `sockets.py` names and inert sockets, `stand_ins.py` clocks, entropy and doors, `files.py` the
disks, `faults.py` what the outside does, `world.py` the World that ties them together.
"""

from demi.interpose.aio.host import HOST, Host
from demi.interpose.aio.service import Service
from demi.interpose.aio.world import AsyncioWorld

__all__ = ["HOST", "AsyncioWorld", "Host", "Service"]

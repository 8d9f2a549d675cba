"""The seam between a network of switches and whatever controls it.

The one insight: a controller is bytes in, bytes out and time, so the network need not know whether it is
Python held step by step in this process or a child process in any language; only how far a run can be
repeated differs, and `exact` says so.

A *channel* is the control connection of one switch (`dpid`).  Bytes are OpenFlow as on the wire; `feed`
takes any number of whole messages, `collect` gives them back as the controller wrote them (cut them with
the OpenFlow header: a write may hold several messages or a part of one).
Nothing moves by itself: between two calls a controller held in process does nothing at all, and a black
box may do only what real time makes it do.  Not here: OpenFlow, switches, choosing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a controller did that it should not have.

    kind: `exception` (a handler or thread raised; the controller may still run), `died` (the process or
    its main thread ended), `log` (it logged an error), `escape` (it reached a real socket, file, process
    or clock), `stuck` (it never came to rest within the budget), `start` (it did not start).
    text: one line, the same in every run.  where: function and line, or "" when unknown.
    remedy: what to do about it.
    """

    kind: str
    text: str
    where: str = ""
    remedy: str = ""


class Controller(Protocol):
    """One controller process, real or held.  All times are virtual seconds since `start`."""

    name: str
    """The node name in events: `c1`."""
    how: str
    """`in process` or `black box`: reports name which one was used."""
    exact: bool
    """The same calls give the same bytes in any process."""

    @property
    def alive(self) -> bool:
        """False before `start`, after `crash`, and after it died by itself."""
        ...

    @property
    def now(self) -> float:
        """Its clock, virtual seconds since `start`."""
        ...

    def start(self, seed: int) -> None:
        """A fresh controller, run until it listens and is at rest.  seed: of its random stream.

        May be called again at any time, for a new run: nothing of the last run is left.
        Raises TargetError when it does not start.
        """
        ...

    def connect(self, dpid: int) -> bool:
        """A switch opens its channel; nothing of the controller runs yet.  False when refused.

        A second connect of the same dpid while its channel is open raises ValueError.
        """
        ...

    def disconnect(self, dpid: int) -> None:
        """The switch closes its channel; the controller will see an end of file.  No-op when closed."""
        ...

    def feed(self, dpid: int, data: bytes) -> None:
        """Bytes from a switch arrive; nothing of the controller runs before `quiesce`.

        Ignored when the channel is closed.
        """
        ...

    def collect(self) -> list[tuple[int, bytes]]:
        """(dpid, bytes) of every write since the last call, in the order in which they were written."""
        ...

    def closed(self) -> list[int]:
        """dpids whose channel the controller closed since the last call, in order."""
        ...

    def quiesce(self) -> None:
        """Run until every thread waits: for bytes, for another thread, or for time.

        In process this is exact and no virtual time passes.  A controller that does not come to rest
        within its budget is stopped there and reported by `errors` as `stuck`.
        """
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass: fire every timer due until then in order, each run to rest."""
        ...

    def deadline(self) -> float | None:
        """When the next timer is due, on its clock; None when there is none or it cannot be known."""
        ...

    def errors(self) -> list[Trouble]:
        """What went wrong since the last call."""
        ...

    def log(self) -> list[str]:
        """Lines logged since the last call, `LEVEL logger: text`, without time stamps."""
        ...

    def crash(self) -> None:
        """Kill it: no clean-up code runs, channels are gone, what it wrote before can be collected."""
        ...

    def restart(self) -> None:
        """`start` again after a crash, on what survived (its files), its clock going on."""
        ...

    def reload(self) -> None:
        """Ask it to read its configuration again (a hang-up signal, or what the controller offers)."""
        ...

    def memory(self) -> int:
        """How much it holds: objects in process, bytes resident as a black box; 0 when not alive."""
        ...

    def apps(self) -> Mapping[str, Any]:
        """Its application objects by class name, to observe and never to change; {} as a black box."""
        ...

    def close(self) -> None:
        """End it and leave nothing behind: no process, no port, no patch."""
        ...


MakeController = Any
"""`make(name: str) -> Controller`; the registry in `targets/sdn/controllers/__init__.py`."""

Controllers = Sequence[Controller]

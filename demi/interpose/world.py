"""The seam: what a scheduler knows of a system under test, whatever holds it.

The one insight: if every step waits for permission and touches one node, then replaying, searching and
shrinking need no knowledge of what the system is.  A step that is not enabled is *reported*, never
raised: shrinking depends on it.

Not here: choosing (scheduler), names of events (scheduler), any particular way of holding (siblings).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from demi.events import Event, External
from demi.oracle import Failure, View


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a world can promise; written into every trace and report.

    network: fifo, bag, causal or mailbox.  timers: ordered, bounded(h) or free.
    lossy: a fifo channel may lose its head: a later message may be stepped, what it overtakes is lost.
    checkpoint: `checkpoint`/`restore` work.  exact: same choices give same bytes in any process.
    tier: fidelity tier of the report (T0: in our process, exact).
    how: what runs is held `in process` or as a `black box`, for reports.
    """

    network: str = "fifo"
    timers: str = "free"
    lossy: bool = False
    checkpoint: bool = False
    exact: bool = True
    tier: str = "T0"
    how: str = "in process"


_NO_EVENTS: list[Event] = []


class Step:
    """What one step did.  A fresh object per step; lists may be shared empties: never mutate them.

    enabled: False when the event could not happen (nothing changed, the rest is empty).
    sent: deliveries created, in send order.  armed, cancelled: timers.  lost: deliveries that will
    never happen any more (overtaken, dropped, in flight to nobody).  received: False when the message
    reached a node that is down or across a cut link and so ran no handler.
    failure: the handler raised.  log: lines the node logged.
    wide: it read or changed something of other nodes that none of these lists shows.
    """

    # class-level defaults: a step that sent nothing costs one attribute
    enabled = True
    received = True
    sent: list[Event] = _NO_EVENTS
    armed: list[Event] = _NO_EVENTS
    cancelled: list[Event] = _NO_EVENTS
    lost: list[Event] = _NO_EVENTS
    failure: Failure | None = None
    log: Sequence[str] = ()
    wide = False

    def __init__(self, event: Event, enabled: bool = True) -> None:
        self.event = event
        if not enabled:
            self.enabled = False


class World(Protocol):
    """A system under test whose every step waits for permission."""

    names: Sequence[str]
    """Node names; the index of a name is the node of an `Event`.  Canonical order."""
    capabilities: Capabilities

    def reset(self, seed: int) -> Step:
        """Go back to the beginning, per-node streams from seed; returns what starting nodes did."""
        ...

    def offer(self, externals: Sequence[External]) -> list[Event]:
        """Make externals available; each is enabled while its precondition holds, until taken.

        Returns their events in order.  Raises TargetError for a node or input that does not exist.
        """
        ...

    def withdraw(self, event: Event) -> None:
        """Take back an external that was offered and not taken."""
        ...

    def enabled(self) -> Sequence[Event]:
        """The events that may happen now, sorted.  Live: read it before the next step only."""
        ...

    def allowed(self, event: Event) -> bool:
        """May `step(event)` happen now?  Wider than `enabled()` where a lossy channel may skip."""
        ...

    def step(self, event: Event) -> Step:
        """Run one event to quiescence."""
        ...

    def take(self, event: Event) -> Step:
        """`step` for an event known to be enabled: what a scheduler that read `enabled()` calls."""
        ...

    def observe(self) -> View:
        """The view for invariants; the same object until the next `reset`."""
        ...

    def digest(self) -> bytes:
        """Digest of the whole state: nodes, what is in flight, timers, links.  16 bytes, stable."""
        ...

    def node_digest(self, node: int) -> str:
        """Short digest (hex) of one node's state."""
        ...

    def external(self, event: Event) -> External:
        """The External behind an event of external kind."""
        ...

    def label(self, event: Event) -> str:
        """Message type, timer name or input label of a pending or just-stepped event."""
        ...

    def fingerprint(self, event: Event) -> object:
        """Hashable content of a pending delivery, equal in equivalent runs; None for others."""
        ...

    def payload(self, event: Event) -> Any:
        """JSON form of a pending or just-stepped event's content."""
        ...

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        """Undelivered messages of one channel, oldest first."""
        ...

    def channels(self) -> Sequence[tuple[int, int]]:
        """(dst, src) of every channel with a message in flight, sorted."""
        ...

    def checkpoint(self) -> object:
        """An immutable copy of the whole state; raises NotImplementedError without the capability."""
        ...

    def restore(self, saved: object) -> None:
        """Return to a checkpoint of this world, in any order, any number of times."""
        ...

    def close(self) -> None:
        """Release what the world holds outside memory."""
        ...

"""What must hold of the controllers themselves: they keep probing, they know their entries, they do not grow.

The one insight: a controller that fell silent breaks nothing a packet would notice, so its duties are
checked as such, at rest, with virtual time as the witness.

Not here: a controller that dies or raises (the built-in `crash`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demi.oracle import Invariant, Memory, View
from demi.verdict import Detail
from targets.sdn.view import NetworkView


@dataclass(slots=True)
class Discovery:
    """Every port between two switches sends a probe (LLDP) at least every `seconds`."""

    seconds: float
    name: str = "Discovery"
    doc: str = "every working link is probed again and again"

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        world = view.world
        if not view.settled or world.clock.now < self.seconds:
            return memory, None
        for port in world.wiring.cables:
            last = world.probed.get(port)
            if not world.wiring.linked(port) or world.switch(port[0]) is None:
                continue
            if last is None or last < world.clock.now - self.seconds:
                when = "never" if last is None else f"{world.clock.now - last:.1f} s ago"
                text = f"the link at {port[0]}, port {port[1]}, was last probed {when}"
                silent = "silent" if last is not None else "never"
                return memory, Detail((port[0], view.names[0]), text, silent)
        return memory, None


@dataclass(slots=True)
class Correspondence:
    """Applications that say how many entries they believe in (`believes()`) are right."""

    name: str = "Correspondence"
    doc: str = "the entries that an application believes in are those that the switches have"

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if not view.settled:
            return memory, None
        for controller in view.world.controllers:
            for app in controller.apps().values():
                believes = getattr(app, "believes", None)
                for dpid, count in sorted(believes().items()) if believes else ():
                    name = view.world.topology.switch(dpid)
                    has = _entries(view, name)
                    if has is not None and has != count:
                        text = (
                            f"{controller.name} believes in {count} entries of {name}, it has {has}"
                        )
                        role = "too many" if count > has else "too few"
                        return memory, Detail((controller.name, name), text, role)
        return memory, None


def _entries(view: NetworkView, name: str) -> int | None:
    """How many entries a switch has, besides those for misses."""
    switch = view.world.wiring.switches.get(name)
    if switch is None:
        return None
    return sum(1 for table in switch.forwarding.tables for entry in table if entry.priority)


@dataclass(slots=True)
class Growth:
    """No more than `limit` objects more than at the first rest."""

    limit: int
    name: str = "MemoryGrowth"
    doc: str = "a controller does not hold more and more"

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if not view.settled:
            return memory, None
        sizes = tuple(controller.memory() for controller in view.world.controllers)
        if not memory:
            return sizes, None
        for controller, first, now in zip(view.world.controllers, memory, sizes, strict=True):
            if now - first > self.limit:
                text = f"{controller.name} holds {now - first} objects more than at its first rest"
                return memory, Detail((controller.name,), text)
        return memory, None


def controller_invariants(probes: float, believes: bool, memory: int) -> Sequence[Invariant]:
    """Those that are asked for: seconds between probes, whether, objects; 0 for not."""
    asked: list[Invariant] = []
    if probes:
        asked.append(Discovery(probes))
    if believes:
        asked.append(Correspondence())
    if memory:
        asked.append(Growth(memory))
    return asked

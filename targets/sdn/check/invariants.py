"""The invariants of a network.

The one insight: each is a question to the walker about a pair of hosts, asked when the network is
settled, so a violation is *persistent* by construction; `transient` asks after every change of a table
and says so in what it reports.

Not here: the walk (`walk.py`), keeping its answers (`fates.py`), who may reach whom (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demi.oracle import Invariant, Memory, View
from demi.verdict import Detail
from targets.sdn.check.fates import Broken, Fates, Pair, Question
from targets.sdn.check.policy import Policy
from targets.sdn.check.walk import End, Fate
from targets.sdn.view import NetworkView

DEAD = "dead port"  # held against a controller even where hosts are parted: the entry must go
CHATTER, CHATTER_EACH = (
    2000,
    200,
)  # control messages that may follow an input, in all and per switch


@dataclass(slots=True)
class PairInvariant:
    """One question about every pair of hosts; the detail of the first of which something is wrong.

    transient: asked at every change.  after: how many inputs happen before it is asked at all.
    """

    name: str
    doc: str
    fates: Fates
    transient: bool = False
    after: int = 0

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if not (view.settled or self.transient) or view.world.outside.taken < self.after:
            return memory, None
        wiring = view.world.wiring
        stamp = (wiring.version, view.world.tables_version())
        if stamp == memory:
            return memory, None
        self.fates.update(wiring)
        found = self.fates.first(self.name)
        if found is None:
            return stamp, None
        how = "persistent" if view.settled else "transient"
        return stamp, Detail(found.nodes, f"{found.text} ({how})", found.role)


def _loop(policy: Policy, pair: Pair, fate: Fate) -> Broken | None:
    loops = fate.of("loop")
    if not loops:
        return None
    text = f"packets {_ways(pair)} loop at {loops[0].at} (way: {' '.join(fate.path)})"
    return Broken("", (loops[0].at,), text)


def _black_hole(policy: Policy, pair: Pair, fate: Fate) -> Broken | None:
    lost = fate.of("lost")
    if not lost or _fine(policy, pair, fate):
        return None
    end = next((end for end in lost if _dead(end)), lost[0])
    dead = _dead(end)
    if not dead and not pair.connected:
        return None
    why = f"its entry names port {dead}, where nothing is" if dead else _WORDS.get(end.why, end.why)
    text = f"packets {_ways(pair)} vanish at {end.at}: {why} (way: {' '.join(fate.path)})"
    return Broken(DEAD if dead else end.why, (end.at,), text)


def _fine(policy: Policy, pair: Pair, fate: Fate) -> bool:
    """They arrive, or may yet, or need not."""
    return (
        fate.reaches(pair.dst.name)
        or fate.undecided()
        or not policy.must_reach(pair.src.name, pair.dst.name)
    )


def _ways(pair: Pair) -> str:
    return f"{pair.src.name} > {pair.dst.name}"


def _dead(end: End) -> str:
    """The port behind which nothing is; "" for another end."""
    return end.why.rpartition(" ")[2] if end.why.startswith(("down ", "no port")) else ""


_WORDS = {
    "in_port": "an entry sends them back where they came from",
    "miss": "no entry matches",
}


def _unreachable(policy: Policy, pair: Pair, fate: Fate) -> Broken | None:
    if not pair.connected or _fine(policy, pair, fate) or fate.of("lost") or fate.of("loop"):
        return None
    src, dst = pair.src.name, pair.dst.name
    ends = ", ".join(f"{end.kind} at {end.at}" for end in fate.ends) or "nowhere"
    role = "astray" if fate.of("delivered") else "dropped"
    nodes = tuple(dict.fromkeys(end.at for end in fate.ends))
    return Broken(role, nodes, f"{dst} should be reachable from {src}; packets end: {ends}")


def _isolation(policy: Policy, pair: Pair, fate: Fate) -> Broken | None:
    src, dst = pair.src.name, pair.dst.name
    if (src, dst) not in policy.isolate or not fate.reaches(dst):
        return None
    return Broken("", (dst,), f"{src} must not reach {dst}, and does ({' '.join(fate.path)})")


def _waypoint(policy: Policy, pair: Pair, fate: Fate) -> Broken | None:
    src, dst = pair.src.name, pair.dst.name
    point = (policy.waypoint or {}).get((src, dst))
    if point is None or not fate.reaches(dst) or point in fate.path:
        return None
    return Broken(
        "", (point,), f"packets {_ways(pair)} do not pass {point} ({' '.join(fate.path)})"
    )


QUESTIONS: dict[str, Question] = {
    "ForwardingLoop": _loop, "BlackHole": _black_hole, "Reachability": _unreachable,
    "Isolation": _isolation, "Waypoint": _waypoint,
}  # fmt: skip
_DOCS = {
    "ForwardingLoop": "no packet meets the same switch again in the same way",
    "BlackHole": "no entry sends packets where nothing is",
    "Reachability": "hosts that cables connect and the policy does not part reach one another",
    "Isolation": "hosts that the policy parts do not reach one another",
    "Waypoint": "packets pass the switch that the policy names",
}


@dataclass(slots=True)
class Storm:
    """No input sets off more hops than flooding any loop-free network would, or control messages for ever."""

    limit: int
    name: str = "BroadcastStorm"
    doc: str = "no input sets off more than a bounded number of hops"

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        world = view.world
        if world.frames > self.limit:
            text = f"{world.frames} hops since the last input: packets multiply"
            return memory, Detail((), text)
        if world.chatter > CHATTER + CHATTER_EACH * len(world.topology.switches):
            text = f"{world.chatter} control messages since the last input or timer, and no end"
            return memory, Detail((view.names[0],), text, "control")
        return memory, None


def pair_invariants(policy: Policy, transient: bool, after: int = 0) -> Sequence[Invariant]:
    """Those about pairs of hosts, sharing one walk."""
    shared = Fates(policy, QUESTIONS)
    return [PairInvariant(name, doc, shared, transient, after) for name, doc in _DOCS.items()]

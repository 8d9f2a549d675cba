"""The invariants of a network.

The one insight: each is a question to the walker about a pair of hosts, asked when the network is
settled, so a violation is *persistent* by construction; `transient` asks after every change of a table
and says so in what it reports.

Not here: the walk (`walk.py`), who may reach whom (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demi.oracle import Invariant, Memory, View
from demi.verdict import Detail
from targets.sdn.check.policy import Policy
from targets.sdn.check.walk import End, Fate, Walker, pairs, traffic
from targets.sdn.network.wiring import Host, Wiring
from targets.sdn.view import NetworkView

DEAD = "dead port"  # held against a controller even where hosts are parted: the entry must go
STORM_FRAMES = 400  # hops of frames after one input: flooding a tree of 200 switches takes 200


class Snapshot:
    """One walker per run, and the fate of every pair at the current tables, computed once."""

    def __init__(self) -> None:
        self._wiring: Wiring | None = None
        self._walker: Walker | None = None
        self._connected: dict[str, int] = {}
        self._version = -1

    def walker(self, wiring: Wiring) -> Walker:
        """The walker of this run."""
        if self._walker is None or self._wiring is not wiring:
            self._wiring, self._walker, self._version = wiring, Walker(wiring), -1
        self._walker.refresh()
        if self._version != wiring.version:
            self._version = wiring.version
            self._connected = _islands(wiring)
        return self._walker

    def fates(self, wiring: Wiring) -> Iterator[tuple[Host, Host, Fate, bool]]:
        """Every pair of hosts, what its packets meet, and whether working cables connect it."""
        walker, out = self.walker(wiring), wiring.out
        for src, dst in pairs(wiring):
            if src.at in out or dst.at in out or wiring.switches[src.at[0]] is None:
                continue
            island = self._connected.get(src.at[0])
            connected = island == self._connected.get(dst.at[0])
            yield src, dst, walker.fate(src.at, traffic(src, dst)), connected


def _islands(wiring: Wiring) -> dict[str, int]:
    """Switch -> number of its island of working cables."""
    found: dict[str, int] = {}
    for count, start in enumerate(wiring.switches):
        if start in found or wiring.switches[start] is None:
            continue
        todo = [start]
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found[name] = count
            todo += [
                far[0]
                for near, far in wiring.cables.items()
                if near[0] == name and near not in wiring.out and wiring.linked(near)
            ]
    return found


@dataclass(slots=True)
class PairInvariant:
    """Asks `broken(policy, src, dst, fate)` of every pair; the detail of the first that is broken."""

    name: str
    doc: str
    snapshot: Snapshot
    policy: Policy
    transient: bool = False

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if not (view.settled or self.transient):
            return memory, None
        wiring = view.world.wiring
        self.snapshot.walker(wiring)
        stamp = (wiring.version, view.world.tables_version())
        if stamp == memory:
            return memory, None
        how = "persistent" if view.settled else "transient"
        for src, dst, fate, connected in self.snapshot.fates(wiring):
            found = _BROKEN[self.name](self.policy, src, dst, fate)
            if found is None or not (connected or found[0] == DEAD or self.name in _EVEN_IF_PARTED):
                continue
            role, nodes, text = found
            return stamp, Detail(nodes, f"{text} ({how})", role)
        return stamp, None


Broken = tuple[str, tuple[str, ...], str]
"""Role for the fingerprint, nodes involved, what is wrong."""


def _loop(policy: Policy, src: Host, dst: Host, fate: Fate) -> Broken | None:
    loops = fate.of("loop")
    if not loops:
        return None
    way = " ".join(fate.path)
    return "", (loops[0].at,), f"packets {src.name} > {dst.name} loop at {loops[0].at} (way: {way})"


def _black_hole(policy: Policy, src: Host, dst: Host, fate: Fate) -> Broken | None:
    if fate.reaches(dst.name) or fate.undecided() or not policy.must_reach(src.name, dst.name):
        return None
    lost = fate.of("lost")
    if not lost:
        return None
    end = next((end for end in lost if _dead(end)), lost[0])
    role = DEAD if _dead(end) else end.why
    text = f"packets {src.name} > {dst.name} vanish at {end.at}: {_WORDS.get(role, end.why)}"
    where = f", {end.why}" if role == DEAD else ""
    return role, (end.at,), f"{text}{where} (way: {' '.join(fate.path)})"


def _dead(end: End) -> bool:
    return end.why.startswith(("down ", "no port"))


_EVEN_IF_PARTED = frozenset(("ForwardingLoop", "Isolation", "Waypoint"))
_WORDS = {
    DEAD: "nothing is behind the port that an entry names",
    "in_port": "an entry sends them back where they came from",
    "miss": "no entry matches",
}


def _unreachable(policy: Policy, src: Host, dst: Host, fate: Fate) -> Broken | None:
    if fate.reaches(dst.name) or fate.undecided() or not policy.must_reach(src.name, dst.name):
        return None
    if fate.of("lost") or fate.of("loop"):
        return None
    ends = ", ".join(f"{end.kind} at {end.at}" for end in fate.ends) or "nowhere"
    role = "astray" if fate.of("delivered") else "dropped"
    nodes = tuple(dict.fromkeys(end.at for end in fate.ends))
    return role, nodes, f"{dst.name} should be reachable from {src.name}; packets end: {ends}"


def _isolation(policy: Policy, src: Host, dst: Host, fate: Fate) -> Broken | None:
    if (src.name, dst.name) not in policy.isolate or not fate.reaches(dst.name):
        return None
    return (
        "",
        (dst.name,),
        f"{src.name} must not reach {dst.name}, and does ({' '.join(fate.path)})",
    )


def _waypoint(policy: Policy, src: Host, dst: Host, fate: Fate) -> Broken | None:
    point = (policy.waypoint or {}).get((src.name, dst.name))
    if point is None or not fate.reaches(dst.name) or point in fate.path:
        return None
    return (
        "",
        (point,),
        f"packets {src.name} > {dst.name} do not pass {point} ({' '.join(fate.path)})",
    )


_BROKEN = {
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
    """No input sets off more hops than flooding any loop-free network would."""

    limit: int
    name: str = "BroadcastStorm"
    doc: str = "no input sets off more than a bounded number of hops"

    def start(self) -> Memory:
        return None

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        assert isinstance(view, NetworkView)
        if view.world.frames <= self.limit:
            return memory, None
        return memory, Detail(
            (), f"{view.world.frames} hops since the last input: packets multiply"
        )


def pair_invariants(policy: Policy, transient: bool) -> Sequence[Invariant]:
    """Those about pairs of hosts, sharing one walk."""
    shared = Snapshot()
    return [PairInvariant(name, doc, shared, policy, transient) for name, doc in _DOCS.items()]

"""akka-raft's node model, with the bugs of DEMi's case studies behind switches (NSDI'16, table 1).

The one insight: a bug is a named variant of one node, so the same profile, invariants and traces serve
all of them and the fixed one.

Four nodes start unconfigured; the outside bootstraps each and then sends commands to random ones.
Channels are FIFO but may lose messages (`lossy`): a message that is taken out of turn loses what it
overtakes, and order is kept.  raft-66 needs reordering and runs over a bag.  Timers fire at any time.
Not here: crashes, restarts and partitions in the profile, which the published runs do not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from demi.errors import TargetError
from demi.events import Event, Kind
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import World
from demi.oracle import Invariant, View
from demi.target import Bug, Config, Portrait, Target, nearest
from targets.raft.invariants import LEADER, Seen, raft_invariants
from targets.raft.messages import ChangeConfiguration, ClientMessage, term_of, without_terms
from targets.raft.node import RaftNode
from targets.raft.old_log import ZeroBasedNode
from targets.raft.profile import profile
from targets.raft.replica import ELECTION
from targets.raft.smaller import names_of, parts
from targets.raft.variants import VARIANTS

# As published for the first two.  raft-58b's branch has raft-42's commit rule as well, whose violations
# would be found first.
_WATCHED = {
    "raft-45": ("ElectionSafety",),
    "raft-46": ("ElectionSafety",),
    "raft-58b": ("ElectionSafety", "LogMatching"),
}
_NETWORKS = {"raft-66": "bag"}
_BUGS = {
    "raft-45": ("duplicate votes are counted", "ElectionSafety"),
    "raft-46": ("a candidate counts votes of older terms", "ElectionSafety"),
    "raft-56": ("a candidate that steps down forgets its vote", "ElectionSafety"),
    "raft-58a": ("a leader's tables are initialised too late", "crash"),
    "raft-58b": ("0-based indices make the start of the log ambiguous", "LogMatching"),
    "raft-42": ("the most frequent match index is committed", "LeaderCompleteness"),
    "raft-66": ("an older AppendEntries truncates the log", "LeaderCompleteness"),
}

DEFAULTS = {
    "variant": "fixed", "nodes": 4, "without": [], "network": "fifo", "lossy": True, "timers": "free",
}  # fmt: skip

_tuple = tuple.__new__


def observe(node: RaftNode) -> Seen:
    """What invariants see of a node.  Made after every step: past NamedTuple's keyword handling."""
    return _tuple(Seen, (node.role, node.term, node.committed - node.first_match, node.log, 1))


def make(config: Config) -> World:
    """The world; every node waits for its bootstrap."""
    count, variant = config["nodes"], config["variant"]
    if not 1 <= count <= 99:
        raise TargetError(f"raft needs 1 to 99 nodes, not {count}")
    if variant not in VARIANTS:
        raise TargetError(f"raft has no variant {variant!r}", remedy=nearest(variant, VARIANTS))
    rules = VARIANTS[variant]
    kind = ZeroBasedNode if rules.zero_based else RaftNode
    names = names_of(config)
    members = ChangeConfiguration(tuple(names))
    return ActorWorld(
        {name: lambda: kind(rules) for name in names},
        observe=observe,
        network=config["network"],
        timers=config["timers"],
        lossy=config["lossy"] and config["network"] == "fifo",
        inputs={"bootstrap": lambda args: members, "client": _command},
    )


def portrait(config: Config) -> Portrait | None:
    """Nodes are interchangeable unless commits follow the order of a table (raft-42's tie-breaks)."""
    return picture if VARIANTS[config["variant"]].commit == "order" else None


def picture(node: RaftNode) -> Any:
    """All of a node's state; the order of members and of voters decides nothing."""
    return (
        node.role, node.term, frozenset(node.members), node.votes, dict(Counter(node.received)), node.log,
        node.committed, node.next, node.match, node.leader,
    )  # fmt: skip


def _command(args: Any) -> ClientMessage:
    if not isinstance(args, dict) or not isinstance(args.get("cmd"), str):
        raise TargetError('input "client" needs {"cmd": "text"}')
    return ClientMessage(args["cmd"])


def has_leader(view: View) -> bool:
    """Some node is leader."""
    return any(seen.role == LEADER for seen in _up(view))


def has_commit(view: View) -> bool:
    """Something is committed."""
    return any(seen.commit > 0 for seen in _up(view))


def _up(view: View) -> list[Seen]:
    states = [view.state(node) for node in range(len(view.names))]
    return [seen for seen in states if seen is not None]


def rival(world: World) -> Event | None:
    """An election timer of a node other than the leader that has committed most."""
    view = world.observe()
    seen = [view.state(node) for node in range(len(world.names))]
    order = [(s.commit, s.term, n) for n, s in enumerate(seen) if s and s.role == LEADER]
    leader = max(order)[2] if order else -1
    for event in world.enabled():
        if event[0] == Kind.TIMER and event[1] != leader and world.label(event) == ELECTION:
            return event
    return None


def invariants(config: Config) -> Sequence[Invariant]:
    """Those that the study watches: a bug that breaks others too must not be found as another one."""
    return raft_invariants(*_WATCHED.get(config["variant"], ()))


BUGS = {
    name: Bug(name, doc, {"variant": name, "network": _NETWORKS.get(name, "fifo")}, finds)
    for name, (doc, finds) in _BUGS.items()
}

TARGET = Target(
    name="raft",
    doc="akka-raft's node model with the bugs of DEMi's case studies",
    make=make,
    invariants=invariants,
    profile=profile,
    defaults=DEFAULTS,
    bugs=BUGS,
    conditions={"leader": has_leader, "commit": has_commit},
    selectors={"rival": rival},
    mask=without_terms,
    clock=term_of,
    portrait=portrait,
    parts=lambda config: parts(config, make),
)

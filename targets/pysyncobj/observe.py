"""What invariants and readers see of a node, read from the library's private attributes.

The one insight: the library only appends to its log or cuts its tail, and each entry is a new tuple, so
the identity of the last entry says whether what was read before still stands; a step costs what it
changed.

These names are private to pysyncobj: a new release is first tried against the tests.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any, NamedTuple

_ROLES = ("follower", "candidate", "leader")
_UNREAD = object()


class Entry(NamedTuple):
    """One log entry; value: the command's, or a word for the library's own entries."""

    term: int
    value: Any


class Seen(NamedTuple):
    """An observed node.  commit, applied: log indexes, from 1; log[0] has index 1."""

    role: str
    term: int
    vote: str
    leader: str
    commit: int
    applied: int
    log: tuple[Entry, ...]


def election_deadline(machine: Any) -> float:
    """When the node stands for election, on its own clock."""
    deadline: float = machine._SyncObj__raftElectionDeadline
    return deadline


class ClusterView:
    """The View of a run: each node is read again only after a step that touched it."""

    __slots__ = ("_logs", "_machines", "_seen", "names", "touched")

    def __init__(self, names: Sequence[str], machines: list[Any]) -> None:
        self.names = names
        self.touched: Sequence[int] = ()
        self._machines = machines
        self._seen: list[Any] = [_UNREAD] * len(names)
        self._logs: list[tuple[list[Any], tuple[Entry, ...]]] = [([], ())] * len(names)

    def forget(self, node: int) -> None:
        """The node may have changed."""
        self._seen[node] = _UNREAD

    def state(self, node: int) -> Seen | None:
        seen = self._seen[node]
        if seen is _UNREAD:
            machine = self._machines[node]
            seen = self._seen[node] = None if machine is None else self._read(node, machine.__dict__)
        found: Seen | None = seen
        return found

    def _read(self, node: int, fields: dict[str, Any]) -> Seen:
        journal: list[Any] = fields["_SyncObj__raftLog"]._FileJournal__journal
        raw, log = self._logs[node]
        count = len(raw)
        if len(journal) != count or not count or journal[-1] is not raw[-1]:
            same = count if 0 < count <= len(journal) and journal[count - 1] is raw[-1] else 0
            log = log[:same] + tuple([Entry(term, value_of(data)) for data, _, term in journal[same:]])
            self._logs[node] = (journal[:], log)
        leader = fields["_SyncObj__raftLeader"]
        return Seen(
            _ROLES[fields["_SyncObj__raftState"]],
            fields["_SyncObj__raftCurrentTerm"],
            fields["_SyncObj__votedForNodeId"] or "",
            "" if leader is None else leader._id,
            fields["_SyncObj__raftCommitIndex"],
            fields["_SyncObj__raftLastApplied"],
            log,
        )


_VALUES: dict[bytes, Any] = {}
_VALUES_MAX = 10_000


def value_of(command: bytes) -> Any:
    """The value of a log entry's command, read once per content."""
    if command not in _VALUES:
        if len(_VALUES) >= _VALUES_MAX:
            _VALUES.clear()
        _VALUES[command] = _decoded(command)
    return _VALUES[command]


def _decoded(command: bytes) -> Any:
    word = {1: "no-op", 2: "membership", 3: "version"}.get(command[0])
    if word is not None:
        return word
    call = pickle.loads(command[1:])  # made by a node of this process
    return call[1][0] if isinstance(call, tuple) and call[1] else "call"


def digest_text(machine: Any) -> str:
    """The state of a node as text, equal in every process; clocks and time stamps are left out."""
    if machine is None:
        return "down"
    fields = machine.__dict__
    leader = fields["_SyncObj__raftLeader"]
    queue = fields["_SyncObj__commandsQueue"]._FastQueue__queue
    return repr([
        fields["_SyncObj__raftState"],
        fields["_SyncObj__raftCurrentTerm"],
        fields["_SyncObj__votedForNodeId"],
        fields["_SyncObj__votesCount"],
        None if leader is None else leader.id,
        fields["_SyncObj__raftCommitIndex"],
        fields["_SyncObj__leaderCommitIndex"],
        fields["_SyncObj__raftLastApplied"],
        fields["_SyncObj__raftLog"]._FileJournal__journal,
        sorted((peer.id, n) for peer, n in fields["_SyncObj__raftNextIndex"].items()),
        sorted((peer.id, n) for peer, n in fields["_SyncObj__raftMatchIndex"].items()),
        sorted(peer.id for peer in fields["_SyncObj__connectedNodes"]),
        [(data, who and (who[0].id, who[1])) for data, who in queue],
    ])  # fmt: skip

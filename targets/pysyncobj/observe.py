"""What invariants and readers see of a node, read from the library's private attributes.

The one insight: the library only appends to its log or cuts its tail, and each entry is a new tuple, so
the identity of the last entry says whether what was read before still stands; a step costs what it
changed.

These names are private to pysyncobj: a new release is first tried against the tests.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from targets.raft.invariants import CANDIDATE, FOLLOWER, LEADER

_fields = itemgetter(
    "_SyncObj__raftState",
    "_SyncObj__raftCurrentTerm",
    "_SyncObj__votedForNodeId",
    "_SyncObj__raftLeader",
    "_SyncObj__raftCommitIndex",
    "_SyncObj__raftLastApplied",
    "_SyncObj__raftLog",
)
_ROLES = (FOLLOWER, CANDIDATE, LEADER)  # by the library's numbers


class Entry(NamedTuple):
    """One log entry; command: a command's value, or a word for the library's own entries."""

    command: Any
    term: int
    idx: int


class Seen(NamedTuple):
    """An observed node, as `targets.raft.invariants` wants it and more.

    commit, applied: log indexes, from 1.  The log is never compacted, so log[0] has index 1.
    """

    role: str
    term: int
    vote: str
    leader: str
    commit: int
    applied: int
    log: tuple[Entry, ...]

    @property
    def first(self) -> int:
        """The index of log[0]."""
        return 1


def election_deadline(machine: Any) -> float:
    """When the node stands for election, on its own clock."""
    deadline: float = machine._SyncObj__raftElectionDeadline
    return deadline


class ClusterView:
    """The View of a run, read after each step; a node counts as touched only if what is seen changed."""

    __slots__ = ("_logs", "_machines", "_raw", "_seen", "names", "touched")

    def __init__(self, names: Sequence[str], machines: list[Any]) -> None:
        self.names = names
        self.touched: Sequence[int] = ()
        self._machines = machines
        self._raw: list[Any] = [None] * len(names)
        self._seen: list[Seen | None] = [None] * len(names)
        self._logs: list[tuple[list[Any], tuple[Entry, ...]]] = [([], ())] * len(names)

    def state(self, node: int) -> Seen | None:
        return self._seen[node]

    def update_all(self) -> None:
        """Read every node."""
        for node in range(len(self.names)):
            self.update(node)
        self.touched = range(len(self.names))

    def update(self, node: int) -> None:
        """Read a node that may have changed."""
        self.look(node, self._machines[node])

    def look(self, node: int, machine: Any) -> Seen | None:
        """The same, given its machine; the hot path of a run.  Returns its state."""
        old = self._raw[node]
        if machine is None:
            self._raw[node] = self._seen[node] = None
            self.touched = () if old is None else (node,)
            return None
        raw = _fields(machine.__dict__)
        journal = raw[-1]._FileJournal__journal
        last, size = journal[-1], len(journal)
        if old is not None and raw == old[0] and last is old[1] and size == old[2]:
            self.touched = ()
            return self._seen[node]
        self._raw[node] = raw, last, size
        found = self._seen[node] = self._read(node, raw, journal)
        self.touched = (node,)
        return found

    def _read(self, node: int, raw: tuple[Any, ...], journal: list[Any]) -> Seen:
        role, term, vote, leader, commit, applied, _ = raw
        last = journal[-1]
        before, log = self._logs[node]
        count = len(before)
        if len(journal) != count or last is not before[-1]:
            same = count if 0 < count <= len(journal) and journal[count - 1] is before[-1] else 0
            log = log[:same] + tuple([entry_of(*entry) for entry in journal[same:]])
            self._logs[node] = (journal[:], log)
        return Seen(
            _ROLES[role],
            term,
            vote or "",
            "" if leader is None else leader.id,
            commit,
            applied,
            log,
        )


_ENTRIES: dict[tuple[bytes, int, int], Entry] = {}
_ENTRIES_MAX = 10_000


def entry_of(command: bytes, idx: int, term: int) -> Entry:
    """A log entry for readers; equal ones are one object, so that comparing logs is fast."""
    key = (command, idx, term)
    entry = _ENTRIES.get(key)
    if entry is None:
        if len(_ENTRIES) >= _ENTRIES_MAX:
            _ENTRIES.clear()
        entry = _ENTRIES[key] = Entry(value_of(command), term, idx)
    return entry


def value_of(command: bytes) -> Any:
    """What a command does: its value, or a word for the library's own commands."""
    word = {1: "no-op", 2: "membership", 3: "version"}.get(command[0])
    if word is not None:
        return word
    call = pickle.loads(command[1:])  # made by a node of this process
    return call[1][0] if isinstance(call, tuple) and call[1] else "call"


def readable(message: dict[str, Any]) -> dict[str, Any]:
    """A message with its log entries as index, term and value, and without what its label says."""
    shown = {key: part for key, part in message.items() if key != "type"}
    if "entries" in shown:
        shown["entries"] = [entry_of(*entry) for entry in shown["entries"]]
    if isinstance(shown.get("command"), bytes):
        shown["command"] = value_of(shown["command"])
    return shown


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

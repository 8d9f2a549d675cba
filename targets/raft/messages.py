"""The messages of akka-raft under their own type names, as tuples.

The one insight: a NamedTuple of atoms and tuples is deeply immutable, so the world shares it between
nodes instead of copying, and equal messages compare equal in every process.

`ClientMessage` and `ChangeConfiguration` come from outside; `BeginElection` and `ElectedAsLeader` are
sent by a node to itself.  Not here: answers to clients (`LeaderIs`), which leave the system and decide
nothing, and membership change, log compaction and the state timeout, which take no part in the studies.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One place of the log.  idx: as its leader counted it, from 1 (from 0 on the old branches)."""

    command: str
    term: int
    idx: int


class ChangeConfiguration(NamedTuple):
    """Bootstrap: the members of the cluster."""

    members: tuple[str, ...]


class RequestConfiguration(NamedTuple):
    """A node that is not configured yet asks whoever claims to lead it."""


class ClientMessage(NamedTuple):
    """Append this command."""

    command: str


class BeginElection(NamedTuple):
    """To oneself, on becoming a candidate or starting over: ask for votes."""


class ElectedAsLeader(NamedTuple):
    """To oneself, on winning: announce it."""


class RequestVote(NamedTuple):
    """A candidate asks for a vote and tells how far its log goes."""

    term: int
    candidate: str
    last_term: int
    last_index: int


class VoteCandidate(NamedTuple):
    """Yes."""

    term: int


class DeclineCandidate(NamedTuple):
    """No."""

    term: int


class AppendEntries(NamedTuple):
    """Entries after (prev_term, prev_index); without entries, a heartbeat."""

    term: int
    prev_term: int
    prev_index: int
    entries: tuple[Entry, ...]
    leader_commit: int


class AppendSuccessful(NamedTuple):
    """Accepted.  term: of the follower's *last entry*, as in akka-raft, not its current term."""

    term: int
    last_index: int


class AppendRejected(NamedTuple):
    """Refused.  last_index: read by leaders of the old branches only."""

    term: int
    last_index: int


def without_terms(label: str, message: Any) -> Any:
    """A message less its terms: what stays when an election that led nowhere is cut from a run."""
    if isinstance(message, AppendEntries):
        entries = tuple([entry.command for entry in message.entries])
        return label, message.prev_index, entries
    if isinstance(message, RequestVote):
        return label, message.candidate, message.last_index
    if isinstance(message, AppendSuccessful):
        return label, message.last_index
    if isinstance(message, (VoteCandidate, DeclineCandidate, AppendRejected)):
        return label
    return message


def term_of(label: str, message: Any) -> int | None:
    """The logical clock of a message: its term."""
    term = getattr(message, "term", None)
    return term if isinstance(term, int) else None

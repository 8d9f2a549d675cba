"""What invariants and traces see of raftos: roles, terms, logs, and datagrams by their type."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from demi.interpose.aio.framings import Codec
from targets.raft.invariants import CANDIDATE, FOLLOWER, LEADER

_ROLES = {"Leader": LEADER, "Candidate": CANDIDATE, "Follower": FOLLOWER}


class Entry(NamedTuple):
    """One log entry."""

    command: str
    term: int
    idx: int


class Seen(NamedTuple):
    """An observed node, as `targets.raft.invariants` wants it and more."""

    role: str
    term: int
    vote: str
    commit: int
    log: tuple[Entry, ...]
    first: int = 1


def seen(node: Any) -> Seen | None:
    """Of a node that has started."""
    if node is None:
        return None
    state = node.state
    stored = state.storage.cache  # past its file: reading must change nothing
    log = tuple(
        Entry(json.dumps(entry["command"], sort_keys=True), entry["term"], at + 1)
        for at, entry in enumerate(state.log.cache)
    )
    vote = str(stored.get("voted_for") or "")
    role = _ROLES[type(state.state).__name__]
    return Seen(role, stored.get("term", 0), vote, state.log.commit_index, log)


def label(data: bytes) -> str:
    """`request_vote`, `append_entries`..."""
    return str(json.loads(data)["type"])


def read(data: bytes) -> Any:
    """A message without what its label says."""
    return {key: value for key, value in json.loads(data).items() if key != "type"}


CODEC = Codec(label, read)

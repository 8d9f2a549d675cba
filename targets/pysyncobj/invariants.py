"""What must hold of pysyncobj nodes: the properties of any Raft, and one of its own.

The one insight: a commit index that goes back says in one step, at one node, what the end-to-end
properties show only after a second leader has used it.

Not here: the four properties of any Raft (`targets/raft/invariants.py`); reading nodes (`observe.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.oracle import Detail, Invariant, View
from targets.pysyncobj.observe import Seen
from targets.raft.invariants import raft_invariants

Commits = dict[int, int | None]


class CommitMonotonic:
    """Memory: the last commit index of each node, None while it is down; replaced, never changed."""

    name = "CommitMonotonic"
    doc = "the commit index of a node never goes back while it is up"

    def start(self) -> Commits:
        return {}

    def check(self, view: View, memory: Commits) -> tuple[Commits, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            before, now = memory.get(node), None if seen is None else seen.commit
            if now == before:
                continue
            memory = {**memory, node: now}
            if before is not None and now is not None and now < before:
                text = f"the commit index of {view.names[node]} went back from {before} to {now}"
                return memory, Detail((view.names[node],), text)
        return memory, None


def invariants() -> Sequence[Invariant]:
    """All of them."""
    return (*raft_invariants(), CommitMonotonic())

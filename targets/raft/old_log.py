"""The log of the older branches: indices from 0, and little is checked (raft-58b).

The one insight: the defect is arithmetic, since "nothing before", "after an empty log" and "the first
entry" are one number, so only the arithmetic is here and the rest of the node is shared.

A heartbeat without entries only postpones the election: it names (1, 1) as the previous entry, whatever
the log holds.
"""

from __future__ import annotations

from demi.interpose.actor import Context
from targets.raft.messages import AppendEntries, AppendRejected, AppendSuccessful
from targets.raft.node import RaftNode, with_rows
from targets.raft.replica import one_term


@with_rows
class ZeroBasedNode(RaftNode):
    """A node whose indices start at 0; committed and match start at -1."""

    first_next = 0
    first_match = -1

    def last_index(self) -> int:
        return max(0, len(self.log) - 1)

    def make_tables(self, ctx: Context) -> None:
        self.next = dict.fromkeys(self.members, self.last_index())
        self.match = dict.fromkeys(self.members, -1)

    def batch(self, start: int) -> AppendEntries:
        entries = one_term(self.log, start)
        if not entries:
            return AppendEntries(self.term, 1, 1, (), self.committed)
        before = max(0, start - 1)
        term = self.log[before].term if before else 0
        return AppendEntries(self.term, term, before, entries, self.committed)

    def follower_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        self.leader = sender
        if msg.entries:
            if msg.term < self.term:
                ctx.send(sender, AppendRejected(self.term, self.last_index()))
                return
            self.term = msg.term
            self.store(msg.entries, msg.entries[0].idx)
            ctx.send(sender, AppendSuccessful(self.last_term(), self.last_index()))
            self.commit(msg.leader_commit)
        self.reset(ctx)

    def commit(self, upto: int) -> None:
        super().commit(min(upto, len(self.log) - 1))  # an empty log has no entry 0 to commit

    def rejected(self, ctx: Context, sender: str, msg: AppendRejected) -> None:
        if not self.deposed(ctx, msg.term) and msg.term == self.term:
            self.next = {**self.next, sender: min(self.next[sender], msg.last_index)}
            ctx.send(sender, self.batch(self.next[sender]))

    def successful(self, ctx: Context, sender: str, msg: AppendSuccessful) -> None:
        self.register(sender, msg.last_index, msg.last_index)

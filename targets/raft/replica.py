"""The log of one node: what followers store, what leaders send, count and commit.

The one insight: state is numbers, tuples and dicts that are replaced and never changed, so a snapshot
is one tuple of references.

Not here: roles and elections (`node.py`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from demi.interpose.actor import Context, Node
from targets.raft.invariants import FOLLOWER, INIT
from targets.raft.messages import (
    AppendEntries,
    AppendRejected,
    AppendSuccessful,
    ClientMessage,
    Entry,
)
from targets.raft.variants import Variant, commit_index

ELECTION, HEARTBEAT = "election", "heartbeat"
ELECTION_SECONDS, HEARTBEAT_SECONDS = 0.2, 0.05
BATCH_MAX = 5  # entries in one AppendEntries, all of one term

Log = tuple[Entry, ...]


class InconsistentIndex(Exception):
    """A leader's tables disagree with its log."""


class Replica(Node):
    """term, votes (term -> candidate), received (who voted for this node), log, committed (index),
    next and match (per member), leader (the last one heard of).
    """

    first_next: ClassVar[int] = 1
    first_match: ClassVar[int] = 0

    def __init__(self, rules: Variant) -> None:
        self.rules = rules
        self.role = INIT
        self.term = 0
        self.members: tuple[str, ...] = ()
        self.votes: dict[int, str] = {}
        self.received: tuple[str, ...] = ()
        self.log: Log = ()
        self.committed = self.first_match
        self.next: dict[str, int] = {}
        self.match: dict[str, int] = {}
        self.leader = ""

    def snapshot(self) -> Any:
        """All of it: the values are never changed in place."""
        return tuple(self.__dict__.values())

    def restore(self, saved: Any) -> None:
        """The inverse, on an object without fields."""
        self.__dict__.update(zip(_FIELDS, saved, strict=True))

    def reset(self, ctx: Context) -> None:
        """Postpone the next election."""
        ctx.set_timer(ELECTION, ELECTION_SECONDS)

    def follow(self, ctx: Context, term: int) -> None:
        """Become a follower."""
        self.role = FOLLOWER
        self.term = term
        self.reset(ctx)

    # ---- as a follower

    def follower_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        log, before = self.log, msg.prev_index
        fits = not before or (before <= len(log) and log[before - 1].term == msg.prev_term)
        if not fits or msg.term < self.term:
            ctx.send(sender, AppendRejected(self.term, self.last_index()))
            return
        self.leader = sender
        if msg.entries:
            self.store(msg.entries, before)
        self.term = msg.term
        ctx.send(sender, AppendSuccessful(self.last_term(), self.last_index()))
        self.commit(min(msg.leader_commit, before + len(msg.entries)))
        self.reset(ctx)

    def store(self, entries: Log, at: int) -> None:
        """Put entries at that position of the log."""
        log = self.log
        if not self.rules.always_truncates:
            same = 0
            for entry, held in zip(entries, log[at:], strict=False):
                if entry.term != held.term:
                    break
                same += 1
            if same == len(entries):
                return
            entries, at = entries[same:], at + same
        self.log = log[:at] + entries

    def commit(self, upto: int) -> None:
        """Commit and apply as far as the log goes."""
        upto = min(upto, self.last_index())
        self.committed = max(self.committed, upto)

    def last_index(self) -> int:
        return len(self.log)

    def last_term(self) -> int:
        return self.log[-1].term if self.log else 0

    def make_tables(self, ctx: Context) -> None:
        self.next = dict.fromkeys(self.members, len(self.log) + 1)
        self.match = {**dict.fromkeys(self.members, 0), ctx.name: len(self.log)}

    # ---- as a leader

    def replicate(self, ctx: Context) -> None:
        """AppendEntries to all others; those who are equally far get the same object."""
        made: dict[int, AppendEntries] = {}
        for member in self.members:
            if member != ctx.name:
                start = self.next[member]
                if start not in made:
                    made[start] = self.batch(start)
                ctx.send(member, made[start])

    def batch(self, start: int) -> AppendEntries:
        """What a member gets whose next index is `start`."""
        log = self.log
        if start > len(log) + 1:
            raise InconsistentIndex(f"next index {start}, but the log ends at {len(log)}")
        entries = one_term(log, start - 1)
        before = log[start - 2].term if start > 1 else 0
        return AppendEntries(self.term, before, start - 1, entries, self.committed)

    def client(self, ctx: Context, sender: str, msg: ClientMessage) -> None:
        index = len(self.log) + self.first_next
        self.log += (Entry(msg.command, self.term, index),)
        self.match = {**self.match, ctx.name: index}
        self.replicate(ctx)

    def deposed(self, ctx: Context, term: int) -> bool:
        """True, and a follower, when `term` is newer."""
        if term > self.term:
            ctx.cancel_timer(HEARTBEAT)
            self.follow(ctx, term)
            return True
        return False

    def rival_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        if not self.deposed(ctx, msg.term):
            ctx.send(sender, self.batch(self.next[sender]))

    def rejected(self, ctx: Context, sender: str, msg: AppendRejected) -> None:
        if not self.deposed(ctx, msg.term) and msg.term == self.term:
            self.next = {**self.next, sender: max(1, self.next[sender] - 1)}
            ctx.send(sender, self.batch(self.next[sender]))

    def successful(self, ctx: Context, sender: str, msg: AppendSuccessful) -> None:
        if self.deposed(ctx, msg.term) or msg.term < self.term:
            return
        if msg.last_index > len(self.log):
            raise InconsistentIndex(f"{sender} stored {msg.last_index}, the log ends earlier")
        self.register(sender, msg.last_index, msg.last_index + 1)

    def register(self, member: str, index: int, following: int) -> None:
        """A member stores up to `index`."""
        self.next = {**self.next, member: following}
        self.match = {**self.match, member: max(index, self.match[member])}
        self.commit(commit_index(self.rules.commit, list(self.match.values())))


_FIELDS = tuple(Replica(Variant()).__dict__)


def one_term(log: Log, at: int) -> Log:
    """The next few entries from position `at` on, while their term is the same."""
    entries = log[at : at + BATCH_MAX]
    for place, entry in enumerate(entries):
        if entry.term != entries[0].term:
            return entries[:place]
    return entries

"""One node as akka-raft wrote it: roles, elections, replication, with its self-sends and forwards.

Kept because the sizes of runs depend on it: a candidate and a new leader send themselves a message
before they act, a message that changes the role is forwarded to itself and costs two deliveries, a
leader that is voted down keeps its heartbeat timer, and timers are armed again as often as there.

The one insight: state is numbers, tuples and dicts that are replaced and never changed, so a snapshot
is one tuple of references.

Repaired beyond akka-raft, in every variant: a term never goes down (there it becomes the term of the
last entry), and a follower commits no further than what it has just been shown to share.
Not here: the 0-based log of the old branches (`old_log.py`); state that survives a crash (akka-raft has
none: a restarted node waits for its configuration).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from demi.interpose.actor import Context, Node
from targets.raft.invariants import CANDIDATE, FOLLOWER, INIT, LEADER
from targets.raft.messages import (
    AppendEntries,
    AppendRejected,
    AppendSuccessful,
    BeginElection,
    ChangeConfiguration,
    ClientMessage,
    DeclineCandidate,
    ElectedAsLeader,
    Entry,
    RequestConfiguration,
    RequestVote,
    VoteCandidate,
)
from targets.raft.variants import Variant, commit_index

ELECTION, HEARTBEAT = "election", "heartbeat"
ELECTION_SECONDS, HEARTBEAT_SECONDS = 0.2, 0.05
BATCH_MAX = 5  # entries in one AppendEntries, all of one term

Log = tuple[Entry, ...]
Handler = Callable[[Any, Context, str, Any], None]
_Raft = TypeVar("_Raft", bound="RaftNode")

ROWS = {
    INIT: {ChangeConfiguration: "configured", AppendEntries: "ask_configuration"},
    FOLLOWER: {RequestVote: "follower_asked", AppendEntries: "follower_append"},
    CANDIDATE: {
        BeginElection: "begin_election",
        RequestVote: "candidate_asked",
        VoteCandidate: "vote",
        AppendEntries: "candidate_append",
    },
    LEADER: {
        ElectedAsLeader: "elected",
        RequestVote: "voted_down",
        VoteCandidate: "voted_down",
        DeclineCandidate: "voted_down",
        ClientMessage: "client",
        AppendEntries: "rival_append",
        AppendRejected: "rejected",
        AppendSuccessful: "successful",
    },
}
"""role -> message -> handler.  A message without a row is consumed without effect."""


class InconsistentIndex(Exception):
    """A leader's tables disagree with its log."""


def with_rows(cls: type[_Raft]) -> type[_Raft]:
    """Look up the handlers of a class once, its own overrides included."""
    cls.rows = {
        role: {kind: getattr(cls, name) for kind, name in row.items()} for role, row in ROWS.items()
    }
    return cls


@with_rows
class RaftNode(Node):
    """See the module.  term, votes (term -> candidate), received (who voted for this node), log,
    committed (index), next and match (per member), leader (the last one heard of).
    """

    rows: ClassVar[dict[str, dict[type, Handler]]] = {}
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

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        handle = self.rows[self.role].get(type(msg))
        if handle is not None:
            handle(self, ctx, sender, msg)

    def on_timer(self, ctx: Context, name: str) -> None:
        if name == HEARTBEAT:
            ctx.set_timer(HEARTBEAT, HEARTBEAT_SECONDS)  # it repeats, whatever the role has become
            if self.role == LEADER:
                self.replicate(ctx)
        elif self.role == FOLLOWER:
            self.reset(ctx)
            self.candidacy(ctx)
            self.reset(ctx)
        elif self.role == CANDIDATE:
            self.candidacy(ctx)
            if not self.rules.restless:
                self.reset(ctx)

    def reset(self, ctx: Context) -> None:
        """Postpone the next election."""
        ctx.set_timer(ELECTION, ELECTION_SECONDS)

    def follow(self, ctx: Context, term: int) -> None:
        """Become a follower."""
        self.role = FOLLOWER
        self.term = term
        self.reset(ctx)

    # ---- init

    def configured(self, ctx: Context, sender: str, msg: ChangeConfiguration) -> None:
        self.members = msg.members
        self.next = dict.fromkeys(msg.members, self.first_next)
        self.match = dict.fromkeys(msg.members, self.first_match)
        self.reset(ctx)
        self.follow(ctx, self.term)

    def ask_configuration(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        ctx.send(sender, RequestConfiguration())

    # ---- elections

    def candidacy(self, ctx: Context) -> None:
        self.role = CANDIDATE
        self.term += 1
        self.received = ()
        ctx.send(ctx.name, BeginElection())

    def begin_election(self, ctx: Context, sender: str, msg: BeginElection) -> None:
        ask = RequestVote(self.term, ctx.name, self.last_term(), self.last_index())
        for member in self.members:
            if member != ctx.name:
                ctx.send(member, ask)
        if self.term not in self.votes:
            self.received += (ctx.name,)
            self.votes = {**self.votes, self.term: ctx.name}

    def may_vote(self, ask: RequestVote) -> bool:
        """No vote in that term yet, or for the same candidate."""
        return self.votes.get(ask.term, ask.candidate) == ask.candidate

    def answer(self, ctx: Context, sender: str, ask: RequestVote) -> None:
        """Vote, unless the candidate's log is older."""
        mine = (self.last_term(), self.last_index())
        if (ask.last_term, ask.last_index) < mine and not self.rules.blind_votes:
            ctx.send(sender, DeclineCandidate(self.term))
        else:
            self.votes = {**self.votes, ask.term: ask.candidate}
            ctx.send(sender, VoteCandidate(self.term))

    def follower_asked(self, ctx: Context, sender: str, ask: RequestVote) -> None:
        if ask.term > self.term:
            self.term = ask.term
            ctx.forward(sender, ask)
        elif ask.term == self.term and self.may_vote(ask):
            if not self.rules.quiet_votes:
                self.reset(ctx)
            self.answer(ctx, sender, ask)
        else:
            ctx.send(sender, DeclineCandidate(self.term))

    def candidate_asked(self, ctx: Context, sender: str, ask: RequestVote) -> None:
        if ask.term < self.term:
            stale = self.rules.trusts_stale_terms
            ctx.send(sender, DeclineCandidate(ask.term if stale else self.term))
        elif ask.term == self.term and not self.may_vote(ask):
            ctx.send(sender, DeclineCandidate(ask.term))
        elif ask.term == self.term and self.rules.candidate_votes:
            self.answer(ctx, sender, ask)
        else:
            ctx.forward(sender, ask)
            self.step_down(ctx, ask.term)

    def step_down(self, ctx: Context, term: int) -> None:
        """From candidate to follower."""
        if self.rules.forgets_votes:
            self.votes = {}
        self.follow(ctx, term)

    def vote(self, ctx: Context, sender: str, msg: VoteCandidate) -> None:
        if msg.term > self.term:
            self.step_down(ctx, msg.term)
        elif msg.term < self.term and not self.rules.trusts_stale_terms:
            ctx.send(sender, DeclineCandidate(self.term))
        elif sender not in self.received or self.rules.counts_every_vote:
            self.received += (sender,)
            if len(self.received) * 2 > len(self.members):
                self.win(ctx)

    def win(self, ctx: Context) -> None:
        if not self.rules.late_tables:
            self.make_tables(ctx)
        self.role = LEADER
        ctx.send(ctx.name, ElectedAsLeader())
        ctx.cancel_timer(ELECTION)

    def voted_down(self, ctx: Context, sender: str, msg: Any) -> None:
        if msg.term > self.term:
            self.follow(ctx, msg.term)  # the heartbeat timer goes on

    # ---- followers and candidates store

    def follower_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        log, before = self.log, msg.prev_index
        fits = not before or (before <= len(log) and log[before - 1].term == msg.prev_term)
        if not fits or msg.term < self.term:
            ctx.send(sender, AppendRejected(self.term, self.last_index()))
            return
        self.leader = sender
        if msg.entries:
            self.store(msg.entries, before)
        self.term = self.last_term() if self.rules.lowers_term else msg.term
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

    def candidate_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        if msg.term >= self.term:
            ctx.forward(sender, msg)
            self.step_down(ctx, self.term)

    def commit(self, upto: int) -> None:
        """Commit and apply as far as the log goes."""
        upto = min(upto, self.last_index())
        self.committed = max(self.committed, upto)

    # ---- leaders

    def last_index(self) -> int:
        return len(self.log)

    def last_term(self) -> int:
        return self.log[-1].term if self.log else 0

    def make_tables(self, ctx: Context) -> None:
        self.next = dict.fromkeys(self.members, len(self.log) + 1)
        self.match = {**dict.fromkeys(self.members, 0), ctx.name: len(self.log)}

    def elected(self, ctx: Context, sender: str, msg: ElectedAsLeader) -> None:
        if self.rules.late_tables:
            self.make_tables(ctx)
        self.replicate(ctx)
        ctx.set_timer(HEARTBEAT, HEARTBEAT_SECONDS)

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


_FIELDS = tuple(RaftNode(Variant()).__dict__)


def one_term(log: Log, at: int) -> Log:
    """The next few entries from position `at` on, while their term is the same."""
    entries = log[at : at + BATCH_MAX]
    for place, entry in enumerate(entries):
        if entry.term != entries[0].term:
            return entries[:place]
    return entries

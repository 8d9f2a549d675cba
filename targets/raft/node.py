"""One node as akka-raft wrote it: roles and elections, with their self-sends and forwards.

Kept because the sizes of runs depend on it: a candidate and a new leader send themselves a message
before they act, a message that changes the role is forwarded to itself and costs two deliveries, a
leader that is voted down keeps its heartbeat timer, and timers are armed again as often as there.

The one insight: a role is a table from message type to handler, so what a role does not list it does
not do, and the tables read like the paper's.

Repaired beyond akka-raft: a term never goes down (there it becomes that of the last entry stored, issue
52); a leader that is voted down keeps its votes; a follower commits no further than what it has just
been shown to share.
Not here: the log and the leader's tables (`replica.py`), and how the old branches numbered them
(`old_log.py`); state that survives a crash (akka-raft has none: a restarted node waits to be configured).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from demi.interpose.actor import Context
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
    RequestConfiguration,
    RequestVote,
    VoteCandidate,
)
from targets.raft.replica import ELECTION, HEARTBEAT, HEARTBEAT_SECONDS, Replica

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


def with_rows(cls: type[_Raft]) -> type[_Raft]:
    """Look up the handlers of a class once, its own overrides included."""
    cls.rows = {
        role: {kind: getattr(cls, name) for kind, name in row.items()} for role, row in ROWS.items()
    }
    return cls


@with_rows
class RaftNode(Replica):
    """See the module."""

    rows: ClassVar[dict[str, dict[type, Handler]]] = {}

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
            self.note_vote(self.term, ctx.name)

    def may_vote(self, ask: RequestVote) -> bool:
        """No vote in that term yet, or for the same candidate."""
        return self.votes.get(ask.term, ask.candidate) == ask.candidate

    def note_vote(self, term: int, candidate: str) -> None:
        """Votes of older terms decide nothing."""
        self.votes = {term: candidate}

    def answer(self, ctx: Context, sender: str, ask: RequestVote) -> None:
        """Vote, unless the candidate's log is older."""
        mine = (self.last_term(), self.last_index())
        if (ask.last_term, ask.last_index) < mine and not self.rules.blind_votes:
            ctx.send(sender, DeclineCandidate(self.term))
        else:
            self.note_vote(ask.term, ask.candidate)
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

    def candidate_append(self, ctx: Context, sender: str, msg: AppendEntries) -> None:
        if msg.term >= self.term:
            ctx.forward(sender, msg)
            self.step_down(ctx, self.term)

    def elected(self, ctx: Context, sender: str, msg: ElectedAsLeader) -> None:
        if self.rules.late_tables:
            self.make_tables(ctx)
        self.replicate(ctx)
        ctx.set_timer(HEARTBEAT, HEARTBEAT_SECONDS)

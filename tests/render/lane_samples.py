"""Traces made by hand that show every mark of the lane view once."""

from __future__ import annotations

from demi.oracle import Detail, Verdict, Violation
from demi.trace import Entry, Footer, Header, Trace

NASTY = "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp\u200b[red]x[/red]\x9b1m"
"""Clears the screen, sets a title, goes back, reverses, hides, looks like markup, uses C1."""


def tour() -> Trace:
    """Three nodes: every kind of event, and a violation at the end."""
    state = {"role": "follower", "term": 0, "log": []}
    header = Header(
        "raft", {"elections": 2, "fixed": False, "variant": "raft-45"}, ("n1", "n2", "n3"),
        "fifo", True, "free", "pct", 1240, parent="3fa9c1d200aa11bb",
        boot={"state": {node: dict(state) for node in ("n1", "n2")}},
    )  # fmt: skip
    entries = (
        Entry("ext:start(n3)#1", delta=state),
        Entry("n1!election#1", delta={"role": "candidate", "term": 1}, log=("starting an election",)),
        Entry("n1>n1:Vote#1", delta={"votes": ["n1"]}),
        Entry("n1>n2:RequestVote#1", msg={"term": 1, "last": [0, 0]}, delta={"term": 1, "vote": "n1"}),
        Entry("n1>n3:RequestVote#1", msg={"term": 1, "last": [0, 0]}, delta={"term": 1}),
        Entry("n3>n1:Vote#1", msg={"term": 1}, delta={"votes": {"+": ["n3"]}, "role": "leader"}),
        Entry("ext:client(n1)#1", msg={"cmd": "x=1"}, delta={"log": {"+": [[1, "x=1"]]}}),
        Entry("ext:cut(n1,n2)#1", group="cut-1"),
        Entry("n1>n2:Append#1", msg={"entries": [[1, "x=1"]]}, fell=True),
        Entry("ext:heal(n1,n2)#1", group="cut-1"),
        Entry("ext:cut(n3>n1)#1"),
        Entry("ext:drop(n1>n3)#1", lost=("n1>n3:Append#1",)),
        Entry("ext:duplicate(n1>n3)#1", out=("n1>n3:Append#3",)),
        Entry("n1>n3:AppendEntriesAndHeartbeats#12", lost=tuple(f"n1>n3:Append#{i}" for i in (2, 3, 4))),
        Entry("ext:crash(n1)#1", delta={"up": False}),
        Entry("n2>n1:Vote#1", fell=True),
        Entry("n2!election#1", delta={"role": "candidate", "term": 2, "leader": None}),
        Entry("ext:restart(n1)#1", delta={"role": "follower", "term": 1, "log": []}),
        Entry(
            "n2>n3:RequestVote#1", msg={"term": 2}, delta={"up": False},
            fail={"error": "KeyError", "where": "Raft.on_message:88", "text": "'n2'"},
        ),
        Entry("n3>n2:Vote#1", delta={"role": "leader"}),
    )  # fmt: skip
    text = (
        "n1 and n2 both lead term 2, although a majority of three nodes can only have voted for one"
    )
    violation = Violation("ElectionSafety", Detail(("n1", "n2"), text), len(entries) - 1)
    return Trace(header, entries, Footer(Verdict.VIOLATED, "violation", len(entries), violation))


def hostile() -> Trace:
    """Text from an enemy wherever text may stand; ids are printable, since no reader takes others."""
    header = Header(
        f"evil{NASTY}", {"k" + NASTY: NASTY, "huge": 10**5000, "deep": [[[[[[[["x"]]]]]]]]},
        ("n1", "n2"), f"fifo{NASTY}", timers=NASTY, strategy=NASTY, parent=NASTY,
        target_version=NASTY, boot={"state": {"n1": {NASTY: NASTY}}},
    )  # fmt: skip
    entries = (
        Entry("n1>n2:投票[bold]要求#1", msg={NASTY: [NASTY] * 1000}, delta={"値": "選挙" * 40}),
        Entry("n2>n1:" + "👍🏽é" * 40 + "#1", delta={NASTY: {"+": [NASTY]}}, log=(NASTY, "\ud800")),
        Entry("n1!שלום#1", delta={NASTY: "after"}),
        Entry("ext:client(n2)#1", msg=NASTY),
        Entry("n2>n1:[/]#1", lost=(NASTY, NASTY, NASTY), fell=True),
        Entry("n1!end#1", fail={"error": NASTY, "where": NASTY, "text": NASTY}),
    )
    violation = Violation(f"X{NASTY}", Detail(("n1", NASTY), NASTY * 3, NASTY), len(entries) - 1)
    return Trace(header, entries, Footer(Verdict.VIOLATED, NASTY, len(entries), violation))


def ring(nodes: int) -> Trace:
    """A token goes around, and once across; interrupted, so without a verdict."""
    names = tuple(f"node-{i + 1}" for i in range(nodes))
    hops = [(names[i], names[(i + 1) % nodes]) for i in range(nodes)] + [(names[-1], names[0])]
    entries = [
        Entry(f"{src}>{dst}:Token#{nth}", msg={"round": 1}, delta={"tokens": nth})
        for nth, (src, dst) in enumerate(hops, 1)
    ]
    return Trace(Header("ring", {}, names, strategy="fifo"), tuple(entries))

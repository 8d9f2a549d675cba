"""The trace as a noun: parts, sizes, subset and complement."""

from __future__ import annotations

import pytest

from demi.errors import TraceError
from demi.events import External, Kind
from demi.oracle import Detail, Verdict, Violation
from demi.trace import Entry, Footer, Header, Trace

VIOLATION = Violation("OneLeader", Detail(("n1", "n2"), "both lead"), 3)
TRACE = Trace(
    Header("raft", {}, ("n1", "n2")),
    (
        Entry("ext:client(n1)#1", msg={"cmd": 1}, out=("n1>n2:Append#1",), group="g"),
        Entry("n1>n2:Append#1", cause="ext:client(n1)#1"),
        Entry("n2!election#1"),
        Entry("ext:crash(n1)#1"),
    ),
    Footer(Verdict.VIOLATED, "violation", 4, VIOLATION),
)
IDS = [entry.id for entry in TRACE]


def test_sizes_are_those_of_the_literature() -> None:
    assert len(TRACE) == 4
    assert TRACE.deliveries == 3, "a message, a timer and an input; the crash is none"
    assert TRACE.externals == 2
    assert TRACE.violation == VIOLATION
    assert Trace(TRACE.header, ()).violation is None


@pytest.mark.parametrize("wanted", [[], IDS[:1], IDS[1:3], IDS])
def test_subset_and_complement_part_the_trace_in_order(wanted: list[str]) -> None:
    kept, rest = TRACE.subset(wanted), TRACE.complement(wanted)
    assert [entry.id for entry in kept] == wanted
    assert [entry.id for entry in rest] == [name for name in IDS if name not in wanted]
    assert kept.footer is None and rest.footer is None, "that run never happened"
    assert kept.header == rest.header == TRACE.header


def test_names_unknown_to_the_trace_select_nothing() -> None:
    assert len(TRACE.subset(["n9>n1:Vote#1"])) == 0
    assert len(TRACE.complement(["n9>n1:Vote#1"])) == 4


def test_an_entry_knows_what_it_is() -> None:
    client, append, election, crash = TRACE.entries
    assert [entry.is_external for entry in TRACE] == [True, False, False, True]
    assert [entry.is_timer for entry in TRACE] == [False, False, True, False]
    assert client.external() == External(Kind.INJECT, ("n1",), "client", {"cmd": 1}, group="g")
    assert crash.external() == External(Kind.CRASH, ("n1",))
    assert (append.name.peer, append.name.node) == ("n1", "n2")
    with pytest.raises(TraceError):
        election.external()


@pytest.mark.parametrize(
    ("name", "timer"),
    [("n1>n2:a!b#1", False), ("n1!a:b#1", True), ("n1!a>b#1", True), ("ext:a!(n1)#1", False)],
)
def test_a_timer_is_told_from_a_message_whose_type_looks_like_one(name: str, timer: bool) -> None:
    assert Entry(name).is_timer is timer

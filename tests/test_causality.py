"""Happens-before against its definition: a naive transitive closure over the direct edges."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.causality import Causality, members
from demi.events import External, Kind, delivery_id, parse_id, timer_id
from demi.trace import Entry, Header, Trace

NODES = ("n1", "n2", "n3")


def trace_of(*entries: Entry, nodes: tuple[str, ...] = NODES) -> Trace:
    return Trace(Header("toy", {}, nodes), entries)


@st.composite
def traces(draw: st.DrawFn, longest: int = 25) -> Trace:
    """Random runs: messages are sent, delivered in any order, lost; timers, crashes, links, forwards."""
    pending: list[tuple[str, str]] = []  # (id, cause)
    counts: dict[str, int] = {}

    def fresh(stem: str) -> int:
        counts[stem] = counts.get(stem, 0) + 1
        return counts[stem]

    entries = []
    for _ in range(draw(st.integers(0, longest))):
        lost: list[str] = []
        kind = draw(st.sampled_from(["step", "step", "step", "input", "crash", "cut", "drop"]))
        if kind == "step" and pending:
            name, cause = pending.pop(draw(st.integers(0, len(pending) - 1)))
        else:
            fault = Kind.INJECT if kind in ("step", "input") else Kind[kind.upper()]
            want = 2 if fault in (Kind.CUT, Kind.DROP) else 1
            nodes = tuple(draw(st.permutations(NODES))[:want])
            label = "client" if fault == Kind.INJECT else ""
            stem = External(fault, nodes, label).stem
            name, cause = External(fault, nodes, label, nth=fresh(stem)).id, ""
            if fault in (Kind.DROP, Kind.CRASH) and pending:
                lost.append(pending.pop(draw(st.integers(0, len(pending) - 1)))[0])
        out, armed = [], []
        for src, dst in draw(st.lists(st.tuples(*[st.sampled_from(NODES)] * 2), max_size=2)):
            sent = delivery_id(src, dst, "M", fresh(f"{src}>{dst}"))  # src: any, as in a forward
            out.append(sent)
        if draw(st.booleans()):
            node = parse_id(name).node
            armed.append(timer_id(node, "tick", fresh(f"{node}!")))
        pending += [(made, name) for made in (*out, *armed)]
        entries.append(Entry(name, cause, out=tuple(out), armed=tuple(armed), lost=tuple(lost)))
    return trace_of(*entries)


def direct(trace: Trace) -> set[tuple[int, int]]:
    """The edges of the module docstring, by looking at every pair."""
    edges = set()
    entries = trace.entries
    for j, later in enumerate(entries):
        for i, earlier in enumerate(entries[:j]):
            same = set(parse_id(earlier.id).nodes) & set(parse_id(later.id).nodes)
            caused = later.id in (*earlier.out, *earlier.armed) or later.cause == earlier.id
            if same or caused or set(later.lost) & {*earlier.out, *earlier.armed}:
                edges.add((i, j))
    return edges


def closure(edges: set[tuple[int, int]], count: int) -> set[tuple[int, int]]:
    reach = set(edges)
    for middle in range(count):
        reach |= {
            (i, j) for i in range(middle) if (i, middle) in reach
            for j in range(middle + 1, count) if (middle, j) in reach
        }  # fmt: skip
    return reach


@given(traces())
def test_every_answer_agrees_with_the_naive_closure(trace: Trace) -> None:
    causality, count = Causality(trace), len(trace)
    before = closure(direct(trace), count)
    for i in range(count):
        assert members(causality.past(i)) == [k for k in range(count) if (k, i) in before]
        assert members(causality.future(i)) == [k for k in range(count) if (i, k) in before]
        for j in range(count):
            assert causality.happens_before(i, j) == ((i, j) in before)
            apart = i != j and (i, j) not in before and (j, i) not in before
            assert causality.concurrent(i, j) == apart


@given(traces(longest=12))
def test_the_edges_are_the_transitive_reduction(trace: Trace) -> None:
    count = len(trace)
    edges = {(i, j) for j, causes in enumerate(Causality(trace).edges) for i in causes}
    before = closure(direct(trace), count)
    assert closure(edges, count) == before
    for edge in edges:
        assert edge not in closure(edges - {edge}, count), "an edge that the others imply"


@given(traces())
def test_a_vector_clock_counts_the_past_by_home(trace: Trace) -> None:
    causality = Causality(trace)
    for i in range(len(trace)):
        known = [causality.homes[k] for k in (*members(causality.past(i)), i)]
        assert causality.vector_clock(i) == {node: known.count(node) for node in known}


def test_a_message_orders_two_nodes_and_nothing_else_does() -> None:
    causality = Causality(
        trace_of(
            Entry("ext:client(n1)#1", out=("n1>n2:M#1",)),
            Entry("ext:client(n3)#1"),
            Entry("n1>n2:M#1", cause="ext:client(n1)#1"),
        )
    )
    assert causality.happens_before(0, 2) and not causality.happens_before(2, 0)
    assert causality.concurrent(0, 1) and causality.concurrent(1, 2)
    assert not causality.concurrent(1, 1)
    assert causality.edges == ((), (), (0,))
    assert causality.vector_clock(2) == {"n1": 1, "n2": 1}
    assert causality.past(2) == 0b001 and causality.future(0) == 0b100


def test_a_cut_takes_part_in_the_order_of_both_nodes() -> None:
    causality = Causality(
        trace_of(
            Entry("ext:client(n1)#1"),
            Entry("ext:client(n2)#1"),
            Entry("ext:cut(n1,n2)#1"),
            Entry("ext:client(n2)#2"),
        )
    )
    assert causality.edges == ((), (), (0, 1), (2,))
    assert causality.happens_before(0, 3)


def test_a_subset_without_the_cause_is_still_ordered_by_what_is_left() -> None:
    trace = trace_of(Entry("n1>n2:M#1", cause="ext:client(n1)#1"), Entry("n2!tick#1"))
    assert Causality(trace).edges == ((), (0,))


def test_a_cause_that_comes_later_is_no_edge() -> None:
    trace = trace_of(Entry("n1!a#1", cause="n2!b#1"), Entry("n2!b#1", cause="n1!a#1"))
    assert Causality(trace).edges == ((), (0,))


def test_an_event_of_no_node_and_an_empty_trace() -> None:
    causality = Causality(trace_of(Entry("ext:note()#1"), Entry("ext:note()#2")))
    assert causality.homes == ("", "") and causality.edges == ((), (0,))
    assert len(Causality(trace_of())) == 0


@pytest.mark.parametrize("count", [3000])
def test_three_thousand_events_in_a_blink(count: int) -> None:
    entries, ready = [], ["n1!start#1"]
    for i in range(count):
        name = ready.pop(0)
        src = parse_id(name).node
        dst = f"n{i * 7 % 5 + 1}"
        ready.append(f"{src}>{dst}:Append#{i + 1}")
        entries.append(Entry(name, out=(ready[-1],)))
    trace = trace_of(*entries, nodes=("n1", "n2", "n3", "n4", "n5"))

    def seconds() -> float:
        begun = time.perf_counter()
        causality = Causality(trace)
        assert members(causality.past(count - 1)) == list(range(count - 1))
        causality.future(0)
        return time.perf_counter() - begun

    assert min(seconds() for _ in range(5)) < 0.2  # 0.03 s on an idle machine

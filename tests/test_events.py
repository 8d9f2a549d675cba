"""Event ids: what is written can be read back, and nothing else can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.errors import TraceError, UsageError
from demi.events import (
    EXTERNAL_KINDS,
    External,
    Kind,
    Program,
    Wait,
    delivery_id,
    frozen_args,
    number,
    parse_external,
    parse_id,
    timer_id,
    valid_label,
    valid_node_name,
)
from demi.interpose.payload import label_of

FAULT_WORDS = {kind.name.lower() for kind in EXTERNAL_KINDS if kind != Kind.INJECT}
nodes = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.\-]{0,8}", fullmatch=True)
labels = st.text(min_size=1, max_size=12).filter(valid_label)
inputs = st.from_regex(r"[A-Za-z_][\w.\-]{0,8}", fullmatch=True).filter(
    lambda word: word not in FAULT_WORDS
)
nths = st.integers(1, 999_999_999)


@st.composite
def externals(draw: st.DrawFn) -> External:
    kind = draw(st.sampled_from(sorted(EXTERNAL_KINDS)))
    on_link = kind in (Kind.CUT, Kind.HEAL, Kind.DROP, Kind.DUPLICATE)
    count = 2 if on_link else draw(st.integers(0, 3)) if kind == Kind.INJECT else 1
    return External(
        kind,
        tuple(draw(st.lists(nodes, min_size=count, max_size=count))),
        label=draw(inputs) if kind == Kind.INJECT else "",
        args=draw(st.none() | st.dictionaries(st.text(max_size=3), st.integers())),
        nth=draw(nths),
        one_way=draw(st.booleans()) if kind in (Kind.CUT, Kind.HEAL) else False,
        group=draw(st.text(max_size=5)),
    )


@given(externals())
def test_an_external_survives_its_id(external: External) -> None:
    assert parse_external(external.id, external.args, external.group) == external
    name = parse_id(external.id)
    assert (name.kind, name.nodes, name.nth) == (external.kind, external.nodes, external.nth)


@given(nodes, nodes, labels, nths)
def test_a_delivery_survives_its_id(src: str, dst: str, label: str, nth: int) -> None:
    name = parse_id(delivery_id(src, dst, label, nth))
    assert (name.kind, name.peer, name.node) == (Kind.DELIVER, src, dst)
    assert (name.label, name.nth, name.nodes) == (label, nth, (dst,))


@given(nodes, labels, nths)
def test_a_timer_survives_its_id(node: str, label: str, nth: int) -> None:
    name = parse_id(timer_id(node, label, nth))
    assert (name.kind, name.node, name.label, name.nth) == (Kind.TIMER, node, label, nth)


@given(st.text(max_size=30) | st.text(alphabet="ext:n1>!(),#\x1b\u202e0é", max_size=20))
def test_what_is_read_is_what_would_be_written(text: str) -> None:
    try:
        name = parse_id(text)
    except TraceError:
        return
    if name.kind == Kind.DELIVER:
        again = delivery_id(name.peer, name.node, name.label, name.nth)
    elif name.kind == Kind.TIMER:
        again = timer_id(name.node, name.label, name.nth)
    else:
        again = parse_external(text).id
    assert again == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n1",
        "n1>n2:Vote",
        "n1>n2:Vote#0",
        "n1>n2:Vote#01",
        "n1>n2:Vote#1\n",
        "n1>n2:#1",
        "n1>n2:Vote#" + "9" * 5000,
        "n1>n2:Vote\x1b[31m#1",
        "n1>n2:Vote\x9b31m#1",
        "n1>n2:Vo\u202ete#1",
        "n1!a#b#1",
        "n 1!election#1",
        "1>2:Vote#1",
        "ext:crash(n1)",
        "ext:crash(n1#1",
        "ext:crash(n1>n2)#1",
        "ext:drop(n1,n2)#1",
        "ext:cut(n1,n2>n3)#1",
        "ext:client command(n1)#1",
        "ext:os.system(rm -rf)#1",
    ],
)
def test_nothing_else_is_an_event_id(text: str) -> None:
    with pytest.raises(TraceError) as caught:
        parse_id(text)
    assert len(caught.value.what) < 200
    assert str(caught.value).isprintable()


@given(st.one_of(st.text(), st.tuples(st.text(), st.integers())))
def test_every_message_type_makes_a_readable_id(message: object) -> None:
    assert parse_id(delivery_id("n1", "n2", label_of(message), 1)).label == label_of(message)


@pytest.mark.parametrize(
    ("kind", "label", "one_way"),
    [
        (Kind.DELIVER, "", False),
        (Kind.INJECT, "", False),
        (Kind.INJECT, "crash", False),
        (Kind.INJECT, "two words", False),
        (Kind.INJECT, "a#1", False),
        (Kind.INJECT, "client", True),
        (Kind.CRASH, "client", False),
        (Kind.CRASH, "", True),
    ],
)
def test_an_external_without_a_readable_id_is_refused(
    kind: Kind, label: str, one_way: bool
) -> None:
    with pytest.raises(UsageError):
        External(kind, ("n1",), label, one_way=one_way)


def test_siblings_are_numbered_in_order_and_apart() -> None:
    crash, cut = External(Kind.CRASH, ("n1",)), External(Kind.CUT, ("n1", "n2"))
    one_way = External(Kind.CUT, ("n1", "n2"), one_way=True)
    ids = [external.id for external in number([crash, cut, one_way, crash, cut])]
    assert ids == [
        "ext:crash(n1)#1",
        "ext:cut(n1,n2)#1",
        "ext:cut(n1>n2)#1",
        "ext:crash(n1)#2",
        "ext:cut(n1,n2)#2",
    ]


def test_a_program_knows_its_externals_and_args_have_an_order() -> None:
    crash = External(Kind.CRASH, ("n1",))
    assert list(Program((Wait(3), crash, Wait())).externals()) == [crash]
    assert list(frozen_args({"b": 1, "a": 2}) or {}) == ["a", "b"]
    assert frozen_args(None) is None


def test_names_of_nodes() -> None:
    assert all(map(valid_node_name, ["n1", "_", "raft-member-1", "s1.eth0"]))
    assert not any(map(valid_node_name, ["", "1", "n>1", "n 1", "n\n", "é", "n1!"]))

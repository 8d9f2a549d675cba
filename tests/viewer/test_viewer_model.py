"""The model alone: moves, filters, searches, files that are cut, grow or lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from viewing import RAFT, chatter, model_of, settle

from demi.errors import TraceError, UsageError
from demi.trace import Trace
from demi.trace_codec import encode, entry_line, load
from demi.viewer.acts import ACTS, cause, next_on_node, previous_on_node
from demi.viewer.facts import Facts
from demi.viewer.listing import Kept, Lines, Steps
from demi.viewer.model import Model
from demi.viewer.picture import Picture
from demi.viewer.source import Source

MCS = RAFT / "raft-45.min.jsonl"


def opened(path: Path) -> Model:
    facts = Facts(Source(path))
    facts.advance(1 << 20)
    return Model(facts)


def test_lines_and_rows_lead_to_each_other() -> None:
    lines = Lines(5, (1, 4))
    assert len(lines) == 7
    assert [lines.at(n) for n in range(7)] == [
        (0, False), (1, False), (1, True), (2, False), (3, False), (4, False), (4, True),
    ]  # fmt: skip
    assert [lines.at(lines.line(row)) for row in range(5)] == [(row, False) for row in range(5)]


def test_kept_rows_find_the_nearest_one() -> None:
    rows = Kept(Steps(range(12)), (2, 4, 8))
    assert [rows.row(step) for step in (1, 3, 4, 9, 100)] == [0, 0, 0, 2, 2]
    assert [rows.has(step) for step in (3, 4, 9)] == [True, False, True]


def test_every_step_is_reached_by_moving_one_down_and_one_up() -> None:
    model = opened(MCS)
    model.first()
    down = [model.step]
    for _ in range(40):
        model.move(1)
        down.append(model.step)
    assert down[:22] == list(range(1, 23)) and set(down[22:]) == {22}
    up = []
    for _ in range(40):
        model.move(-1)
        up.append(model.step)
    assert up[:21] == list(range(21, 0, -1)) and set(up[21:]) == {1}


def test_a_violation_in_the_middle_is_passed_in_both_directions(tmp_path: Path) -> None:
    """No recorder writes this, but a file may: the comment line below the step is no trap."""
    whole = load(MCS)
    assert whole.footer is not None and whole.violation is not None
    import dataclasses

    early = dataclasses.replace(whole.violation, step=9)
    odd = dataclasses.replace(whole, footer=dataclasses.replace(whole.footer, violation=early))
    model = model_of(odd, tmp_path / "odd.jsonl")
    assert model.step == 10
    assert Picture(model, 80).line(10).row.text.endswith("VIOLATED ElectionSafety")
    model.move(1)
    assert model.step == 11
    model.move(-1)
    model.move(-1)
    assert model.step == 9


def test_next_and_previous_on_a_node_visit_exactly_its_steps() -> None:
    model = opened(MCS)
    trace = load(MCS)
    mine = [step for step, entry in enumerate(trace, 1) if entry.name.node == "n2"]
    model.jump(mine[0])
    seen = [model.step]
    while not model.note:
        next_on_node(model)
        seen.append(model.step)
    assert seen[:-1] == mine
    while model.step != mine[0]:
        previous_on_node(model)
    assert model.step == mine[0]


def test_relations_are_those_of_causality() -> None:
    from demi.causality import Causality

    trace = load(MCS)
    order = Causality(trace)
    model = opened(MCS)
    for one in range(len(trace)):
        model.jump(one + 1)
        for other in range(len(trace)):
            relation = model.facts.relation(one + 1, other + 1)
            if one == other:
                assert relation == "self"
            elif order.happens_before(other, one):
                assert relation == "past"
            elif order.happens_before(one, other):
                assert relation == "future"
            else:
                assert relation == "concurrent"


def test_a_filter_keeps_what_passes_and_a_jump_shows_the_rest_again() -> None:
    model = opened(MCS)
    model.set_filter("kind:timer -node:n1")
    settle(model)
    assert [model.rows.spot(row).step for row in range(len(model.rows))] == [2, 3]
    model.goto("20")
    assert model.step == 20 and not model.filter and len(model.rows) == 22
    model.set_filter("nothing says this")
    settle(model)
    assert len(model.rows) == 22 and "no step passes" in model.note
    with pytest.raises(UsageError, match="no kind 'tiner'"):
        model.set_filter("kind:tiner")


def test_escape_stops_a_long_search(tmp_path: Path) -> None:
    model = model_of(chatter(5000), tmp_path / "t.jsonl")
    model.search("not there")
    asked = iter([True] * 3 + [False] * 9)
    model.pump(lambda: next(asked))
    assert model.work is not None and "looking for" in model.note
    model.release()
    assert model.work is None and model.note == "stopped"
    assert model.step == 1


def test_a_search_backwards_goes_around() -> None:
    model = opened(MCS)
    model.goto("12")
    model.search("kind:timer")
    settle(model)
    assert model.step == 2 and model.note == "around the end"
    hits = []
    for _ in range(4):
        model.again(False)
        settle(model)
        hits.append(model.step)
    assert hits == [6, 5, 3, 2]


def test_a_trace_without_its_end_is_readable(tmp_path: Path) -> None:
    data = encode(chatter(30))
    cut = tmp_path / "cut.jsonl"
    cut.write_bytes(data[: len(data) // 2])
    model = opened(cut)
    assert 5 < model.steps < 30 and model.bad_step == 0
    model.last()
    assert "Token" in Picture(model, 80).line(model.steps - 1).row.text


def test_an_empty_trace_and_a_trace_without_steps(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    with pytest.raises(TraceError, match="empty file"):
        Source(empty)
    alone = tmp_path / "alone.jsonl"
    alone.write_bytes(encode(chatter(0)))
    model = opened(alone)
    for name, act in ACTS.items():
        act(model)
        assert model.step == 0, name
    model.move(3)
    next_on_node(model)
    model.goto("3")
    assert model.spot is None and model.step == 0
    assert Picture(model, 80).line(0).row.text == ""


def test_a_growing_trace_is_followed(tmp_path: Path) -> None:
    whole = chatter(40)
    path = tmp_path / "t.jsonl.part"
    path.write_bytes(encode(Trace(whole.header, whole.entries[:10])))
    model = opened(path)
    model.last()
    assert (model.steps, model.step) == (10, 10)
    assert not model.refresh()
    with path.open("ab") as file:
        file.write(b"".join(map(entry_line, whole.entries[10:25])) + b'{"id":"n1>')
    assert model.refresh()
    assert (model.steps, model.step) == (25, 25), "at the end it stays at the end"
    model.goto("5")
    with path.open("ab") as file:
        file.write(entry_line(whole.entries[25])[len(b'{"id":"n1>') :])
    assert model.refresh()
    assert (model.steps, model.step) == (26, 5)
    path.write_bytes(b"")
    model.refresh()
    assert "became shorter" in model.note and model.steps == 26


def test_a_line_that_cannot_be_read_says_so_and_hurts_no_other(tmp_path: Path) -> None:
    lines = encode(chatter(20)).splitlines(keepends=True)
    lines[8] = b'{"id": broken\n'
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b"".join(lines))
    model = opened(path)
    texts = [Picture(model, 100).line(at).row.text for at in range(20)]
    assert "unreadable" in texts[7] and "not JSON" in texts[7]
    assert all("Token" in text for at, text in enumerate(texts) if at != 7)


def test_work_goes_on_in_slices(tmp_path: Path) -> None:
    from viewing import save

    path = tmp_path / "long.jsonl"
    save(chatter(3000), path)
    model = Model(Facts(Source(path)))
    model.last()
    assert model.facts.known == 0
    cause(model)
    assert "still reading" in model.note
    turns = 0
    while model.pump(iter([True, False]).__next__):
        turns += 1
    assert turns > 5 and model.facts.complete
    cause(model)
    assert model.step == 2999

"""Two traces side by side."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from viewing import RAFT, ROOT, Session, chatter, drive, settle

from demi.errors import UsageError
from demi.trace import Entry, Header, Trace
from demi.trace_codec import load, save
from demi.viewer.listing import CHANGED, SAME, Folded
from demi.viewer.opening import compared, opened
from demi.viewer.pairs import ADDED, MOVED, REMOVED, REVERSED, Pairs, original_of
from demi.viewer.picture import Picture
from demi.viewer.start import Wish

ORIGINAL, MCS = RAFT / "raft-45.jsonl.gz", RAFT / "raft-45.min.jsonl"


def made(path: Path, *events: str, changed: str = "") -> Path:
    entries = [Entry(event, delta={"x": 1} if event == changed else {}) for event in events]
    save(Trace(Header("toy", {}, ("n1", "n2", "n3")), tuple(entries)), path)
    return path


def pairs(tmp_path: Path, left: str, right: str, changed: str = "") -> Pairs:
    names = {letter: f"n{1 + at % 3}!{letter}#1" for at, letter in enumerate("abcdefghijkl")}
    one = made(tmp_path / "a.jsonl", *(names[c] for c in left))
    other = made(tmp_path / "b.jsonl", *(names[c] for c in right), changed=names.get(changed, ""))
    return Pairs(opened(one), opened(other))


def marks(rows: Pairs) -> str:
    return " ".join(rows.spot(row).mark for row in range(len(rows)))


def test_marks_say_where_an_event_is(tmp_path: Path) -> None:
    rows = pairs(tmp_path, "abcd", "acde", changed="c")
    assert marks(rows) == " ".join([SAME, REMOVED, CHANGED, SAME, ADDED])
    assert rows.differences(3, 2) == ["delta {} -> {x: 1}"]


def test_an_event_at_another_moment_is_a_row_in_each(tmp_path: Path) -> None:
    rows = pairs(tmp_path, "abc", "bca")
    assert marks(rows).count(MOVED) == 2
    assert not rows.races, "a, b and c are of three nodes: no race"


def test_two_events_of_a_node_in_the_other_order_are_a_race_that_turned(tmp_path: Path) -> None:
    rows = pairs(tmp_path, "abd", "dba")  # a and d are of n1, b of n2
    assert [(race.node, race.first, race.second) for race in rows.races] == [
        ("n1", "n1!a#1", "n1!d#1")
    ]
    assert REVERSED in marks(rows)


@pytest.mark.parametrize(
    ("left", "right"), [("abcdef", "fbdxa"), ("", "abc"), ("abc", ""), ("abc", "abc")]
)
def test_every_step_of_both_has_its_row(tmp_path: Path, left: str, right: str) -> None:
    rows = pairs(tmp_path, left, right.replace("x", "l"))
    for side, steps in ((0, len(left)), (1, len(right))):
        for step in range(1, steps + 1):
            assert rows.has(step, side)
            spot = rows.spot(rows.row(step, side))
            assert spot.on(side) == step
        assert not rows.has(steps + 1, side)


def test_runs_of_one_trace_are_folded_and_a_jump_unfolds() -> None:
    model = compared(opened(ORIGINAL), opened(MCS), False)
    assert isinstance(model.rows, Folded)
    hidden = sum(model.rows.spot(row).folded for row in range(len(model.rows)))
    assert hidden > 1600 and len(model.rows) < 100
    assert model.side == 1 and model.step == 22, "the violation in sight, that of the MCS"
    model.jump(3)
    assert model.side == 1 and model.step == 3
    model.first()
    assert model.side == 0 and model.spot is not None and model.spot.folded
    model.goto("1000")
    assert model.step == 1000 and not isinstance(model.rows, Folded)
    model.fold()
    assert isinstance(model.rows, Folded)
    model.search("n3>n2:VoteCandidate#14")
    settle(model)
    assert model.step == 1691, "a search looks into folds"


def test_all_rows_of_both_are_drawn_within_the_width() -> None:
    model = compared(opened(ORIGINAL), opened(MCS), False)
    model.fold()
    picture = Picture(model, 100)
    texts = [picture.line(at).row.text for at in range(len(model.lines))]
    assert sum("VIOLATED ElectionSafety" in text for text in texts) == 2
    assert max(map(len, texts)) <= 100


def test_the_original_of_a_minimized_trace_is_known_by_its_digest(tmp_path: Path) -> None:
    parent = load(MCS).header.parent
    assert original_of(MCS, parent) == ORIGINAL
    assert original_of(MCS, "0" * 16) is None
    save(load(MCS), tmp_path / "raft-45.min.jsonl")
    made(tmp_path / "raft-45.jsonl", "n1!a#1")
    assert original_of(tmp_path / "raft-45.min.jsonl", parent) is None, "another file of that name"


def test_d_compares_with_the_original_and_back() -> None:
    async def play(session: Session) -> None:
        await session.press("d")
        assert "A: ElectionSafety" in session.text() and "there step" in session.text()
        await session.press("z")
        assert not isinstance(session.model.rows, Folded)
        await session.press("z")
        assert isinstance(session.model.rows, Folded)
        await session.press("d")
        assert "there step" not in session.text() and session.model.step == 22
        session.app.model.sides[0].source.header = replace(load(MCS).header, parent="")
        await session.press("d")
        assert "demi view TRACE OTHER" in session.text()

    drive(MCS, play, (120, 40))


def test_z_alone_says_what_it_is_for() -> None:
    async def play(session: Session) -> None:
        await session.press("z")
        assert "d compares two" in session.text()

    drive(MCS, play)


def test_every_row_of_two_traces_can_be_selected() -> None:
    async def play(session: Session) -> None:
        await session.press("g")
        for _ in range(len(session.model.rows)):
            await session.pilot.press("j")
        await session.pilot.pause()
        session.text()
        assert session.model.row == len(session.model.rows) - 1

    drive(ORIGINAL, play, wish=Wish(other=MCS))


def test_traces_that_have_nothing_in_common_are_refused(tmp_path: Path) -> None:
    save(
        replace(chatter(3), header=replace(chatter(3).header, nodes=("x", "y", "z"))),
        tmp_path / "o",
    )
    with pytest.raises(UsageError, match="no node is in both"):
        compared(opened(MCS), opened(tmp_path / "o"), False)


def test_two_traces_are_printed_where_there_is_no_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demi", "view", ORIGINAL, MCS],
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert "steps only in the first" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80

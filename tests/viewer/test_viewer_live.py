"""The target itself: what is enabled, what if, and what happens when it is gone or lies."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from viewing import RAFT, Session, drive, kept

from demi.cli.session import plain_session
from demi.errors import TargetError, UsageError
from demi.export.explanation import reversals
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.trace import Trace
from demi.trace_codec import load, save
from demi.viewer.answers import Branch, Known
from demi.viewer.live import GONE, Elsewhere, Live
from demi.viewer.replaying import Stage, answer, reversed_order
from demi.viewer.source import Source

MCS = RAFT / "raft-45.min.jsonl"
SECONDS = 60.0


def subject(path: Path) -> Subject:
    return plain_session().recorded(Trace(Source(path).header, ()), "")[1]


@contextmanager
def elsewhere(make: Callable[[Path], Subject] = subject) -> Iterator[Elsewhere]:
    live = Elsewhere(make)
    try:
        yield live
    finally:
        live.close()


def wait_for(live: Live, path: Path, step: int) -> Known:
    """The answer, when it comes."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        found = live.at(path, step)
        if found is not None:
            return found
        live.changed()
    raise AssertionError("no answer")


def test_what_is_enabled_is_what_the_trace_counted() -> None:
    trace = load(MCS)
    with elsewhere() as live:
        for step in (5, 1, 22, 11):
            known = wait_for(live, MCS, step)
            assert not known.problem
            assert len(known.enabled) == trace.entries[step - 1].en
            assert "ElectionSafety" in [name for name, _ in known.invariants]


def test_a_target_that_is_gone_is_said() -> None:
    def gone(path: Path) -> Subject:
        raise TargetError("trace was recorded with target 'raft'; pass --target", remedy="")

    with elsewhere(gone) as live:
        assert "pass --target" in wait_for(live, MCS, 3).problem


def test_a_target_that_ends_its_process_is_said() -> None:
    def deadly(path: Path) -> Subject:
        import os

        os._exit(7)

    with elsewhere(deadly) as live:
        assert wait_for(live, MCS, 3).problem == GONE
        live.what_if(MCS, 3, "n1!election#1", None)
        live.changed()
        assert live.at(MCS, 4) == Known(problem=GONE)


def test_a_target_that_raises_is_said() -> None:
    def broken(path: Path) -> Subject:
        raise ZeroDivisionError("a defect of the target")

    with elsewhere(broken) as live:
        assert "ZeroDivisionError: a defect" in wait_for(live, MCS, 3).problem


def test_another_target_differs_and_is_told_where(tmp_path: Path) -> None:
    def fixed(path: Path) -> Subject:
        header = Source(path).header
        config = {**header.config, "variant": "fixed"}
        from dataclasses import replace

        return plain_session().recorded(Trace(replace(header, config=config), ()), "")[1]

    stage = Stage(fixed, str(tmp_path), lambda: False)
    kind, told = answer(stage, ("at", str(MCS), 22))
    assert kind == "at" and "the replay differs at step" in told.problem


def test_what_if_gives_a_trace_that_replays(tmp_path: Path) -> None:
    stage = Stage(subject, str(tmp_path), lambda: False)
    enabled = stage.known(MCS, 12).enabled
    recorded = load(MCS).entries[11].id
    for event in enabled:
        if event == recorded:
            continue
        branch = stage.what_if(MCS, 12, event, None)
        made = load(Path(branch.path))
        assert [e.id for e in made.entries[:11]] == [e.id for e in load(MCS).entries[:11]]
        assert made.entries[11].id == event
        assert replay(subject(Path(branch.path)), made).divergence is None


def test_the_race_that_decides_turned_gives_a_run_that_passes(tmp_path: Path) -> None:
    stage = Stage(subject, str(tmp_path), lambda: False)
    trace = load(MCS)
    for race in reversals(trace):
        branch = stage.reverse(MCS, race.first, race.second)
        made = load(Path(branch.path))
        if race.result == "no violation":
            assert made.violation is None
        ids = [entry.id for entry in made.entries]
        assert ids.index(race.second) < ids.index(race.first) if race.first in ids else True


def test_an_order_that_cannot_be_is_refused() -> None:
    trace = load(MCS)
    with pytest.raises(UsageError, match="is caused by"):
        reversed_order(trace, "n2!election#2", "n2>n2:BeginElection#1")
    with pytest.raises(UsageError, match="does not come before"):
        reversed_order(trace, trace.entries[5].id, trace.entries[2].id)


async def until(session: Session, holds: Callable[[], bool]) -> None:
    """Let the screen live until something is so."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, session.text()
        await session.pilot.pause(0.01)


def test_choosing_another_event_compares_and_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "found.min.jsonl"
    save(load(MCS), path)

    async def play(session: Session) -> None:
        await session.press("k")
        await until(session, lambda: session.model.known() is not None)
        await session.press("w")
        assert "What if, in place of step 21:" in session.text()
        await session.press("escape")
        assert "What if" not in session.text()
        await session.press("w", "j", "k", "enter")
        await until(session, lambda: session.model.pairs is not None)
        assert "B: " in session.model.note and session.model.side == 1
        assert session.model.step == 21
        await session.press("s", "enter")
        saved = tmp_path / "found.min.step-21.jsonl"
        made = load(saved)
        assert replay(subject(saved), made).divergence is None
        assert "saved; demi replay" in session.text()
        await session.press("s", "enter")
        assert (tmp_path / "found.min.step-21-2.jsonl").exists(), "nothing is overwritten"
        await until(session, lambda: session.model.known() is not None)
        await session.press("w")
        assert "What if" in session.text(), "a branch branches"
        await session.press("escape", "d")
        assert session.model.pairs is None

    with elsewhere() as live:
        drive(path, play, (100, 30), live=live)


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    async def play(session: Session) -> None:
        await session.press("p")
        await until(session, lambda: session.model.pairs is not None)
        assert "no violation" in session.model.note
        await session.press("s")
        await session.press("ctrl+u")
        await session.type(str(tmp_path / "missing" / "x.jsonl"))
        assert "cannot save: No such file or directory" in session.text()

    with elsewhere() as live:
        drive(MCS, play, (100, 30), live=live)


def test_the_run_that_passes_is_shown_beside_the_one_that_fails() -> None:
    async def play(session: Session) -> None:
        await session.press("p")
        await until(session, lambda: session.model.pairs is not None)
        await until(session, lambda: session.model.known() is not None)
        session.app.show()
        await session.pilot.pause()
        kept("passing-100x34", session.text())

    with elsewhere() as live:
        drive(MCS, play, (100, 34), live=live)


def test_the_panel_names_what_is_enabled() -> None:
    async def play(session: Session) -> None:
        await until(session, lambda: session.model.known() is not None)
        text = session.text()
        assert "▌ n3>n2:VoteCandidate#2" in text
        assert "✗ ElectionSafety: at most one leader per term" in text

    with elsewhere() as live:
        drive(MCS, play, (200, 60), live=live)


def test_the_branch_of_a_dead_target_is_a_problem() -> None:
    from demi.viewer.live import Nowhere

    live = Nowhere("gone")
    live.what_if(MCS, 1, "x", None)
    assert live.changed() and live.branch() == Branch(problem="gone") and not live.changed()

"""The screen of a campaign: figures as text, keys, and a real hunt on a real terminal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from terminals import ENTERED, LEFT, Terminal
from viewing import ROOT, kept

from demi.cli.screen import Screen
from demi.viewer.campaign import Campaign
from demi.viewer.figures import KEPT_MAX, Figures, History, rows

TOY = ROOT / "tests" / "cli" / "toy.py"


def history(count: int = 60, violations: tuple[str, ...] = ()) -> History:
    """A hunt that finds less and less that is new."""
    told = History("fuzz raft  pct depth 3  seed 1240")
    for second in range(count):
        states = round(5000 * (1 - 0.93**second))
        counts = {
            "runs": 40 * second,
            "steps": 2000 * second,
            "classes": 39 * second,
            "states": states,
        }
        told.take(
            Figures(
                float(second), counts, {"runs": 10_000}, ("states", "classes"), ("a note",),
                violations, 120.0,
            )
        )  # fmt: skip
    return told


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("plain", [False, True])
def test_figures_are_drawn_as_agreed(size: tuple[int, int], plain: bool) -> None:
    found = ("ElectionSafety  run 512, seed 1752: n1 and n3 both lead term 2",)
    lines = [row.text for row in rows(history(60, found), *size, plain)]
    assert len(lines) <= size[1] and max(map(len, lines)) <= size[0]
    assert not plain or all(line.isascii() for line in lines)
    name = f"campaign{'-ascii' if plain else ''}-{size[0]}x{size[1]}"
    kept(name, "\n".join(lines) + "\n")


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (40, 10), (500, 3)])
def test_any_size_is_kept_to(size: tuple[int, int]) -> None:
    for told in (History("x"), history(1), history(60, ("a", "b\x1b[2J"))):
        lines = [row.text for row in rows(told, *size, False)]
        assert len(lines) <= size[1]
        assert all(len(line) <= size[0] and line.isprintable() for line in lines)


def test_a_long_campaign_is_remembered_thinly() -> None:
    told = history(3 * KEPT_MAX)
    assert len(told.past) <= KEPT_MAX
    seconds = [one.seconds for one in told.past]
    assert seconds == sorted(seconds)
    assert told.at("runs", 100.0) == pytest.approx(4000, abs=200)
    assert told.at("runs", -1.0) == 0


def test_rates_are_those_of_the_last_seconds() -> None:
    text = "\n".join(row.text for row in rows(history(), 80, 24, False))
    assert "40/s" in text and "2 000/s" in text
    assert "new in the last 10 s" in text


def test_it_leaves_when_the_work_ends() -> None:
    ours, theirs = os.pipe()

    async def play() -> None:
        app = Campaign(History("fuzz toy"), ours)
        async with app.run_test(size=(80, 24)) as pilot:
            line = msgspec.json.encode(history(3).past[-1]) + b"\n"
            os.write(theirs, line[:10])
            await pilot.pause()
            os.write(theirs, line[10:] + line)
            while len(app.history.past) < 2:
                await pilot.pause(0.01)
            os.write(theirs, b"\n")
            while app.is_running and not app._exit:
                await pilot.pause(0.01)

    asyncio.run(play())
    os.close(theirs)


@pytest.mark.parametrize(("key", "stopped"), [("q", False), ("escape", False), ("ctrl+c", True)])
def test_keys(key: str, stopped: bool) -> None:
    async def play() -> None:
        app = Campaign(history())
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press(key)
            assert app._exit and app.stopped == stopped

    asyncio.run(play())


# ---- on a terminal


def fuzz(tmp_path: Path, *words: object) -> Terminal:
    return Terminal("fuzz", TOY, "--out", tmp_path, "--seed", 1, *words, "--ui")


def test_a_hunt_is_watched_left_and_goes_on(tmp_path: Path) -> None:
    terminal = fuzz(tmp_path, "--bug", "none", "-n", 10_000_000, "-j", 1)
    terminal.wait_for("violations so far: 0")
    terminal.send("q")
    terminal.wait_for("runs", after=LEFT)  # the usual line goes on
    terminal.kill(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.restored
    assert b"interrupted after" in terminal.said


def test_ctrl_c_on_the_screen_stops_the_work(tmp_path: Path) -> None:
    terminal = fuzz(tmp_path, "--bug", "none", "-n", 10_000_000, "-j", 2)
    terminal.wait_for("violations so far: 0")
    terminal.send("\x03")
    assert terminal.end() == 130
    assert terminal.restored
    assert b"interrupted after" in terminal.said


def test_a_screen_that_is_killed_costs_nothing_but_itself(tmp_path: Path) -> None:
    terminal = fuzz(tmp_path, "--bug", "none", "-n", 10_000_000, "-j", 1)
    terminal.wait_for("violations so far: 0")
    found = subprocess.run(
        ["ps", "--ppid", str(terminal.pid), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    screen = next(line for line in found.splitlines() if "demi.viewer.campaign" in line)
    os.kill(int(screen.split()[0]), signal.SIGKILL)
    terminal.wait_for("runs", after=LEFT)
    terminal.kill(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.restored


def test_a_campaign_that_dies_takes_its_screen_along(tmp_path: Path) -> None:
    terminal = fuzz(tmp_path, "--bug", "none", "-n", 10_000_000, "-j", 1)
    terminal.wait_for("violations so far: 0")
    terminal.kill(signal.SIGKILL)
    terminal.wait_for(LEFT.decode(), after=ENTERED)
    assert terminal.end() == -signal.SIGKILL


def test_an_exploration_is_watched_and_interrupted(tmp_path: Path) -> None:
    words = ("raft", "--set", "nodes=3", "--bound", "timers=4", "--bound", "steps=40")
    terminal = Terminal("explore", *words, "--out", tmp_path, "--ui")
    terminal.wait_for("explore raft")
    terminal.wait_for("running for")
    terminal.kill(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.restored
    terminal.said = terminal.said[terminal.said.rfind(LEFT) :]
    assert b"complete: no" in b" ".join(
        terminal.said.split()
    )  # the numbers before it wrap it or not


def test_without_a_terminal_a_line_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demi", "fuzz", TOY, "-n", "3", "--bug", "none", "--ui"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert "--ui needs a terminal" in done.stdout
    assert ENTERED.decode() not in done.stdout


def test_a_screen_that_does_not_read_stops_nothing() -> None:
    """Figures are dropped when the pipe is full."""
    screen = Screen.__new__(Screen)
    ours, screen._pipe = os.pipe()
    os.set_blocking(screen._pipe, False)
    for _ in range(100):
        screen._send(b"x" * 5000)
    os.close(ours)
    screen._send(b"x")
    os.close(screen._pipe)

"""The viewer on a real terminal (a pty): it opens there, stays away elsewhere, and gives it back."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from terminals import ENTERED, Terminal
from viewing import RAFT, ROOT

MCS = RAFT / "raft-45.min.jsonl"


def test_it_opens_answers_and_gives_the_terminal_back() -> None:
    terminal = Terminal("view", MCS)
    terminal.wait_for("both leader of term 2")
    terminal.send("c")
    terminal.wait_for("step 16/22")
    terminal.send("\x1b[<0;10;4M\x1b[<0;10;4m")  # a click on the second row of the lanes
    terminal.wait_for("step 6/22")
    terminal.send("q")
    assert terminal.end() == 0
    assert terminal.restored


def test_a_pinned_trace_is_pinned_before_the_screen_opens(tmp_path: Path) -> None:
    """The target, asked in a child of the viewer, runs under the recorded hash seed and opens no viewer."""
    pinned = tmp_path / "pinned.jsonl"
    pinned.write_text(
        MCS.read_text("utf-8").replace('"hash_seed":""', '"hash_seed":"7"', 1), "utf-8"
    )
    terminal = Terminal("view", pinned, size=(160, 60))
    terminal.wait_for("ElectionSafety: ")  # what it checks, which only the target knows
    assert psutil.Process(terminal.pid).environ()["PYTHONHASHSEED"] == "7"
    terminal.send("q")
    assert terminal.end() == 0
    assert terminal.said.count(ENTERED) == 1
    assert terminal.restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_killed_viewer_gives_the_terminal_back(number: int) -> None:
    terminal = Terminal("view", MCS)
    terminal.wait_for("both leader of term 2")
    terminal.kill(number)
    assert terminal.end() == 128 + number
    assert terminal.restored


def test_a_terminal_that_goes_away_ends_it() -> None:
    terminal = Terminal("view", MCS)
    terminal.wait_for("both leader of term 2")
    terminal.vanish()
    assert terminal.code() == 128 + signal.SIGHUP


@pytest.mark.parametrize(
    ("term", "size"), [("dumb", (100, 30)), ("xterm", (20, 24)), ("xterm", (80, 6))]
)
def test_where_no_screen_fits_the_rows_are_printed(term: str, size: tuple[int, int]) -> None:
    terminal = Terminal("view", MCS, term=term, size=size)
    assert terminal.end() == 0
    assert ENTERED not in terminal.said
    assert b"VIOLATED" in terminal.said
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", terminal.said).decode()
    assert all(len(line) <= size[0] for line in plain.splitlines())


@pytest.mark.parametrize("words", [("--plain",), ("--width", 60), ("--json",), ("--from", 3)])
def test_who_asks_for_rows_gets_rows(words: tuple[object, ...]) -> None:
    terminal = Terminal("view", MCS, *words)
    assert terminal.end() == 0
    assert ENTERED not in terminal.said and b"VIOLATED" in terminal.said


def test_a_pipe_gets_rows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demi", "view", str(MCS)], cwd=ROOT, capture_output=True, check=True
    )
    assert b"VIOLATED ElectionSafety" in done.stdout and b"\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.jsonl",), "cannot read"), ((ROOT / "README.md",), "not JSON"),
        ((MCS, "--theme", "nordd"), "no theme 'nordd'"), ((MCS, "--filter", "kin:x"), "no filter"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_before_the_screen_changes(
    words: tuple[Path | str, ...], said: str
) -> None:
    terminal = Terminal("view", *words)
    assert terminal.end() == 2
    assert ENTERED not in terminal.said
    assert said in terminal.said.decode()


def test_no_colour_is_asked_for() -> None:
    terminal = Terminal("--color", "never", "view", MCS)
    terminal.wait_for("both leader of term 2")
    terminal.send("q")
    assert terminal.end() == 0
    shades = re.findall(rb"38;2;(\d+);(\d+);(\d+)", terminal.said)
    assert all(len(set(shade)) == 1 for shade in shades), "only greys"


def test_an_error_inside_gives_the_terminal_back_and_is_reported(tmp_path: Path) -> None:
    program = tmp_path / "broken.py"
    program.write_text(
        "import sys\nfrom demi.cli.main import perform\nfrom demi.viewer.model import Model\n"
        "Model.first = None\nsys.exit(perform(sys.argv[1:]))\n",
        "utf-8",
    )
    terminal = Terminal("view", MCS, program=(str(program),))
    terminal.wait_for("both leader of term 2")
    terminal.send("g")
    assert terminal.end() == 3
    assert terminal.restored
    assert b"internal error in demi: TypeError" in terminal.said

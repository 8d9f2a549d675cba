"""The file that a minimization writes into may hold a good run already."""

from __future__ import annotations

import signal
from pathlib import Path

from demi.trace import Trace
from demi.trace_codec import load

from .conftest import Demi
from .test_killed import DEADLY, MOMENTS, signalled


def entries(trace: Trace) -> list[str]:
    return [entry.id for entry in trace]


def test_a_kill_before_the_old_result_is_beaten_leaves_both(demi: Demi, recorded: Path) -> None:
    demi.write("deadly.py", DEADLY)
    assert demi("minimize", recorded, "--target", "toy.py", "-o", "small.jsonl").code == 0
    small = demi.folder / "small.jsonl"
    before = small.read_bytes()
    at = MOMENTS[0]
    code, _ = signalled(demi, recorded, signal.SIGKILL, at, "small.jsonl")
    assert code == -signal.SIGKILL
    assert small.read_bytes() == before
    beside = load(demi.folder / "small.partial.jsonl")
    assert len(load(small)) < len(beside) < len(load(recorded))

    code, _ = signalled(demi, recorded, signal.SIGINT, at, "small.jsonl")
    assert code == 130
    assert small.read_bytes() == before, "what a stop leaves is no better"
    assert entries(load(demi.folder / "small.partial.jsonl")) == entries(beside)


def test_what_is_better_replaces_it_at_once(demi: Demi, recorded: Path) -> None:
    demi.write("deadly.py", DEADLY)
    _, small = signalled(demi, recorded, signal.SIGKILL, MOMENTS[0], "small.jsonl")
    first = load(small)
    signalled(demi, recorded, signal.SIGKILL, MOMENTS[-1], "small.jsonl")
    assert len(load(small)) < len(first)


def test_a_stopped_minimization_says_where_its_result_is(demi: Demi, recorded: Path) -> None:
    words = ("minimize", recorded, "--target", "toy.py", "-o", "small.jsonl")
    assert demi(*words).code == 0
    small = demi.folder / "small.jsonl"
    before = small.read_bytes()
    done = demi(*words, "--max-replays", 1)
    assert done.code == 0, done.text
    assert small.read_bytes() == before
    assert "small.jsonl holds" in done.text and "saved     small.partial.jsonl" in done.text

    assert demi(*words).code == 0
    assert small.read_bytes() == before, "the same again"
    assert not (demi.folder / "small.partial.jsonl").exists()


def test_a_run_of_something_else_stays_until_the_end(demi: Demi, recorded: Path) -> None:
    other = demi.folder / "other.jsonl"
    demi.write("deadly.py", DEADLY)
    for text in ("no trace\n", recorded.read_text("utf-8")):
        other.write_text(text, "utf-8")
        signalled(demi, recorded, signal.SIGKILL, MOMENTS[-1], "other.jsonl")
        assert other.read_text("utf-8") == text
    done = demi("minimize", recorded, "--target", "toy.py", "-o", "other.jsonl", "--max-replays", 1)
    assert "saved     other.jsonl" in done.text, "what was asked for takes its place"
    assert load(other).violation is not None


def test_a_folder_is_no_file(demi: Demi, recorded: Path) -> None:
    (demi.folder / "small.jsonl").mkdir()
    done = demi("minimize", recorded, "--target", "toy.py", "-o", "small.jsonl")
    assert done.code == 2
    assert "this is a folder" in done.text and "-o" in done.text

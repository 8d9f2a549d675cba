"""`demi explore`: what it covered, its exit codes, and that what it finds goes the way of a hunt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from demi.trace_codec import load

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "lock.py"
LOCK = f"{EXAMPLE}:TARGET"


def demi(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DEMI_")}
    return subprocess.run(
        [sys.executable, "-m", "demi", *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip


def summary(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    return json.loads(done.stdout.splitlines()[-1])


def test_a_violation_is_saved_shrunk_and_replays(tmp_path: Path) -> None:
    done = demi(tmp_path, "explore", LOCK, "--items", "2", "--bound", "timers=2")
    assert done.returncode == 1, done.stderr
    assert "VIOLATED MutualExclusion" in done.stdout
    (small,) = tmp_path.glob("traces/*.min.jsonl")
    assert len(load(small)) == 7
    assert demi(tmp_path, "replay", str(small), "--target", LOCK).returncode == 1


def test_an_exhausted_space_says_so(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--set", "timers=ordered", "--json")
    done = demi(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    said = summary(done)
    assert (said["verdict"], said["complete"], said["limit"]) == ("exhausted", True, "")
    counts = {
        name: summary(demi(tmp_path, *words, "--algorithm", name))["classes"]
        for name in ("source", "optimal", "classic")
    }
    assert set(counts.values()) == {said["classes"]}


def test_what_bit_is_named_and_require_complete_is_kept(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--bound", "steps=3", "--json")
    done = demi(tmp_path, *words)
    said = summary(done)
    assert (done.returncode, said["complete"]) == (0, False)
    assert "steps" in str(said["limit"])
    assert demi(tmp_path, *words, "--require-complete").returncode == 5


def test_nothing_enabled_is_not_success(tmp_path: Path) -> None:
    done = demi(tmp_path, "explore", LOCK)
    assert done.returncode == 5
    assert "no event is enabled" in done.stdout


def test_bad_words(tmp_path: Path) -> None:
    for words, said in (
        (("--bound", "step=3"), "did you mean 'steps'"),
        (("--bound", "steps=x"), "--bound steps=3"),
        (("--algorithm", "quick"), "unknown algorithm"),
        (("--around", "3"), "--around needs a trace"),
    ):
        done = demi(tmp_path, "explore", LOCK, *words)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_around_a_trace(tmp_path: Path) -> None:
    assert demi(tmp_path, "explore", LOCK, "--items", "2", "--bound", "timers=2").returncode == 1
    (small,) = tmp_path.glob("traces/*.min.jsonl")
    words = ("--target", LOCK, "--around", "4", "--bound", "timers=2", "--no-minimize")
    done = demi(tmp_path, "explore", str(small), *words)
    assert done.returncode == 1, done.stderr


def test_a_search_goes_on_where_it_ended(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--set", "timers=ordered", "--algorithm", "source")
    whole = summary(demi(tmp_path, *words, "--json"))
    rest = ("--resume", "rest.json", "--max-executions", "5")
    first = demi(tmp_path, *words, *rest)
    assert first.returncode == 0, first.stderr
    assert (tmp_path / "rest.json").exists()
    last = summary(demi(tmp_path, *words, "--resume", "rest.json", "--json"))
    assert (last["classes"], last["complete"]) == (whole["classes"], True)
    assert not (tmp_path / "rest.json").exists()


def test_the_rest_of_something_else_is_refused(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--algorithm", "source", "--resume", "rest.json")
    demi(tmp_path, *words, "--set", "timers=ordered", "--max-executions", "5")
    done = demi(tmp_path, *words)
    assert done.returncode == 2
    assert "cannot resume" in done.stderr
    (tmp_path / "rest.json").write_text("{")
    assert demi(tmp_path, *words).returncode == 2


def test_two_workers_find_the_same_classes(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--set", "timers=ordered", "--algorithm", "source")
    one, two = (summary(demi(tmp_path, *words, "--json", "-j", j)) for j in ("1", "2"))
    assert one["classes"] == two["classes"]


WAYWARD = f"{Path(__file__).parent / 'wayward.py'}:"


def test_targets_that_cannot_be_explored_are_refused_by_name(tmp_path: Path) -> None:
    fickle = demi(tmp_path, "explore", WAYWARD + "FICKLE")
    assert fickle.returncode == 4
    assert "does not repeat" in fickle.stderr
    lying = demi(tmp_path, "explore", WAYWARD + "LYING")
    assert lying.returncode == 2
    assert "commutes is wrong: n2 and n3 at n1 do not commute" in lying.stderr
    assert "Traceback" not in fickle.stderr + lying.stderr


def test_an_endless_target_is_cut_and_said_to_be(tmp_path: Path) -> None:
    words = ("explore", WAYWARD + "ENDLESS", "--json")
    said = summary(demi(tmp_path, *words))
    assert (said["complete"], said["cut"], said["limit"]) == (False, 1, "steps")
    assert demi(tmp_path, *words, "--require-complete").returncode == 5


def test_a_bound_that_leaves_nothing(tmp_path: Path) -> None:
    done = demi(tmp_path, "explore", WAYWARD + "ENDLESS", "--bound", "steps=0")
    assert done.returncode == 5
    assert "held back by: steps" in " ".join(done.stdout.split())


def test_the_rest_of_another_target_is_refused(tmp_path: Path) -> None:
    words = ("--resume", "rest.json", "--max-executions", "5", "--algorithm", "source")
    demi(tmp_path, "explore", LOCK, "--items", "2", "--set", "timers=ordered", *words)
    done = demi(tmp_path, "explore", WAYWARD + "ENDLESS", *words)
    assert done.returncode == 2
    assert "cannot resume: target was 'lock' and is 'wayward'" in done.stderr
    assert (tmp_path / "rest.json").exists()


def test_raft_with_three_nodes_is_refuted_and_proved_within_one_bound(tmp_path: Path) -> None:
    words = ("explore", "raft", "--set", "nodes=3", "--bound", "timers=3", "--bound", "steps=9")
    proved = summary(demi(tmp_path, *words, "--bug", "none", "--algorithm", "stateful", "--json"))
    assert (proved["verdict"], proved["limit"]) == ("exhausted", "steps, timers")
    assert "which is which" in str(proved["notes"])

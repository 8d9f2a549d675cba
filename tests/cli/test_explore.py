"""`demi explore`: what it covered, its exit codes, and that what it finds goes the way of a hunt."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from demi.trace_codec import load

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "lock.py"
LOCK = f"{EXAMPLE}:TARGET"
TARGETS = sorted(one.name for one in entry_points(group="demi.targets"))


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


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_here_can_be_explored(tmp_path: Path, target: str) -> None:
    words = ("explore", target, "--items", "2", "--max-executions", "2", "--no-minimize", "--json")
    done = demi(tmp_path, *words)
    assert done.returncode in (0, 1), done.stderr
    said = summary(done)
    verdicts = ("violated",) if done.returncode else ("exhausted", "not found within the budget")
    assert said["verdict"] in verdicts
    assert int(str(said["depth"])) > 0


def test_an_exhausted_space_says_so(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--set", "timers=ordered", "--json")
    done = demi(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    said = summary(done)
    assert (said["verdict"], said["complete"], said["limit"]) == ("exhausted", True, "")
    assert (said["algorithm"], said["sound"]) == ("stateful", True)  # one holder: at one moment
    counts = {
        name: summary(demi(tmp_path, *words, "--algorithm", name))
        for name in ("source", "optimal", "classic")
    }
    assert len({one["classes"] for one in counts.values()}) == 1
    assert not any(one["sound"] for one in counts.values())


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
    words = (
        "--target",
        LOCK,
        "--around",
        "7",
        "--no-minimize",
    )  # all of it: broken before it goes on
    done = demi(tmp_path, "explore", str(small), *words)
    assert done.returncode == 1, done.stderr
    assert "VIOLATED MutualExclusion" in done.stdout


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


def test_the_rest_of_another_version_is_refused(tmp_path: Path) -> None:
    source = Path(WAYWARD[:-1]).read_text()
    assert "commutes=commutes" in source
    words = ("--resume", "rest.json", "--max-executions", "2", "--algorithm", "source")
    for version in ("1", "2"):
        versioned = source.replace("commutes=commutes", f"version=lambda c: '{version}'")
        (tmp_path / "mine.py").write_text(versioned)
        done = demi(tmp_path, "explore", "mine.py:LYING", *words)
        left = (tmp_path / "rest.json").read_bytes()
    assert done.returncode == 2
    assert "cannot resume: target_version was '1' and is '2'" in done.stderr
    assert json.loads(left)["target_version"] == "1"


def test_ctrl_c_saves_what_is_left_and_says_how_to_go_on(tmp_path: Path) -> None:
    words = ["explore", WAYWARD + "MANY", "--algorithm", "source"]
    process = subprocess.Popen(
        [sys.executable, "-m", "demi", *words],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "executions" in process.stderr.readline()  # the first progress line: it is searching
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    assert process.returncode == 130, out
    assert "--resume traces/wayward.rest.json" in " ".join(out.replace("\\\n", "").split())
    rest = tmp_path / "traces" / "wayward.rest.json"
    more = ("--resume", str(rest), "--max-executions")
    before = json.loads(rest.read_bytes())["counts"][0]
    said = summary(demi(tmp_path, *words, *more, str(before + 100), "--json"))
    assert said["executions"] == before + 100


def test_several_workers_go_on_too(tmp_path: Path) -> None:
    words = ("explore", WAYWARD + "SOME", "-j", "2", "--resume", "rest.json", "--json")
    first = summary(demi(tmp_path, *words, "--max-time", "0.001s"))
    assert (first["complete"], first["limit"]) == (False, "seconds")
    assert summary(demi(tmp_path, *words))["executions"] == 720
    assert not (tmp_path / "rest.json").exists()


def test_a_bound_that_grows(tmp_path: Path) -> None:
    words = ("explore", LOCK, "--items", "2", "--no-minimize")
    done = demi(tmp_path, *words, "--bound", "steps=1..9", "--bound", "timers=2")
    assert done.returncode == 1, done.stderr
    assert "deepened  steps 1: " in done.stdout
    assert "; 7: " in " ".join(done.stdout.split())
    assert "; 8: " not in " ".join(done.stdout.split())  # the shortest one has 7
    done = demi(tmp_path, *words, "--bound", "steps=1..9", "--max-executions", "5")
    assert done.returncode == 2
    assert "--bound steps=9" in done.stderr
    assert demi(tmp_path, *words, "--bound", "steps=9..1").returncode == 2


def test_a_state_that_is_broken_before_any_step(tmp_path: Path) -> None:
    done = demi(tmp_path, "explore", WAYWARD + "BROKEN")
    assert done.returncode == 1, done.stderr
    assert "VIOLATED Never" in done.stdout
    traces = list(tmp_path.glob("traces/*.jsonl"))
    assert traces
    assert not any(len(load(trace)) for trace in traces)


def test_raft_with_three_nodes_is_refuted_and_proved_within_one_bound(tmp_path: Path) -> None:
    words = ("explore", "raft", "--set", "nodes=3", "--bound", "timers=3", "--bound", "steps=9")
    proved = summary(demi(tmp_path, *words, "--bug", "none", "--algorithm", "stateful", "--json"))
    assert (proved["verdict"], proved["limit"]) == ("exhausted", "steps, timers")
    assert "which is which" in str(proved["notes"])

"""`demi fuzz`: what it finds, writes, says and returns."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from demi.trace_codec import load

from .conftest import ENVIRONMENT, TIMEOUT, Demi

HUNT = ("fuzz", "toy.py", "--bug", "forgetful", "--seed", "1")


def test_violation_block_is_saved_minimized_and_last(demi: Demi) -> None:
    done = demi(*HUNT)
    assert done.code == 1
    block = done.out[done.out.index("VIOLATED") :].splitlines()
    assert block[0].startswith("VIOLATED MutualExclusion  (")
    assert "seed 37, step 18 of 18, 3 nodes" in " ".join(block[:2])
    heads = [line[:10].strip() for line in block if line[:10].strip()]
    assert heads == ["VIOLATED M", "saved", "minimized", "next"]
    original, small = demi.traces()
    assert re.fullmatch(r"toy-MutualExclusion-[0-9a-f]{8}\.jsonl", original.name)
    assert small.name == original.name.replace(".jsonl", ".min.jsonl")
    assert f"saved     traces/{original.name}" in block
    assert re.search(r"18 -> \d+ events \(\d+ externals\) in .* s, \d+ replays", done.out)
    assert len(load(small)) < len(load(original))
    assert done.next[0] == f"demi view traces/{small.name}"


def test_the_commands_it_ends_with_work(demi: Demi) -> None:
    view, replay = demi(*HUNT).next
    assert demi(*view.split()[1:]).code == 0
    done = demi(*replay.split()[1:])
    assert done.code == 1, done.text
    assert "VIOLATED MutualExclusion" in done.out


def test_not_found_names_the_budget_and_claims_nothing(demi: Demi) -> None:
    done = demi("fuzz", "toy.py", "--bug", "none", "-n", 60, "--seed", 7)
    assert done.code == 0
    said = " ".join(done.out.split())
    assert "not found in 60 runs (seeds 7-66, random" in said
    assert "This is not a proof." in said
    assert len(done.next) == 2
    assert not demi.traces()


@pytest.mark.parametrize("words", [("-n", "0"), ("--max-time", "0.000001s")])
def test_nothing_ran(demi: Demi, words: tuple[str, ...]) -> None:
    done = demi("fuzz", "toy.py", "-j", 1, *words)
    assert done.code == 5
    assert done.next


def test_the_answer_does_not_depend_on_workers(demi: Demi) -> None:
    for workers in (1, 2, 3):
        assert demi(*HUNT, "-j", workers, "--out", f"out{workers}").code == 1
    one, two, three = (
        [(path.name, path.read_bytes()) for path in demi.traces(f"out{n}")] for n in (1, 2, 3)
    )
    assert one == two == three
    assert len(one) == 2


def test_traces_are_equal_bytes_whatever_the_hash_seed(demi: Demi) -> None:
    for hash_seed in ("1", "424242"):
        done = demi(*HUNT, "--out", hash_seed, "-j", 1, PYTHONHASHSEED=hash_seed)
        assert done.code == 1
    first, second = (
        [(path.name, path.read_bytes()) for path in demi.traces(seed)] for seed in ("1", "424242")
    )
    assert first == second


def test_a_random_seed_is_printed_and_repeats(demi: Demi) -> None:
    done = demi("fuzz", "toy.py", "--bug", "fragile", "--json", "--out", "a")
    assert done.code == 1
    seed = done.last("run")["seed"]
    assert demi("fuzz", "toy.py", "--bug", "fragile", "--seed", seed, "--out", "b").code == 1
    assert [p.name for p in demi.traces("a")] == [p.name for p in demi.traces("b")]


def test_keep_going_saves_each(demi: Demi) -> None:
    done = demi("fuzz", "toy.py", "--bug", "fragile", "--seed", 1, "--keep-going", 3, "--json")
    assert done.code == 1
    found = [line for line in done.json if line["type"] == "violation"]
    assert len(found) == 3
    assert all((demi.folder / one["saved"]).is_file() for one in found)
    assert all((demi.folder / one["minimized"]["saved"]).is_file() for one in found)


def test_expect_passes_over_other_violations(demi: Demi) -> None:
    both = ("--set", "fragile=true", "--set", "forgetful=true")
    done = demi("fuzz", "toy.py", *both, "--expect", "MutualExclusion", "--seed", 1, "--json")
    assert done.code == 1
    assert done.last("violation")["fingerprint"] == "MutualExclusion"
    assert set(done.last("summary")["others"]) == {"crash/KeyError@on_message"}


def test_min_deliveries_and_steps_are_kept(demi: Demi) -> None:
    done = demi(*HUNT, "--min-deliveries", 25, "--steps", 60, "--no-minimize", "--json")
    assert done.code == 1
    assert 25 <= done.last("violation")["steps"] <= 60


@pytest.mark.parametrize("strategy", ["random", "srcdstfifo", "pct", "pos"])
def test_every_strategy_finds_it(demi: Demi, strategy: str) -> None:
    done = demi(*HUNT, "--strategy", strategy, "--depth", 2, "-n", 20000, "--no-minimize")
    assert done.code == 1, done.text


def test_json_lines(demi: Demi) -> None:
    done = demi(*HUNT, "--json")
    kinds = [line["type"] for line in done.json]
    assert kinds[0] == "run"
    assert kinds[-1] == "summary"
    assert {"run", "stage", "violation", "summary"} == set(kinds)
    assert all(line["schema"] == 1 for line in done.json)
    assert done.last("summary")["exit"] == done.code == 1


def test_what_a_target_prints_does_not_reach_the_json(demi: Demi) -> None:
    demi.write("loud.py", (demi.folder / "toy.py").read_text() + "\nprint('hello')\n")
    done = demi("fuzz", "loud.py", "-n", 2, "--json")
    assert done.code == 0
    assert done.json
    assert "hello" in done.err


def endless(demi: Demi, workers: int) -> subprocess.Popen[str]:
    """A hunt that has begun and would not end by itself."""
    words = ("--bug", "forgetful", "--seed", 1, "-n", 10**9, "--keep-going", 10**6, "-j", workers)
    hunt = subprocess.Popen(
        demi.argv("fuzz", "toy.py", *words),
        cwd=demi.folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert hunt.stderr is not None
    assert hunt.stderr.readline().startswith("fuzz toy")  # a progress line: runs have been made
    return hunt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("workers", [1, 2])
def test_interrupt_keeps_what_was_found(demi: Demi, workers: int, number: int) -> None:
    hunt = endless(demi, workers)
    # what a terminal does: the workers get it as well; what a supervisor does: only the parent does
    os.killpg(hunt.pid, number) if number == signal.SIGINT else hunt.send_signal(number)
    out, err = hunt.communicate(timeout=TIMEOUT)
    assert hunt.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert "interrupted after" in out
    traces = demi.traces()
    assert traces
    assert out.count("VIOLATED") == len(traces)
    for path in traces:
        assert load(path).violation is not None


@pytest.mark.skipif(sys.platform != "linux", reason="the parent's death is told by Linux alone")
def test_workers_do_not_outlive_a_hunt_that_is_killed(demi: Demi) -> None:
    hunt = endless(demi, 2)
    workers = psutil.Process(hunt.pid).children(recursive=True)
    assert len(workers) == 2
    hunt.kill()
    hunt.communicate(timeout=TIMEOUT)
    _, alive = psutil.wait_procs(workers, TIMEOUT)
    assert alive == []


def test_a_full_disk_is_said_and_nothing_is_half_written(demi: Demi) -> None:
    (demi.folder / "traces").write_text("a file is in the way")
    done = demi(*HUNT)
    assert done.code == 2
    assert "cannot write" in done.err
    (again,) = done.next
    assert "--seed 37 -n 1 " in again
    assert demi(*again.split()[1:]).code == 1  # the same run, somewhere else


def test_another_output_folder_is_made(demi: Demi) -> None:
    assert demi(*HUNT, "--out", "deep/er", "--no-minimize").code == 1
    assert [path.suffix for path in Path(demi.folder / "deep" / "er").iterdir()] == [".jsonl"]

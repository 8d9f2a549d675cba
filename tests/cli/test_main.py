"""The frame: version, help, colour, internal errors, start-up, the demo."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demi import __version__
from demi.cli.app import general_first
from demi.cli.output import Line, clean, columns, count, layout
from demi.cli.shrinking import minimized_path
from demi.cli.values import DEFAULTS, seconds

from .conftest import ENVIRONMENT, Demi

COMMANDS = ("init", "targets", "fuzz", "replay", "minimize", "view", "demo")


def test_version_and_help(demi: Demi) -> None:
    assert demi("--version").out == f"demi {__version__}\n"
    assert demi().code == 2
    said = demi("--help")
    assert said.code == 0
    assert all(name in said.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_80_columns(demi: Demi, name: str) -> None:
    done = demi.here(name, "--help")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80


def test_everything_fits_80_columns(demi: Demi) -> None:
    for words in (("targets",), ("targets", "toy.py"), ("fuzz", "toy.py", "--bug", "fragile")):
        done = demi(*words)
        assert max(map(len, done.text.splitlines())) <= 80, done.text


def test_general_options_may_stand_anywhere() -> None:
    words = ["fuzz", "raft", "--json", "-n", "3", "--color", "never", "-v", "--", "-q"]
    moved = ["--json", "--color", "never", "-v", "fuzz", "raft", "-n", "3", "--", "-q"]
    assert general_first(words) == moved


def test_colour_is_asked_for_and_never_the_only_sign(demi: Demi) -> None:
    words = ("fuzz", "toy.py", "--bug", "forgetful", "--seed", 1, "--no-minimize")
    plain = demi(*words)
    assert "\x1b" not in plain.text
    painted = demi(*words, "--color", "always")
    assert "\x1b[1;31mVIOLATED\x1b[0m" in painted.out
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted.out) == plain.out


def test_quiet_and_json_failures(demi: Demi) -> None:
    done = demi("fuzz", "toy.py", "-n", 3, "-q", "--seed", 1)
    assert done.out.startswith("result")
    failed = demi("fuzz", "nobody", "--json")
    assert failed.code == 2
    assert failed.last("error")["exit"] == 2
    assert "unknown target 'nobody'" in failed.err


def test_an_internal_error_leaves_a_report(demi: Demi) -> None:
    demi.write("sitecustomize.py", "import demi.fuzz.parallel as p\np.hunt_parallel = None\n")
    done = demi("fuzz", "toy.py", PYTHONPATH=f"{demi.folder}:{ENVIRONMENT['PYTHONPATH']}")
    assert done.code == 3
    assert "internal error in demi: TypeError" in done.err
    found = re.search(r"^where     (.*)$", done.err, re.MULTILINE)
    assert found is not None
    report = Path(found[1])
    try:
        assert "Traceback" in report.read_text()
    finally:
        report.unlink()
    assert done.next


def test_start_up_loads_only_what_is_needed() -> None:
    code = "import demi.cli.app, sys; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    ).stdout.split()
    for name in ("rich", "textual", "psutil", "multiprocessing.pool", "concurrent.futures.process"):
        assert name not in loaded


@pytest.mark.skipif(importlib.util.find_spec("pysyncobj") is None, reason="needs pysyncobj")
def test_the_demo(demi: Demi) -> None:
    done = demi("demo")
    assert done.code == 0, done.text
    assert done.out.index("VIOLATED ElectionSafety") < done.out.index("next")
    assert "seed      " in done.out
    small = next(path for path in demi.traces("traces/demo") if ".min" in path.name)
    assert demi("replay", small, "--times", 3).code == 1
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_demo_without_the_library(demi: Demi) -> None:
    hide = "import sys\nsys.modules['pysyncobj'] = None\n"
    demi.write("sitecustomize.py", hide)
    done = demi("demo", PYTHONPATH=f"{demi.folder}:{ENVIRONMENT['PYTHONPATH']}")
    assert done.code == 2
    assert "pip install 'demi-debugger[pysyncobj]'" in " ".join(done.err.split())
    assert demi("targets").code == 0


def test_small_things() -> None:
    assert clean("a\x1b[2J\n\u202eb") == "a\\x1b[2J\\n\\u202eb"
    assert count(1234567) == "1 234 567"
    assert columns([("a", "b"), ("long", "1")], frozenset({1})) == ["a     b", "long  1"]
    rows = layout(Line("head", "word " * 30))
    assert len(rows) > 1
    assert all(len(row) <= 80 for row in rows)
    assert all(row.startswith(" " * 10) for row in rows[1:])
    assert [seconds(text) for text in (90, "1.5", "2m", "1h")] == [90.0, 1.5, 120.0, 3600.0]
    names = ("a.jsonl", "a.jsonl.gz", "a.min.jsonl", "a.min4.jsonl")
    made = [minimized_path(Path(name)).name for name in names]
    assert made == ["a.min.jsonl", "a.min.jsonl", "a.min2.jsonl", "a.min5.jsonl"]
    assert DEFAULTS.runs == 1000


def test_a_reader_that_has_seen_enough_is_no_violation() -> None:
    """`demi view TRACE | head -1`: exit code 1 would read as a bug found."""
    trace = str(Path(__file__).parents[2] / "traces" / "raft" / "raft-45.jsonl.gz")
    with subprocess.Popen(
        [sys.executable, "-m", "demi", "view", trace],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) == 130
        assert running.stderr.read() == b""

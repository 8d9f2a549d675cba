"""Emitted tests fail before the fix and pass after it, in a pytest of their own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from demi.minimizer.regression import Import, bare, emitted, violates
from demi.target import configure
from demi.trace import Trace
from demi.trace_codec import load
from targets.raft import TARGET as RAFT

ROOT = Path(__file__).parent.parent.parent
TRACES = ROOT / "traces" / "raft"
BUGS = sorted(RAFT.bugs)


def text(trace: Trace) -> str:
    return "\n".join(bare(trace)) + "\n"


@pytest.mark.parametrize("bug", BUGS)
def test_the_bare_events_still_fail_and_the_fixed_node_passes(bug: str) -> None:
    trace = load(TRACES / f"{bug}.min.jsonl")
    assert trace.violation is not None
    assert violates(RAFT, text(trace)) == trace.violation.fingerprint
    settings = {"network": trace.header.config["network"]}
    assert violates(RAFT, text(trace), configure(RAFT, "none", settings)) is None


def pytest_of(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", file.name],
        cwd=file.parent, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_emitted_file_fails_before_the_fix_and_passes_after(tmp_path: Path) -> None:
    trace = load(TRACES / "raft-45.min.jsonl")
    file = tmp_path / "test_raft_45.py"
    source = emitted(trace, Import("targets.raft", "TARGET"))
    file.write_text(source, "utf-8")
    before = pytest_of(file)
    assert before.returncode == 1, before.stdout
    assert "these events still show ElectionSafety" in before.stdout
    fixed = source.replace("'variant': 'raft-45'", "'variant': 'fixed'", 1)
    assert fixed != source
    file.write_text(fixed, "utf-8")
    after = pytest_of(file)
    assert after.returncode == 0, after.stdout


def test_a_replay_that_finds_nothing_of_the_run_warns() -> None:
    trace = load(TRACES / "raft-45.min.jsonl")
    lines = [line.replace("election", "gone").replace("Vote", "Gone") for line in bare(trace)]
    with pytest.warns(UserWarning, match=r"of 22 events could happen on raft"):
        assert violates(RAFT, "\n".join(lines) + "\n") is None


@pytest.mark.parametrize(
    "where", [Import("m", "TARGET"), Import("m", "mine", "../x"), Import("m", "A.b.c", 'q"\\')]
)
def test_whatever_the_target_said_the_file_is_python(where: Import) -> None:
    from dataclasses import replace

    from demi.verdict import Detail

    trace = load(TRACES / "raft-45.min.jsonl")
    assert trace.footer is not None and trace.violation is not None
    nasty = replace(trace.violation, detail=Detail(("n1",), '"""\\ \n{x} \x00 \u202e é' * 30))
    changed = replace(trace, footer=replace(trace.footer, violation=nasty))
    ast.parse(emitted(changed, where))

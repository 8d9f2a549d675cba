"""`demi minimize` that is killed: the best so far is on disk, whole, and fails when replayed strictly.

The target itself sends the signal, in the middle of a candidate, so the moment is the same every time.
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from demi.trace_codec import digest, load

from .conftest import ENVIRONMENT, ROOT, Demi

DEADLY = '''
"""The toy, which sends its own process a signal while the server handles the N-th message of all."""

import os
from dataclasses import replace

import toy

NUMBER, AT = int(os.environ["SIGNAL"]), int(os.environ["AT"])
handled = 0


class Server(toy.Server):
    def on_message(self, ctx, sender, msg):
        global handled
        handled += 1
        if handled == AT:
            os.kill(os.getpid(), NUMBER)
        super().on_message(ctx, sender, msg)


toy.Server = Server
TARGET = toy.TARGET
'''
MOMENTS = (30, 75, 110)  # messages of some 150; before the first there is nothing better to leave


def signalled(demi: Demi, trace: Path, number: int, at: int, out: str) -> tuple[int, Path]:
    """(exit code, the file) of a `demi minimize` that gets a signal."""
    words = demi.argv("minimize", trace, "--target", "deadly.py", "-o", out)
    environment = {**ENVIRONMENT, "SIGNAL": str(int(number)), "AT": str(at)}
    done = subprocess.run(
        words, cwd=demi.folder, env=environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, demi.folder / out


@pytest.mark.parametrize("at", MOMENTS)
def test_a_killed_process_leaves_the_best_so_far(demi: Demi, recorded: Path, at: int) -> None:
    demi.write("deadly.py", DEADLY)
    code, left = signalled(demi, recorded, signal.SIGKILL, at, "killed.jsonl")
    assert code == -signal.SIGKILL
    original, best = load(recorded), load(left)
    assert len(best) < len(original)
    assert best.header.parent == digest(original)
    assert best.violation is not None and original.violation is not None
    assert best.violation.fingerprint == original.violation.fingerprint
    replayed = demi("replay", left, "--target", "toy.py", "--expect", best.violation.fingerprint)
    assert replayed.code == 0, replayed.text

    code, saved = signalled(demi, recorded, signal.SIGINT, at, "interrupted.jsonl")
    assert code == 130
    assert [entry.id for entry in load(saved)] == [entry.id for entry in best], (
        "what a polite stop at that moment calls the best is what the kill left"
    )


def test_a_kill_from_outside_between_two_of_its_files(tmp_path: Path) -> None:
    """No moment is chosen: whatever the process is doing when the file has changed again."""
    out = tmp_path / "raft.jsonl"
    trace = ROOT / "traces" / "raft" / "raft-45.jsonl.gz"
    words = Demi(tmp_path).argv("minimize", trace, "-o", out)
    seen: set[tuple[int, int]] = set()
    with subprocess.Popen(
        words, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while len(seen) < 3 and process.poll() is None:
            try:
                process.wait(timeout=0.002)
            except subprocess.TimeoutExpired:
                if out.exists():
                    now = out.stat()
                    seen.add((now.st_mtime_ns, now.st_size))
        process.kill()
    assert process.returncode == -signal.SIGKILL, "it was still at work"
    best = load(out)
    assert len(best) < len(load(trace))
    done = Demi(tmp_path)("replay", out)
    assert done.code == 1, done.text

"""How soon a command that needs no target answers, and what the pytest plugin costs an unused run.

    python benchmarks/startup.py

Processor time (user and system) of the whole process, the best of `TRIES`: wall time would measure
whoever shares the machine.  The goals are 0.3 s per command and 20 ms for the plugin.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRACE = "traces/raft/raft-45.min.jsonl"
TRIES = 9
COMMANDS = (
    ["--version"], ["--help"], ["fuzz", "--help"], ["config"], ["view", TRACE, "--plain"],
    ["diff", TRACE, TRACE], ["export", TRACE, "--to", "html"], ["export", TRACE, "--to", "dot"],
    ["report", TRACE],
)  # fmt: skip


def seconds(words: list[str]) -> float:
    """The least processor time of a process among some."""
    best = float("inf")
    for _ in range(TRIES):
        before = os.times()
        subprocess.run(words, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        used = after.children_user + after.children_system
        best = min(best, used - before.children_user - before.children_system)
    return best


def main() -> None:
    print(f"{'command':<52}{'processor time':>16}")
    for words in COMMANDS:
        line = "demi " + " ".join(words)
        print(f"{line:<52}{seconds([sys.executable, '-m', 'demi', *words]):>14.2f} s")
    bare = seconds([sys.executable, "-c", "import pytest"])
    with_plugin = seconds([sys.executable, "-c", "import pytest, demi.pytest_plugin"])
    print(f"{'pytest plugin, unused':<52}{1000 * (with_plugin - bare):>13.0f} ms")


if __name__ == "__main__":
    main()

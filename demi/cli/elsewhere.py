"""One schedule of a target in other processes, each of which differs in one thing that must not matter.

The one insight: *which* process differs says why.  Two equal processes that differ point at time, entropy
or addresses; another collector threshold at finalizers; another hash seed at the order of a set.

Each process makes its own run from the seed (nothing is handed over but names), replays it in place, and
leaves the trace in a file.  Not here: what is said about it (`check.py`).
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demi.errors import DemiError, DivergenceError, ExitCode, TargetError
from demi.interpose.escapes import allow, allowed

if TYPE_CHECKING:
    from demi.cli.session import Session
    from demi.scheduler.replay import Divergence
    from demi.trace import Trace

SECONDS_MAX = 120.0  # for one process; a target that needs longer for a few hundred steps hangs
ORDER = "the order of a set or of hash()"
COLLECTOR = "the garbage collector: __del__, weak references, or caches that it empties"
OUTSIDE = "time, entropy, id() or addresses, files, or threads: two equal processes differ"
INSIDE = "state that one run leaves to the next: a module, a class attribute, a cache, a file"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a process runs.  hash_seed: its PYTHONHASHSEED.  threshold: of the collector, 0 is off.

    cause: what a difference from the first process then points at.
    """

    hash_seed: int
    threshold: int
    cause: str

    @property
    def text(self) -> str:
        """`hash seed 1, collector 700`."""
        return f"hash seed {self.hash_seed}, collector {self.threshold or 'off'}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What every process runs."""

    spec: str
    bug: str
    sets: tuple[str, ...]
    seed: int
    steps: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Two records that should be one.  setting: the process that differs; None within one process."""

    divergence: Divergence
    cause: str
    trace: Trace
    setting: Setting | None


def settings(hash_seeds: int, pinned: str = "") -> list[Setting]:
    """The processes: the first one, its double, one with an eager collector, then other hash seeds.

    pinned: the one hash seed that the target runs under, if it says so; then there are no others.
    """
    seed = int(pinned or 0)
    others = [Setting(other, (700, 0, 50)[other % 3], ORDER) for other in range(1, hash_seeds)]
    first = [Setting(seed, 700, ""), Setting(seed, 700, OUTSIDE), Setting(seed, 1, COLLECTOR)]
    return first if pinned else [*first, *others]


def compare(
    schedule: Schedule, processes: Sequence[Setting], tell: Callable[[int], None]
) -> tuple[Trace, Difference | None]:
    """(the run, the first difference).  Raises what a process raised."""
    from demi.scheduler.determinism import first_divergence

    first: Trace | None = None
    for number, setting in enumerate(processes):
        tell(number)
        trace, inside = run_elsewhere(schedule, setting)
        if inside is not None:
            cause = INSIDE if number or _same_again(schedule, processes[1:2], trace) else OUTSIDE
            return trace, Difference(inside, cause, trace, None)
        if first is None:
            first = trace
            continue
        found = first_divergence(first, trace)
        if found is not None:
            return first, Difference(found, setting.cause, first, setting)
    assert first is not None
    return first, None


def _same_again(schedule: Schedule, double: Sequence[Setting], trace: Trace) -> bool:
    """Does an equal process at least begin with the same run?"""
    from demi.scheduler.determinism import first_divergence

    return all(first_divergence(trace, run_elsewhere(schedule, one)[0]) is None for one in double)


def run_elsewhere(schedule: Schedule, setting: Setting) -> tuple[Trace, Divergence | None]:
    """The run in a process of its own, and how its replay there differed.  Raises DemiError."""
    from demi.scheduler.replay import Divergence
    from demi.trace_codec import load

    environment = {**os.environ, "PYTHONHASHSEED": str(setting.hash_seed), "NO_COLOR": "1"}
    with tempfile.TemporaryDirectory(prefix="demi-check-") as folder:
        order = {
            **asdict(schedule), "threshold": setting.threshold, "folder": folder, "escapes": allowed()
        }  # fmt: skip
        try:
            done = subprocess.run(
                [sys.executable, "-m", "demi.cli.elsewhere"], input=json.dumps(order),
                env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise TargetError(
                f"a process did not end within {SECONDS_MAX:.0f} s",
                where=schedule.spec,
                remedy="fewer --steps; does a handler loop or block?",
            ) from None
        told = Path(folder) / "told.json"
        if not told.is_file():
            last = (done.stderr.strip().splitlines() or ["no output"])[-1]
            raise TargetError(
                f"the process died with exit code {done.returncode}: {last}"[:300],
                where=schedule.spec,
                remedy="run the target's code by itself",
            )
        answer: dict[str, Any] = json.loads(told.read_text("utf-8"))
        if "what" in answer:
            kind = DivergenceError if answer["exit"] == ExitCode.DIVERGED else TargetError
            raise kind(answer["what"], where=answer["where"], remedy=answer["remedy"])
        found = answer["divergence"]
        return load(Path(folder) / "trace.jsonl"), Divergence(**found) if found else None


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """The work of such a process; writes the trace and returns what is to be told."""
    from demi.cli.session import make_subject, plain_session
    from demi.fuzz.program import generate
    from demi.scheduler.determinism import check_determinism
    from demi.scheduler.registry import make_strategy
    from demi.trace_codec import save

    gc.set_threshold(order["threshold"])
    allow(order["escapes"])
    session: Session = plain_session()
    try:
        loaded = session.load(order["spec"])
        target, config = loaded.target, session.config(loaded, order["bug"], order["sets"])
        subject = make_subject(target, config)
        profile = target.profile(config)
        program = generate(profile, subject.world.names, order["seed"])
        strategy = make_strategy(profile.strategy, profile)
        steps = min(profile.steps, order["steps"])
        trace, divergence = check_determinism(subject, strategy, program, order["seed"], steps)
        save(trace, Path(order["folder"]) / "trace.jsonl")
        subject.world.close()
    except DemiError as error:
        return {
            "what": error.what, "where": error.where, "remedy": error.remedy,
            "exit": int(error.exit_code),
        }  # fmt: skip
    return {"divergence": asdict(divergence) if divergence else None}


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    told_path = Path(asked["folder"]) / "told.json"
    text = json.dumps(perform(asked))
    told_path.write_text(text, "utf-8")

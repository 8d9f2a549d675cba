"""Same seed, same trace: under other hash seeds, in other processes, twice in one process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("os_ken", reason="os-ken is an extra")
RECORD = """
import hashlib, sys
from demi.fuzz.hunt import Plan, record_run
from demi.scheduler.execute import Subject
from demi.target import configure
from demi.trace_codec import encode
from targets.sdn import TARGET

for case in sys.argv[1:]:
    topology = case.partition("faucet on ")[2]
    faucet = {"app": "faucet", "topology": topology, "settle": 30.0, "announce": True, "count": 3}
    config = configure(TARGET, "", faucet) if topology else configure(TARGET, case)
    subject = Subject(TARGET, config)
    profile = TARGET.profile(config)
    for strategy in ("random", "pct"):
        plan = Plan(profile, strategy, seed=5, steps=300 if topology else 1500)
        found = [hashlib.sha256(encode(record_run(subject, plan, n))).hexdigest() for n in (0, 1, 0)]
        assert found[0] == found[2], (case, strategy, found)
        print(case, strategy, *found)
    subject.world.close()
"""


def records(hash_seed: int, cases: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RECORD, *cases],
        check=False, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_hash_seeds_record_the_same_bytes() -> None:
    assert records(1, ["R1"]) == records(2, ["R1"])


@pytest.mark.slow
def test_six_hash_seeds_and_two_processes_record_the_same_bytes() -> None:
    from targets.sdn import TARGET

    pytest.importorskip("faucet", reason="c65faucet is an extra")
    cases = [*sorted(TARGET.bugs), "faucet on line:2", "faucet on ring:3"]
    first = records(0, cases)
    for hash_seed in range(6):
        for _ in range(2):
            assert records(hash_seed, cases) == first

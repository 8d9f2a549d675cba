"""FastAPI, uvicorn and httpx as they come from PyPI, in the example of the documents."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demi.fuzz.hunt import Plan, hunt, record_run
from demi.scheduler.execute import Subject
from demi.target import Target
from demi.trace_codec import digest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("httpx")
ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "fastapi_shop.py"


def example() -> Target:
    spec = importlib.util.spec_from_file_location("fastapi_shop", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target: Target = module.TARGET
    return target


def found(careful: bool, runs: int) -> list[str]:
    """Fingerprints of what runs show, and the digest of the first trace that shows something."""
    target = example()
    config = {"careful": careful}
    plan = Plan(target.profile(config), "random", seed=1, steps=300)
    subject = Subject(target, config)
    try:
        outcomes = list(hunt(subject, plan, iter(range(runs))))
        broken = [(n, o.violation) for n, o in outcomes if o.violation is not None]
        names = sorted({violation.fingerprint for _, violation in broken})
        return [*names, digest(record_run(subject, plan, broken[0][0]))] if broken else []
    finally:
        subject.world.close()


def test_the_oversell_is_found_and_the_careful_stock_is_clean() -> None:
    assert found(False, 12)[0] == "NoOversell"
    assert found(True, 12) == []


def test_runs_repeat_in_another_process_with_another_hash_seed() -> None:
    code = "from test_fastapi import found; print(found(False, 8)[-1])"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": f"{ROOT}:{Path(__file__).parent}",
    }
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == found(False, 8)[-1]

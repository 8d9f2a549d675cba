"""A target that depends on hashes is pinned: commands go on under its hash seed, and traces record it."""

from __future__ import annotations

import json

import pytest

from demi.errors import UsageError
from demi.interpose.hashes import pin, require

from .conftest import Demi

PINNED = """
from dataclasses import replace
import toy

class Hashing(toy.Client):
    def on_timer(self, ctx, name):
        ctx.log(str(hash(ctx.name)))
        super().on_timer(ctx, name)

toy.Client = Hashing
TARGET = replace(toy.TARGET, name="pinned", hash_seed="7")
"""
HUNT = ("fuzz", "pinned.py", "--bug", "forgetful", "--seed", 1, "-n", 500)


def test_runs_are_the_same_bytes_under_any_hash_seed_and_say_which_it_was(demi: Demi) -> None:
    demi.write("pinned.py", PINNED)
    for outer in ("1", "2"):
        done = demi(*HUNT, "--out", outer, "-j", outer, PYTHONHASHSEED=outer)
        assert done.code == 1, done.text
    first, second = (
        [(path.name, path.read_bytes()) for path in demi.traces(outer)] for outer in ("1", "2")
    )
    assert first == second
    assert len(first) == 2, "the original and the minimized"
    for name, content in first:
        assert json.loads(content.splitlines()[0])["hash_seed"] == "7"
        trace = demi.folder / "1" / name
        again = demi("replay", trace, "--target", "pinned.py", "--times", 2, PYTHONHASHSEED="3")
        assert again.code == 1, again.text


def test_a_recorded_seed_goes_before_that_of_the_code(demi: Demi) -> None:
    demi.write("pinned.py", PINNED)
    assert demi(*HUNT, "--no-minimize").code == 1
    (trace,) = demi.traces()
    demi.write("pinned.py", PINNED.replace(', hash_seed="7"', ""))
    done = demi("replay", trace, "--target", "pinned.py", PYTHONHASHSEED="3")
    assert done.code == 1, done.text
    demi.write("pinned.py", PINNED.replace('"7"', '"8"'))
    assert demi("replay", trace, "--target", "pinned.py").code == 1


def test_a_pinned_target_repeats_and_another_is_told_how_to(demi: Demi) -> None:
    demi.write("pinned.py", PINNED)
    done = demi("--json", "check", "pinned.py", "--steps", 40, "--hash-seeds", 3)
    assert (done.code, done.last("summary")["hash_seeds"]) == (0, [7])
    demi.write("pinned.py", PINNED.replace(', hash_seed="7"', ""))
    done = demi("check", "pinned.py", "--steps", 40, "--hash-seeds", 3)
    assert done.code == 4
    assert 'hash_seed="0"' in done.text


@pytest.mark.parametrize("seed", ["-1", "x", "4294967296", "٣"])
def test_what_is_no_hash_seed_is_refused(seed: str, demi: Demi) -> None:
    with pytest.raises(UsageError, match="no hash seed"):
        pin(seed)
    demi.write("pinned.py", PINNED.replace('"7"', repr(seed)))
    done = demi(*HUNT)
    assert done.code == 2
    assert "is no hash seed" in done.text


def test_a_process_of_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "3")
    require("")
    require("3")
    with pytest.raises(UsageError, match="pinned to hash seed 7; this process has 3") as told:
        require("7")
    assert "PYTHONHASHSEED=7" in told.value.remedy

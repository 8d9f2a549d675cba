"""`demi check`: what repeats is said to, what does not is named with its step, its parents and its line."""

from __future__ import annotations

import pytest

from demi.cli.elsewhere import settings

from .conftest import Demi
from .test_targets import HEAD

SHAKY = """
import os, time, weakref, gc, toy
{extra}
class Bad(Client):
    def on_timer(self, ctx, name):
        {code}
        super().on_timer(ctx, name)
toy.Client = Bad
TARGET = TOY
"""
CASES = {
    "module": ("", "ctx.log(str(next(COUNT)))", "state that one run leaves", "calls next()"),
    "hash": ("", "ctx.log(str(hash(ctx.name)))", "the order of a set", "calls hash()"),
    "set": (
        "",
        "ctx.log(next(iter({'a', 'b', 'c', 'd', 'e', 'f'})))",
        "the order of a set",
        "a set",
    ),
    "time": (
        "BORN = time.time()",
        "ctx.log(str(BORN))",
        "two equal processes",
        "calls time.time()",
    ),
    "process": ("", "ctx.log(str(os.getpid()))", "two equal processes", "calls os.getpid()"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_repeat_is_named(demi: Demi, case: str) -> None:
    extra, code, cause, line = CASES[case]
    demi.write("shaky.py", HEAD + SHAKY.format(extra=extra, code=code))
    done = demi("--json", "check", "shaky.py")
    assert done.code == 4, done.text
    assert (
        done.last("divergence")["event"]
        .split("#")[0]
        .endswith(("!retry", "!lease", "!work", "!done"))
    )
    assert cause in done.last("summary")["cause"]
    found = done.last("suspects")
    assert any(one.startswith("shaky.py:") and line in one for one in found["suspects"]), found


def test_what_repeats_says_in_how_many_processes(demi: Demi) -> None:
    done = demi("--json", "check", "toy.py", "--hash-seeds", 2, "-n", 2, "--steps", 40)
    assert done.code == 0, done.text
    told = done.last("summary")
    assert (told["verdict"], told["processes"], told["hash_seeds"], told["collectors"]) == (
        "repeatable", 4, [0, 1], [0, 1, 700],
    )  # fmt: skip
    assert told["steps"] > 40


def test_nothing_to_compare_is_unknown(demi: Demi) -> None:
    demi.write(
        "idle.py",
        HEAD
        + "TARGET = replace(TOY, profile=lambda c: __import__('demi.target').target.Profile())",
    )
    done = demi("check", "idle.py", "--hash-seeds", 1)
    assert done.code == 5
    assert "unknown: the schedule has no event" in done.out


def test_a_target_that_kills_its_process_is_refused(demi: Demi) -> None:
    demi.write(
        "dead.py",
        HEAD + "import os\nif os.environ.get('PYTHONHASHSEED') == '0': os._exit(7)\nTARGET = TOY",
    )
    done = demi("check", "dead.py", PYTHONHASHSEED="5")
    assert done.code == 2
    assert "died with exit code 7" in done.err


def test_each_process_but_the_first_differs_in_one_thing() -> None:
    first, *others = settings(4)
    assert [one.hash_seed for one in others] == [0, 0, 1, 2, 3]
    assert others[0].threshold == first.threshold
    assert len({one.cause for one in others}) == 3

"""Finding targets, refusing the broken ones, and `demi targets`."""

from __future__ import annotations

import pytest

from .conftest import ROOT, Demi

HEAD = """
import itertools
from toy import TARGET as TOY, Client, make, exclusive
from dataclasses import replace
from demi.oracle import StateInvariant
COUNT = itertools.count()
"""
BROKEN = {
    "make": ("TARGET = replace(TOY, make=lambda config: 1 / 0)", "ZeroDivisionError"),
    "constructor": (
        "import toy\nclass Bad(Client):\n    def __init__(self, *a): raise OSError('no disk')\n"
        "toy.Client = Bad\nTARGET = TOY",
        "no disk",
    ),
    "syntax": ("TARGET = = 1", "SyntaxError"),
    "import": ("import nothing_like_this", "nothing_like_this"),
    "exit": ("raise SystemExit(0)", "SystemExit"),
    "attribute": ("SYSTEM = TOY", "known: SYSTEM, TOY"),
    "no target": ("TARGET = 3", "is not a Target"),
    "profile": (
        "def p(config): raise LookupError('p')\nTARGET = replace(TOY, profile=p)",
        "LookupError in p",
    ),
    "invariant": (
        "def look(view): return view.missing\n"
        "TARGET = replace(TOY, invariants=lambda c: [StateInvariant('A', 'a', look)])",
        "missing",
    ),
    "unknown node": (
        "import toy\nclass Bad(Client):\n"
        "    def on_message(self, ctx, sender, msg): ctx.send('nobody', 1)\n"
        "toy.Client = Bad\nTARGET = TOY",
        "nobody",
    ),
    "mutation": (
        "import toy\nKEPT = []\nclass Bad(Client):\n"
        "    def on_message(self, ctx, sender, msg):\n"
        "        for one in KEPT: one.append(1)\n"
        "        KEPT.append([1]); ctx.send(ctx.name, KEPT[-1])\n"
        "toy.Client = Bad\nTARGET = TOY",
        "mutat",
    ),
    "death": ("import os\ndef d(view): os._exit(7)\n"
        "TARGET = replace(TOY, invariants=lambda c: [StateInvariant('A', 'a', d)])",
        "worker process died",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_target_ends_with_2_and_says_why(demi: Demi, case: str) -> None:
    code, said = BROKEN[case]
    demi.write("broken.py", HEAD + code)
    done = demi("fuzz", "broken.py", "-n", 200, "-j", 2)
    assert done.code == 2, done.text
    assert said in " ".join(done.err.split())
    assert done.next


@pytest.mark.parametrize("workers", [1, 2])
def test_a_raising_invariant_is_the_targets_fault(demi: Demi, workers: int) -> None:
    demi.write("broken.py", HEAD + BROKEN["invariant"][0])
    done = demi("fuzz", "broken.py", "-n", 200, "-j", workers)
    assert done.code == 2
    assert "the target raised AttributeError in look" in " ".join(done.err.split())
    assert "broken.py:7" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fuzz", "rafd"), "did you mean 'raft'?"),
        (("targets", "rafd"), "did you mean 'raft'?"),
        (("fuzz", "nowhere.py"), "no file nowhere.py"),
        (("fuzz", "toy.py:TARGIT"), "did you mean 'TARGET'?"),
        (("fuzz", "nomodule_x:T"), "No module named 'nomodule_x'"),
        (("fuzz", "toy.py", "--bug", "forgetfull"), "did you mean 'forgetful'?"),
        (("fuzz", "toy.py", "--set", "client=3"), "did you mean 'clients'?"),
        (("fuzz", "toy.py", "--set", "clients=many"), "must be int, not 'many'"),
        (("fuzz", "toy.py", "--set", "clients"), "--set wants KEY=VALUE"),
        (("fuzz", "toy.py", "--strategy", "randum"), "did you mean 'random'?"),
        (("fuzz", "toy.py", "--expect", "MutualExlusion"), "did you mean 'MutualExclusion'?"),
        (("fuzz", "toy.py", "--seed", "-4"), "a whole number from 0"),
        (("fuzz", "toy.py", "--max-time", "soon"), "a time such as 30s"),
        (("fuzz", "toy.py", "--workers", "0"), "a number from 1 to 256"),
        (("fuzz", "toy.py", "--runs", "many"), "--runs"),
        (("fuzz",), "TARGET"),
        (("fuz", "toy.py"), "fuz"),
        (("fuzz", "toy.py", "--nothing"), "--nothing"),
        (("--color", "pink", "targets"), "known: always, auto, never"),
    ],
)
def test_unknown_words_get_the_nearest_match(demi: Demi, words: tuple[str, ...], said: str) -> None:
    done = demi.here(*words)
    assert done.code == 2, done.text
    assert said in " ".join(done.err.split())
    assert done.next
    assert not done.out


def test_by_module_from_the_current_folder(demi: Demi) -> None:
    assert demi("fuzz", "toy:TARGET", "-n", 5).code == 0


def test_the_table(demi: Demi) -> None:
    done = demi("targets")
    assert done.code == 0
    assert "raft" in done.out
    listed = demi("targets", "--json").json
    assert {one["name"] for one in listed if one["type"] == "target"} >= {"raft", "pysyncobj"}


def test_a_broken_target_is_a_row_of_the_table(demi: Demi) -> None:
    demi.write("broken.py", "1/0")
    demi.write("pyproject.toml", '[tool.demi.targets.mine]\npath = "broken.py:TARGET"\n')
    done = demi("targets")
    assert done.code == 0
    assert "division by zero" in " ".join(done.out.split())
    assert "raft" in done.out


def test_one_target_with_its_check(demi: Demi) -> None:
    done = demi("targets", "toy.py")
    assert done.code == 0, done.text
    for word in ("clients", "forgetful", "MutualExclusion", "repeatable", "fuzz toy.py"):
        assert word in done.out


NONDETERMINISTIC = {"state left in a module": "next(COUNT)", "hash of a string": "hash(ctx.name)"}


@pytest.mark.parametrize("case", NONDETERMINISTIC)
def test_the_check_finds_what_does_not_repeat(demi: Demi, case: str) -> None:
    code = (
        "import toy\nclass Bad(Client):\n    def on_timer(self, ctx, name):\n"
        f"        ctx.send('server', ('x', {NONDETERMINISTIC[case]}))\n"
        "toy.Client = Bad\nTARGET = TOY\n"
    )
    demi.write("shaky.py", HEAD + code)
    done = demi("targets", "shaky.py", PYTHONHASHSEED="1")
    assert done.code == 4, done.text
    assert done.next


def test_fuzzing_what_does_not_repeat_says_diverged(demi: Demi) -> None:
    code = HEAD + (
        "import toy\nclass Bad(Client):\n"
        "    def on_message(self, ctx, sender, msg):\n"
        "        if next(COUNT) == 40: raise KeyError('once')\n"
        "        super().on_message(ctx, sender, msg)\n"
        "toy.Client = Bad\nTARGET = TOY\n"
    )
    demi.write("shaky.py", code)
    done = demi("fuzz", "shaky.py", "--seed", 1, "-j", 1)
    assert done.code == 4, done.text
    assert done.next


def test_a_target_is_found_by_the_folder_of_its_package(demi: Demi) -> None:
    inner = demi.folder / "mine" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "__init__.py").write_text("")
    (inner / "__init__.py").write_text("from toy import TARGET\n")
    done = demi("fuzz", "mine/inner", "--bug", "forgetful", "--seed", 1, "-j", 1)
    assert done.code == 1
    for words in done.next:
        assert demi(*words.split()[1:], "--color", "never").code in (0, 1), words
    known = demi.here("targets", ROOT / "targets" / "raft")
    assert known.code == 0
    assert "raft" in known.out
    assert demi.here("targets", "mine/nothing").code == 2

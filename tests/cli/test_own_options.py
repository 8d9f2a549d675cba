"""A target's settings stand as options behind it; what neither knows is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Demi


def test_a_setting_is_an_option(demi: Demi) -> None:
    said = demi("fuzz", "toy.py", "--clients", 3, "--bug", "forgetful", "--seed", 1, "-n", 1)
    assert said.code == 0, said.text
    assert "--set clients=3" in " ".join(said.next[0].split())


@pytest.mark.parametrize("command", ["fuzz", "explore", "check"])
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--sede", "1"), "did you mean '--seed'?"),
        (("--client", "1"), "did you mean '--clients'?"),
        (("--clients",), "--clients wants a value"),
        (("--clients", "--fragile"), "--clients wants a value"),
        (("--clients", "--deny 1>2"), "must be int"),
        (("one",), "'one' is one word too many"),
        (("--clients=x",), "must be int"),
    ],
)
def test_what_is_no_option(demi: Demi, command: str, words: tuple[str, ...], what: str) -> None:
    done = demi(command, "toy.py", *words)
    assert done.code == 2
    assert what in " ".join(done.text.split())


TOY = ("--target", "toy.py")


def test_a_setting_is_an_option_behind_a_trace(demi: Demi, recorded: Path) -> None:
    done = demi("replay", recorded, *TOY, "--lenient", "--forgetful", "false")
    assert done.code == 0, done.text
    strict = demi("replay", recorded, *TOY, "--forgetful=false")
    assert strict.code == 4
    assert "other settings than recorded" in " ".join(strict.text.split())


@pytest.mark.parametrize("command", ["replay", "explore"])
def test_what_is_no_option_behind_a_trace(demi: Demi, recorded: Path, command: str) -> None:
    done = demi(command, recorded, *TOY, "--forgetfull", "false")
    assert done.code == 2
    assert "did you mean '--forgetful'?" in " ".join(done.text.split())

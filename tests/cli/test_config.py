"""Settings: precedence, and the refusal of what is not known."""

from __future__ import annotations

import pytest

from .conftest import Demi

FILE = """[project]
name = "runs"

[tool.demi]
runs = 11
out = "general"

[tool.demi.targets.mine]
path = "toy.py:TARGET"
runs = 12
"""


def runs_of(demi: Demi, *words: object, **environment: str) -> int:
    done = demi("fuzz", *words, "--json", "--seed", 3, **environment)
    assert done.code == 0, done.text
    runs: int = done.last("run")["runs"]
    return runs


def test_precedence(demi: Demi) -> None:
    assert runs_of(demi, "toy.py") == 1000
    demi.write("pyproject.toml", FILE)
    assert runs_of(demi, "toy.py") == 11
    assert runs_of(demi, "mine") == 12
    assert runs_of(demi, "mine", DEMI_RUNS="13") == 13
    assert runs_of(demi, "mine", "-n", 14, DEMI_RUNS="13") == 14


def test_the_file_of_a_folder_above_counts(demi: Demi) -> None:
    demi.write("pyproject.toml", FILE + "set = {forgetful = true}\nseed = 1\n")
    (demi.folder / "below").mkdir()
    below = Demi(demi.folder / "below")
    done = below("fuzz", "mine", "-n", 100, "--no-minimize")
    assert done.code == 1, done.text
    assert len(demi.traces("general")) == 1
    assert "saved     ../general/toy-MutualExclusion" in done.out


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("[tool.demi]\nruns = 5\nsteeps = 3\n", "pyproject.toml:3", "did you mean 'steps'?"),
        ("\n[tool.demi]\n'run' = 3\n", "pyproject.toml:3", "did you mean 'runs'?"),
        ("[tool.demi.targets.mine]\npaht = 'x'\n", "pyproject.toml:2", "did you mean 'path'?"),
        ("[tool.demi]\nruns = 'lots'\n", "pyproject.toml:2", "a whole number"),
        ("[tool.demi]\nmax_time = '5 weeks'\n", "pyproject.toml:2", "a time such as"),
        ("[tool.demi]\nminimize = 3\n", "pyproject.toml:2", "true or false"),
        ("[tool.demi]\ntarget = {}\n", "pyproject.toml:2", "did you mean 'targets'?"),
        ("[tool.demi\n", "pyproject.toml", "cannot read"),
    ],
)
def test_what_is_not_known_is_refused(demi: Demi, text: str, place: str, said: str) -> None:
    demi.write("pyproject.toml", text)
    done = demi.here("fuzz", "toy.py", "-n", 1)
    assert done.code == 2, done.text
    assert f"where     {place}\n" in done.err
    assert said in " ".join(done.err.split())
    assert done.next


def test_variables_are_checked(demi: Demi) -> None:
    done = demi("fuzz", "toy.py", DEMI_RUNZ="5")
    assert done.code == 2
    assert "did you mean 'DEMI_RUNS'?" in done.err
    assert demi("fuzz", "toy.py", "-n", 1, DEMI_SOMETHING_ELSE="5").code == 0
    assert "DEMI_RUNS" in demi("fuzz", "toy.py", DEMI_RUNS="five").err

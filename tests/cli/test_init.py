"""`demi init`: each skeleton works as written, can fail, and can be repaired; nothing is overwritten."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from demi.cli.init import KINDS

from .conftest import Demi, in_folder

INSTALLED = Path(sys.executable).with_name("demi")
NEEDS = {"openflow": "os_ken"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Demi:
    """The installed command in place of `python -m demi`."""
    made = in_folder(tmp_path)
    monkeypatch.setattr(made, "argv", lambda *words: [str(INSTALLED), *map(str, words)])
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_each_skeleton_finds_its_bug_and_is_clean_when_repaired(installed: Demi, kind: str) -> None:
    if importlib.util.find_spec(NEEDS.get(kind, "demi")) is None:
        pytest.skip(f"needs {NEEDS[kind]}")
    written = installed("init", kind, "mine.py")
    assert written.code == 0, written.text
    assert max(map(len, written.text.splitlines())) <= 80
    broken, repaired, looked_at = written.next
    for word in (broken, repaired, looked_at):
        assert word.startswith("demi ")
    found = installed(*broken.split()[1:], "--seed", 1, "--no-minimize")
    assert found.code == 1, found.text
    assert "VIOLATED" in found.out
    clean = installed(*repaired.split()[1:], "--seed", 1, "-n", 20)
    assert clean.code == 0, clean.text


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_says_how_to_run_it(demi: Demi, kind: str) -> None:
    assert demi.here("init", kind).code == 0
    text = (demi.folder / f"my_{kind}.py").read_text()
    assert f"demi fuzz my_{kind}.py" in text
    assert f"--set {KINDS[kind]}=true" in text
    assert "{{" not in text
    assert max(map(len, text.splitlines())) <= 88


def test_nothing_is_overwritten(demi: Demi) -> None:
    demi.write("mine_program.py", "precious")
    done = demi.here("init", "threads", "mine.py")
    assert done.code == 2
    assert "mine_program.py exists" in done.err
    assert not (demi.folder / "mine.py").exists()
    assert (demi.folder / "mine_program.py").read_text() == "precious"


def test_a_file_alone_is_an_actor(demi: Demi) -> None:
    done = demi("init", "mine.py", "--json")
    assert done.code == 0
    assert done.last("summary")["files"] == ["mine.py"]
    assert "ActorWorld" in (demi.folder / "mine.py").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["actr"], "did you mean 'actor'?"),
        (["actor", "my-own.py"], "for example my_own.py"),
        (["actor", "2nd"], "for example my_2nd.py"),
        (["actor", "nowhere/mine.py"], "cannot write nowhere/mine.py"),
    ],
)
def test_faults(demi: Demi, words: list[str], said: str) -> None:
    done = demi.here("init", *words)
    assert done.code == 2
    assert said in done.err
    assert "demi init --help" in done.err

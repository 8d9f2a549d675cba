"""Running `demi` as its users do: in a process of its own, in an empty folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demi.cli.main import perform

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT = 120  # seconds; a hang is a failure with a name
ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("DEMI_")},
    "COLUMNS": "80",
    "PYTHONPATH": str(ROOT),
}


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it said."""
        return self.out + self.err

    @property
    def json(self) -> list[dict[str, Any]]:
        """The NDJSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    def last(self, kind: str) -> dict[str, Any]:
        """The last NDJSON line of a type."""
        return next(one for one in reversed(self.json) if one["type"] == kind)

    @property
    def next(self) -> list[str]:
        """The commands to paste next."""
        rows = self.text.split("\nnext ", 1)[-1].replace("\\\n", "").splitlines()
        return [" ".join(row.split()) for row in rows if row.strip().startswith("demi ")]


class Demi:
    """`demi(*words)` in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.toy = str(folder / "toy.py")

    def __call__(self, *words: object, **environment: str) -> Done:
        done = subprocess.run(
            self.argv(*words),
            cwd=self.folder,
            env={**ENVIRONMENT, **environment},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        said = done.stdout + done.stderr
        assert "Traceback (most recent call last)" not in said, said
        return Done(done.returncode, done.stdout, done.stderr)

    def here(self, *words: object) -> Done:
        """The same in this process: quicker, for what ends before any run."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = perform([str(word) for word in words])
        return Done(code, out.getvalue(), err.getvalue())

    def argv(self, *words: object) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "demi", *map(str, words)]

    def traces(self, folder: str = "traces") -> list[Path]:
        """The trace files in a folder."""
        return sorted((self.folder / folder).glob("*.jsonl"))

    def write(self, name: str, text: str) -> str:
        """A file in the folder; returns its name."""
        (self.folder / name).write_text(text, "utf-8")
        return name


def in_folder(folder: Path) -> Demi:
    """`demi` in a folder that holds the toy target as toy.py."""
    (folder / "toy.py").write_bytes((HERE / "toy.py").read_bytes())
    return Demi(folder)


@pytest.fixture
def demi(tmp_path: Path) -> Demi:
    """`demi` in an otherwise empty folder."""
    return in_folder(tmp_path)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A violating trace of the toy, not minimized: recorded once."""
    demi = in_folder(tmp_path_factory.mktemp("original"))
    done = demi("fuzz", "toy.py", "--bug", "forgetful", "--seed", 1, "-j", 1, "--no-minimize")
    assert done.code == 1, done.text
    return demi.traces()[0]


@pytest.fixture
def recorded(demi: Demi, original: Path) -> Path:
    """That trace in the folder of the test."""
    copy = demi.folder / original.name
    copy.write_bytes(original.read_bytes())
    return copy


Edit = Callable[[list[str]], list[str]]


def edited(path: Path, name: str, edit: Edit) -> Path:
    """A copy of a trace with its lines changed."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    copy = path.with_name(name)
    copy.write_text("".join(edit(lines)), "utf-8")
    return copy

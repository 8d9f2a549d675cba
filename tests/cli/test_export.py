"""`demi export` as a command: where the text goes, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from demi.export import FORMATS

from .conftest import ROOT, Demi

RAFT = ROOT / "traces" / "raft"


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_to_a_file_and_to_stdout(demi: Demi, recorded: Path, form: str) -> None:
    printed = demi.here("export", recorded.name, "--to", form)
    assert (printed.code, printed.err) == (0, "")
    saved = demi.here("export", recorded.name, "--to", form, "-o", "deep/out")
    assert (saved.code, saved.out) == (0, "saved     deep/out\n")
    text = (demi.folder / "deep/out").read_text("utf-8")
    assert text == printed.out
    machine = demi.here("--json", "export", recorded.name, "--to", form).last("export")
    assert machine["text"] == text
    assert machine["format"] == form


def test_the_original_beside_a_minimized_trace_is_found(demi: Demi) -> None:
    for name in ("raft-45.jsonl.gz", "raft-45.min.jsonl", "raft-42.jsonl.gz"):
        shutil.copy(RAFT / name, demi.folder)
    both = demi.here("export", "raft-45.min.jsonl", "--to", "shiviz").out
    assert "=== original ===" in both
    named = ("export", "raft-45.min.jsonl", "--to", "shiviz", "--original")
    assert demi.here(*named, "raft-45.jsonl.gz").out == both
    wrong = demi.here(*named, "raft-42.jsonl.gz")
    assert wrong.code == 2
    assert "was not minimized from it" in wrong.err
    (demi.folder / "raft-45.jsonl.gz").write_bytes(b"no trace\n")
    assert "=== original ===" not in demi.here("export", "raft-45.min.jsonl", "--to", "shiviz").out


def test_the_trace_itself_is_never_overwritten(demi: Demi, recorded: Path) -> None:
    before = recorded.read_bytes()
    done = demi.here("export", recorded.name, "--to", "text", "-o", f"./{recorded.name}")
    assert done.code == 2
    assert "would overwrite the trace" in done.err
    assert recorded.read_bytes() == before


def test_a_place_that_cannot_be_written_is_named(demi: Demi, recorded: Path) -> None:
    (demi.folder / "file").write_text("", "utf-8")
    done = demi.here("export", recorded.name, "--to", "text", "-o", "file/out")
    assert done.code == 2
    assert "cannot write" in done.err
    assert "file/out" in done.err


def test_an_unknown_format_and_a_missing_trace_are_refused(demi: Demi, recorded: Path) -> None:
    assert "did you mean 'mermaid'" in demi.here("export", recorded.name, "--to", "mermaids").err
    assert demi.here("export", "gone.jsonl", "--to", "dot").code == 2

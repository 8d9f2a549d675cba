"""`demi replay --watch`: the values of fields as a run goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Demi

RAFT = ROOT / "traces/raft/raft-45.min.jsonl"


def test_a_field_is_told_at_the_start_and_whenever_it_changes(demi: Demi) -> None:
    done = demi.here("--json", "replay", RAFT, "--watch", "n1.role", "--watch", "n2.role")
    told = [(one["node"], one["value"]) for one in done.json if one["type"] == "watch"]
    assert done.code == 1
    for node in ("n1", "n2"):
        own = [value for name, value in told if name == node]
        assert own[:1] == ["init"]
        assert own[-2:] == ["candidate", "leader"]
    steps = [one["step"] for one in done.json if one["type"] == "watch"]
    assert steps == sorted(steps)


def test_until_ends_the_watch_as_well(demi: Demi, recorded: Path) -> None:
    words = ("--target", "toy.py", "--watch", "server.holder")
    whole = demi.here("replay", recorded.name, *words).out
    assert "\nwatch          " in "\n" + whole
    assert "server.holder = " in whole
    short = demi.here("replay", recorded.name, *words, "--until", 1).out
    assert short.count("server.holder") < whole.count("server.holder")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--watch", "n1.rolle"), "did you mean 'n1.role'"),
        (("--watch", "role"), "the trace shows no 'role'"),
        (("--watch", "n1.role", "--lenient"), "--watch needs a strict replay"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    demi: Demi, words: tuple[str, ...], expected: str
) -> None:
    done = demi.here("replay", RAFT, *words)
    assert done.code == 2
    assert expected in done.err

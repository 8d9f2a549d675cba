"""Programs of the kinds users have run on the stand-ins and compute what they should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demi.events import External, Kind
from demi.interpose.threads.program import Program
from demi.interpose.threads.world import ThreadsWorld

PROGRAMS = Path(__file__).with_name("programs.py")
STEPS = 200  # a server goes on polling for ever
RESULTS: dict[str, list[Any]] = {
    "pool": [[0, 1, 4, 9, 16, 25]],
    "futures": [[0, 1, 4, 9, 16], [1, 2, 3], "late"],
    "tools": [True, False, ["timer", "a", "b"], False, True, False],
    "tcp": ["HELLO\n", "down"],
    "rpc": [5],
    "udp": [b"x", "late"],
    "web": [b"0", b"1", 404, "ConnectionRefusedError", "gaierror"],
    "aio": [5],
    "prints": ["written"],
    "local": [
        "import", (False, "fresh"), ("main", "fresh", True), ("other", "other", ["word"]), False,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_a_program_computes_what_it_should(name: str) -> None:
    world, _ = run(name)
    assert world.observe().state(0) == RESULTS[name]
    world.reset(0)
    _walk(world)
    assert world.observe().state(0) == RESULTS[name], "another run"
    world.close()


def run(name: str) -> tuple[ThreadsWorld, list[str]]:
    world = ThreadsWorld(
        {"n1": Program(f"{PROGRAMS}:{name}")},
        observe=lambda threads, modules: list(modules["programs"].OUT),
    )
    return world, _walk(world)


def _walk(world: ThreadsWorld) -> list[str]:
    lines: list[str] = []
    for _ in range(STEPS):
        enabled = world.enabled()
        if not enabled:
            break
        step = world.take(enabled[0])
        assert step.failure is None
        lines += step.log
    return lines


def test_what_is_printed_is_in_the_run_and_nowhere_else(capfd: pytest.CaptureFixture[str]) -> None:
    world, lines = run("prints")
    world.close()
    assert lines == ["stdout: to stdout", "stderr: one", "stderr: two", "stdout: bytes"]
    assert capfd.readouterr() == ("", "")


def test_http_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "examples")
    import http_counter  # type: ignore[import-not-found, unused-ignore]

    world = http_counter.make({"checked": False})
    (add,) = world.offer((External(Kind.INJECT, ("client",), "add"),))
    labels, shown = [], []
    world.take(add)
    for _ in range(30):
        event = world.enabled()[0]
        world.take(event)
        if event[0] == int(Kind.DELIVER):
            labels.append(world.label(event))
            shown.append(world.payload(event))
    assert [label for label in labels if "/" in label] == [
        "GET /", "200 GET /", "PUT /", "200 PUT /",
    ]  # fmt: skip
    assert shown[labels.index("200 PUT /")] == {"status": 200, "body": {"count": 1}}
    world.close()

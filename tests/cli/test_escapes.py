"""What a program reaches of the real machine: refused with its place, or allowed and told."""

from __future__ import annotations

from .conftest import Demi

TARGET = """
import asyncio
import subprocess

from demi.events import External, Kind
from demi.interpose.aio import AsyncioWorld, Service
from demi.oracle import Detail, StateInvariant
from demi.target import Choice, Profile, Target


async def serve(host):
    host.state = 0
    await asyncio.start_server(lambda reader, writer: None, "0.0.0.0", 7)


async def go(host, args):
    host.state += 1
    _, writer = await asyncio.open_connection("b", 7)
    writer.write(b"x")
    if host.state == 3:
        escapes()


def escapes():
    subprocess.run(["true"])


def one(view):
    return Detail(("b",), "one") if (view.state(0), view.state(1)) == (0, 1) else None


TARGET = Target(
    name="escaping",
    doc="",
    make=lambda config: AsyncioWorld({"a": Service(serve), "b": Service(serve)}, inputs={"go": go}),
    invariants=lambda config: [StateInvariant("One", "", one)] if config["judged"] else [],
    profile=lambda config: Profile(
        choices=(Choice("go", 1.0, lambda draw, names, i: [External(Kind.INJECT, (names[draw(2)],), "go")]),),
        items=(1, 5),
    ),
    defaults={"judged": False},
)
"""


def test_an_escape_is_refused_or_allowed_and_told(demi: Demi) -> None:
    target = demi.write("escaping.py", TARGET)
    hunt = ("fuzz", target, "-n", 60, "--seed", 1)
    refused = demi(*hunt)
    assert refused.code == 2
    said = " ".join(refused.err.split())
    assert "24 runs of 60 ended in: a real subprocess escaped: subprocess.Popen true" in said
    assert "demi_target_escaping.escapes:" in refused.err
    assert "--allow-escape subprocess" in said
    assert "not found in 60 runs" in refused.out
    told = []
    for workers in (1, 2):
        done = demi(*hunt, "-j", workers, "--allow-escape", "subprocess", "--json")
        assert done.code == 0, done.text
        told.append([one["text"] for one in done.json if one["type"] == "note"])
    assert told[0] == told[1]
    assert "a real subprocess, allowed: subprocess.Popen true at demi_target_escaping" in told[0][0]
    assert "port 7 has no known framing" in told[0][1]


def test_an_escape_loses_nothing_that_was_found_before_or_after_it(demi: Demi) -> None:
    target = demi.write("escaping.py", TARGET)
    done = demi(
        "fuzz", target, "-n", 200, "--seed", 1, "--set", "judged=true", "--keep-going", 200,
        "--no-minimize",
    )  # fmt: skip
    assert done.code == 1
    assert "VIOLATED One" in done.out
    assert len(demi.traces()) > 50
    assert "a real subprocess escaped" in done.err


STUBBORN = """
    if host.state == 3:
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
"""


def test_a_program_that_catches_what_stops_it_ends_its_worker(demi: Demi) -> None:
    text = TARGET.replace("\n    if host.state == 3:\n        escapes()\n", STUBBORN)
    text = text.replace('inputs={"go": go})', 'inputs={"go": go}, step_seconds=0.1)')
    target = demi.write("stubborn.py", text)
    done = demi("fuzz", target, "-n", 60, "--seed", 1, "-j", 2)
    assert done.code == 2
    assert "demi_target_stubborn.go:" in done.err
    assert "except BaseException must raise again" in done.err
    assert "a worker process died" in done.err


def test_an_unknown_kind_is_refused(demi: Demi) -> None:
    done = demi.here("targets", "--allow-escape", "sockets")
    assert done.code == 2
    assert "known: socket, subprocess, thread, file" in done.err

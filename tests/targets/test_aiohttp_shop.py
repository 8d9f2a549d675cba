"""The shop of aiohttp services: found, minimized, replayed in other processes, and clean when fixed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from demi.events import Event, External, Kind, number
from demi.fuzz.hunt import Plan, hunt, record_run
from demi.scheduler.execute import Subject
from demi.target import configure
from demi.trace_codec import encode
from targets.aiohttp_shop import TARGET

pytest.importorskip("aiohttp")

BUYS = number(External(Kind.INJECT, ("buyers",), "buy", {"order": f"o{i}"}) for i in (1, 2))
SPEC = "targets.aiohttp_shop:TARGET"
DEMI = [sys.executable, "-m", "demi"]
FAIL_AFTER = External(Kind.INJECT, ("shop", "payment"), "fail_after")


@pytest.fixture
def subjects() -> Iterator[list[Subject]]:
    made: list[Subject] = []
    yield made
    for subject in made:
        subject.world.close()


def subject_of(subjects: list[Subject], variant: str) -> Subject:
    made = Subject(TARGET, configure(TARGET, settings={"variant": variant}))
    subjects.append(made)
    return made


def named(subject: Subject, event: Event) -> str:
    world = subject.world
    return f"{world.names[event[2]]}>{world.names[event[1]]}:{world.label(event)}"


def drive(subject: Subject, externals: Sequence[External], first: Sequence[str]) -> list[str]:
    """Take what `first` names, in order, then whatever is enabled; returns what was taken."""
    world, wanted, taken = subject.world, list(first), []
    world.reset(1)
    world.offer(externals)
    while events := world.enabled():
        event = events[0]
        if wanted:
            found = [e for e in events if e[0] == Kind.DELIVER and named(subject, e) == wanted[0]]
            inputs = [
                e for e in events if e[0] == Kind.INJECT and world.external(e).id == wanted[0]
            ]
            if found or inputs:
                event = [*found, *inputs][0]
                del wanted[0]
        if event[0] == Kind.DELIVER:
            taken.append(named(subject, event))
        world.take(event)
    assert not wanted
    return taken


def seen(subject: Subject, host: str) -> object:
    view = subject.world.observe()
    return view.state(view.names.index(host))


def test_one_buyer_is_served_in_eight_messages(subjects: list[Subject]) -> None:
    subject = subject_of(subjects, "oversell")
    assert drive(subject, BUYS[:1], []) == [
        "buyers>shop:POST /buy",
        "shop>stock:GET /left",
        "stock>shop:200 GET /left",
        "shop>payment:POST /charge",
        "payment>shop:200 POST /charge",
        "shop>stock:POST /take",
        "stock>shop:200 POST /take",
        "shop>buyers:200 POST /buy",
        "buyers>shop:closed",
    ]
    assert seen(subject, "stock") == (0, 1, 1)


def hunted(folder: Path, *words: str) -> Path:
    """The minimal trace of a hunt by the command."""
    ran = subprocess.run(
        [*DEMI, "fuzz", SPEC, "--minimize", "--seed", "7", *words],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "VIOLATED NoOversell" in ran.stdout
    assert "Exception" not in ran.stderr
    [minimal] = (folder / "traces").glob("*.min.jsonl")
    lines = [json.loads(line) for line in minimal.read_text().splitlines()[1:-1]]
    ids = [line["id"] for line in lines]
    assert len([one for one in ids if one.startswith("ext:buy")]) == 2
    assert len(ids) == 14  # two requests, and what they need to reach the stock
    return minimal


def test_the_oversell_is_found_shrunk_replayed_and_read_by_the_command(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.demi]\nmax_replays = 120\n")
    minimal = hunted(tmp_path)
    again = subprocess.run(
        [*DEMI, "replay", str(minimal), "--target", SPEC], capture_output=True, text=True, check=False,
        cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": "5"},
    )  # fmt: skip
    assert again.returncode == 1, again.stdout + again.stderr
    tree = subprocess.run(
        [*DEMI, "view", str(minimal), "--calls"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split("  ")[-1] for line in tree].count("VIOLATED") == 1
    assert len([line for line in tree if "POST /take  shop → stock" in line]) == 2


@pytest.mark.slow
def test_the_oversell_cannot_be_shrunk_further(tmp_path: Path) -> None:
    hunted(tmp_path)


def test_a_lost_answer_is_charged_twice_and_once_with_a_key(subjects: list[Subject]) -> None:
    order = ["ext:buy(buyers)#1", "ext:fail_after(shop,payment)#1"]
    for variant, charged in (("double-charge", ("o1", "o1")), ("fixed", ("o1",))):
        subject = subject_of(subjects, variant)
        taken = drive(subject, [BUYS[0], FAIL_AFTER], order)
        assert taken.count("shop>payment:POST /charge") == 2
        assert "payment>shop:504 POST /charge" in taken
        assert seen(subject, "payment") == (charged,)
        assert seen(subject, "stock") == (0, 1, 1)


@pytest.mark.parametrize(
    ("fault", "charges", "answer"),
    [
        ("fail_before", ("o1",), "payment>shop:503 POST /charge"),
        ("duplicate", ("o1", "o1"), "payment>shop:200 POST /charge"),
        ("refuse", ("o1",), "payment>shop:reset"),
        ("delay", ("o1",), "payment>shop:200 POST /charge"),
    ],
)
def test_service_faults(subjects: list[Subject], fault: str, charges: object, answer: str) -> None:
    subject = subject_of(subjects, "double-charge")
    kind = Kind.DUPLICATE if fault == "duplicate" else Kind.INJECT
    args = {"seconds": 2.0} if fault == "delay" else None
    label = "" if fault == "duplicate" else fault
    external = External(kind, ("shop", "payment"), label, args)
    order = ["ext:buy(buyers)#1", external.id]
    world, wanted = subject.world, order
    world.reset(3)
    world.offer([BUYS[0], external])
    taken = []
    while events := world.enabled():
        outside = [e for e in events if e[0] >= Kind.START and world.external(e).id == wanted[0]]
        event = outside[0] if outside else events[0]
        wanted = wanted[1:] or [""] if outside else wanted
        if event[0] == Kind.DELIVER:
            taken.append(named(subject, event))
        world.take(event)
    assert wanted == [""]
    assert answer in taken
    assert seen(subject, "payment") == (charges,)
    assert seen(subject, "shop") == (("o1",),)


def test_the_fixed_form_is_clean_and_the_racy_one_is_not(subjects: list[Subject]) -> None:
    def broken(variant: str) -> int:
        subject = subject_of(subjects, variant)
        plan = Plan(TARGET.profile(subject.config), "random", seed=11, steps=400)
        return sum(o.violation is not None for _, o in hunt(subject, plan, iter(range(40))))

    assert broken("fixed") == 0
    assert broken("oversell") > 10
    assert broken("double-charge") > 0


def test_a_trace_is_a_call_tree(subjects: list[Subject]) -> None:
    subject = subject_of(subjects, "oversell")
    plan = Plan(TARGET.profile(subject.config), "fifo", seed=2)
    number_ = next(n for n, o in hunt(subject, plan, iter(range(50))) if o.violation is not None)
    trace = record_run(subject, plan, number_)
    calls = {
        e.id: e.msg["call"] for e in trace.entries if isinstance(e.msg, dict) and "call" in e.msg
    }
    assert calls["buyers>shop:POST /buy#1"] == "buyers/1"
    assert calls["shop>stock:GET /left#1"] == "buyers/1/1"
    assert calls["shop>payment:POST /charge#1"].endswith("/2")
    assert calls["payment>shop:200 POST /charge#1"] == calls["shop>payment:POST /charge#1"]
    assert encode(trace)

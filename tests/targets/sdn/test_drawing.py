"""The drawing of a network where it broke: golden text, ASCII, and no more than 80 columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demi.events import External, Kind
from demi.render.lanes import render
from demi.target import configure
from demi.trace import Footer, Header, Trace
from demi.verdict import Detail, Verdict, Violation
from targets.sdn import TARGET
from targets.sdn.drawing import KEY, draw
from targets.sdn.network.topology import find_topology
from targets.sdn.openflow import messages
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import FlowMod, encode_flow_mod
from targets.sdn.openflow.oxm import make_match
from targets.sdn.world import NetworkWorld
from tests.targets.sdn.toy_controller import Toy


def world(topology: str) -> NetworkWorld:
    made = NetworkWorld(find_topology(topology), [Toy()])
    made.reset(1)
    return made


def entry(made: NetworkWorld, switch: str, mac: int, port: int) -> None:
    todo = Instructions((("output", port, 0xFFFF),))
    mod = FlowMod(messages.ADD, 0, 1, make_match(eth_dst=mac), todo)
    it = made.switch(switch)
    assert it is not None
    it.message(encode_flow_mod(mod), 0, 0.0)


def take(made: NetworkWorld, *externals: External) -> None:
    for external in externals:
        made.take(made.offer((external,))[0])


def drawn(made: NetworkWorld, invariant: str) -> list[str]:
    config = configure(TARGET, "none", {"topology": made.topology.name})
    return draw(config, made, Violation(invariant, Detail((), "wrong"), 0))


def test_a_black_hole_on_a_line() -> None:
    made = world("line:3")
    for switch, port in (("s1", 2), ("s2", 3), ("s3", 1)):
        entry(made, switch, 3, port)
    entry(made, "s2", 1, 2)
    entry(made, "s1", 1, 1)
    take(made, External(Kind.CUT, ("s2", "s3")))
    assert drawn(made, "BlackHole") == [
        "network  s1 ─ s2 ╳ s3",
        "hosts    h1 s1:1  h2 s2:1  h3 s3:1",
        "way      h1 ─▶ s1 ─▶ s2 ─✖ down 3   (h1 > h3)",
        "reaches  h1  h2  h3",
        "     h1      ?   ✖",
        "     h2  ●       ✖",
        "     h3  ?   ?",
        KEY,
    ]


def test_a_loop_on_a_ring() -> None:
    made = world("ring:3")
    for switch, port in (("s1", 2), ("s2", 3), ("s3", 2)):  # towards the next, for ever
        entry(made, switch, 1, port)
    lines = drawn(made, "ForwardingLoop")
    assert lines[:3] == [
        "network  s1 ─ s2 ─ s3 ─ s1",
        "hosts    h1 s1:1  h2 s2:1  h3 s3:1",
        "way      h2 ─▶ s2 ─▶ s3 ─▶ s1 ─▶ s2 ↻   (h2 > h1)",
    ]
    assert lines[3:] == [
        "reaches  h1  h2  h3", "     h1      ?   ?", "     h2  ↻       ?", "     h3  ↻   ?", KEY,
    ]  # fmt: skip


def test_a_switch_that_is_down_and_its_host() -> None:
    made = world("line:3")
    take(made, External(Kind.CRASH, ("s2",)))
    lines = drawn(made, "crash")
    assert lines[0] == "network  s1 ─ (s2) ─ s3"
    assert lines[2:4] == ["reaches  h1  h2  h3", "     h1      ?   ?"]
    assert lines[4] == "     h2  ·       ·"


@pytest.mark.parametrize("topology", ["fattree:4", "fattree:6", "mesh:9", "line:40", "line:1"])
def test_large_networks_stay_small(topology: str) -> None:
    made = world(topology)
    lines = drawn(made, "BlackHole")
    assert len(lines) <= 25
    assert all(len(line) <= 76 for line in lines)


def shown(drawing: object, ascii_only: bool = False) -> str:
    header = Header("sdn", {}, ("h1",), "fifo", False, "ordered", "random", 1, "", "0", "", "", {})
    violation = Violation("BlackHole", Detail((), "wrong"), 0)
    footer = Footer(Verdict.VIOLATED, "violation", 0, violation, {"drawing": drawing})
    return "\n".join(render(Trace(header, (), footer), 80, ascii=ascii_only))


def test_the_view_shows_it_in_ascii_too() -> None:
    made = world("line:3")
    entry(made, "s1", 3, 9)
    lines = drawn(made, "BlackHole")
    text = shown(lines)
    assert all("  " + line in text.splitlines() for line in lines)
    plain = shown(lines, ascii_only=True)
    assert plain.isascii()
    assert "  network  s1 - s2 - s3" in plain.splitlines()
    assert "  way      h1 -> s1 -x no port 9   (h1 > h3)" in plain.replace("X", "x").splitlines()


@pytest.mark.parametrize(
    "drawing", ["text", {"a": 1}, 7, [], [1, None], ["x" * 500], ["\x1b[31m"], ["y"] * 999]
)
def test_a_strangers_drawing_is_cut_or_left_out(drawing: object) -> None:
    text = shown(drawing)
    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert len(text.splitlines()) < 60


def test_long_names_have_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    names = [f"machine_{letter}" for letter in "abcdefghijklmnop"]
    path.write_text(json.dumps({"hosts": dict.fromkeys(names, "s1")}))
    made = world(str(path))
    entry(made, "s1", 2, 99)
    lines = drawn(made, "BlackHole")
    assert all(len(line) <= 76 for line in lines)
    (head,) = [line for line in lines if line.startswith("reaches")]
    assert head.split() == ["reaches", *["machin…"] * 8]
    assert shown(lines, ascii_only=True).isascii()

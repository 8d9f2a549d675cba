"""The minimizer's own steps for networks: fewer hosts, links and switches; fewer and shorter waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demi.errors import TargetError
from demi.events import External, Kind, number
from demi.fuzz.hunt import Plan, one_run, record_run
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import configure
from targets.sdn import TARGET
from targets.sdn.network.topology import find_topology, without
from targets.sdn.smaller import parts, simpler


def test_a_topology_without_parts_keeps_its_ports() -> None:
    whole = find_topology("line:3")
    less = without(whole, ["s1", "h2"])
    assert (less.switches, less.hosts) == (("s2", "s3"), ("h3",))
    assert less.links == (("s2", 3, "s3", 2),)
    assert less.name == "line:3 only h3,s2,s3,s2-s3"
    assert find_topology(less.name) == less
    one = without(whole, ["h2"])
    assert one.name == "line:3 without h2" and find_topology(one.name) == one
    again = without(less, ["h3"])
    assert again.name == "line:3 only s2,s3,s2-s3" and find_topology(again.name) == again


@given(st.sampled_from(["line:4", "ring:3", "mesh:3", "fattree:2"]), st.data())
def test_every_part_may_go_and_the_name_says_what_is_left(name: str, data: st.DataObject) -> None:
    whole = find_topology(name)
    gone = data.draw(st.lists(st.sampled_from(whole.parts()), unique=True))
    try:
        less = without(whole, gone)
    except TargetError:
        assert not set(whole.switches) - set(gone)
        return
    assert find_topology(less.name) == less
    assert not set(less.parts()) & set(gone)
    assert {where for where, _ in less.at.values()} <= set(less.switches)


@pytest.mark.parametrize("text", ["line:3 without s9", "line:2 only h1", "lime:3 without h1"])
def test_a_part_that_is_not_there_is_named(text: str) -> None:
    with pytest.raises(TargetError, match=r"has no 's9'|is no network|no topology"):
        find_topology(text)


def test_policy_and_inputs_follow_the_topology() -> None:
    rules = '{"isolate": [["h1", "h3"]], "waypoint": [["h1", "h2", "s3"], ["h2", "h1", "s1"]]}'
    config = configure(TARGET, "none", {"policy": rules, "inputs": "send:6 migrate:1 cut:1"})
    less = parts(config).without(["s3"])
    assert less["policy"] == '{"isolate": [], "waypoint": [["h2", "h1", "s1"]]}'
    assert less["inputs"] == "send:6 migrate:1 cut:1"
    lone = parts(config).without(["s2", "s3"])
    assert lone["inputs"] == ""
    TARGET.invariants(lone)


def wait(seconds: float) -> External:
    return External(Kind.INJECT, ("c1",), "wait", {"seconds": seconds})


SEND = External(Kind.INJECT, ("h1",), "send", {"to": "h2"})


@given(st.lists(st.integers(1, 40).map(wait) | st.just(SEND), max_size=8))
def test_simpler_inputs_come_to_an_end(inputs: list[External]) -> None:
    def measure(some: list[External]) -> tuple[float, int]:
        waits = [one.args["seconds"] for one in some if one.label == "wait"]
        return sum(waits), len(waits)

    current = list(number(inputs))
    while (candidate := next(simpler(current), None)) is not None:
        total, count = measure(current)
        less, fewer = measure(candidate)
        assert (less, fewer) < (total, count)
        assert [one for one in candidate if one.label != "wait"] == [
            one for one in current if one.label != "wait"
        ]
        current = candidate
    assert all(one.args["seconds"] == 1 for one in current if one.label == "wait")


def shrunk(
    settings: dict[str, object], wanted: str, bug: str = "none"
) -> tuple[dict, list[External]]:
    """Topology and inputs of the first run that shows it, minimized and replayed."""
    config = configure(TARGET, bug, settings)
    subject = Subject(TARGET, config)
    plan = Plan(TARGET.profile(config), "random", seed=1, steps=3000, wanted=wanted)
    found = next(n for n in range(30) if one_run(subject, plan, n).violation is not None)
    small = minimize(subject, record_run(subject, plan, found)).trace
    subject.world.close()
    again = Subject(TARGET, dict(small.header.config))
    assert replay(again, small).divergence is None
    assert tuple(again.world.names) == small.header.nodes
    again.world.close()
    return small.header.config, [e.external() for e in small.entries if e.is_external]


def test_a_network_shrinks_to_what_its_bug_needs() -> None:
    pytest.importorskip("os_ken", reason="os-ken is an extra")
    config, inputs = shrunk({"topology": "line:4", "count": 12}, "crash", "null-pointer")
    assert len(find_topology(config["topology"]).switches) <= 2
    assert len(find_topology(config["topology"]).hosts) <= 1
    assert [one.kind for one in inputs] == [Kind.CRASH]
    assert config["inputs"] == "down:1"


def test_waits_become_one_of_the_least_time() -> None:
    pytest.importorskip("os_ken", reason="os-ken is an extra")
    settings = {
        "app": "discovery", "inputs": "wait:1", "count": 6, "probes": 5.0, "topology": "line:2",
        "policy": '{"reach": []}',
    }  # fmt: skip
    config, inputs = shrunk(settings, "Discovery")
    (one,) = inputs
    assert (one.label, one.args) == ("wait", {"seconds": 6})
    assert config["topology"] == "line:2 without h1,h2"


def test_a_run_is_judged_after_its_inputs_and_shrunk_as_if_from_the_start() -> None:
    pytest.importorskip("os_ken", reason="os-ken is an extra")
    config = configure(TARGET, "R1")
    subject = Subject(TARGET, config)
    plan = Plan(TARGET.profile(config), "random", seed=1, steps=6000, wanted="BlackHole")
    number = next(n for n in range(20) if one_run(subject, plan, n).violation is not None)
    original = record_run(subject, plan, number)
    assert original.externals == config["after"] == 60
    small = minimize(subject, original).trace
    assert small.externals == 3
    assert small.header.config["after"] == 0
    assert replay(Subject(TARGET, dict(small.header.config)), small).divergence is None
    subject.world.close()

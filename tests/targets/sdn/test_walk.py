"""The walk over header classes: the same answers as the plain definition, before and after changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.sdn.check.classes import traffic_between
from targets.sdn.check.fates import Fates
from targets.sdn.check.invariants import QUESTIONS
from targets.sdn.check.policy import Policy
from targets.sdn.check.walk import End, Fate, Walker
from targets.sdn.network.topology import find_topology
from targets.sdn.network.wiring import Host, Wiring
from targets.sdn.openflow import messages, oxm
from targets.sdn.openflow.actions import Action, Instructions
from targets.sdn.openflow.messages import Bucket, FlowMod, GroupMod
from targets.sdn.openflow.oxm import Headers, make_match
from targets.sdn.openflow.wire import Port


def by_definition(wiring: Wiring, src: Host, dst: Host) -> Fate:
    """Whole headers, depth first, nothing remembered."""
    ends: set[End] = set()
    path: dict[str, None] = {}
    done: set[tuple[str, Headers]] = set()

    def visit(name: str, headers: Headers, above: tuple[tuple[str, Headers], ...]) -> None:
        key = (name, headers)
        if key in above:
            ends.add(End("loop", name))
        if key in above or key in done:
            return
        path[name] = None
        switch = wiring.switches[name]
        assert switch is not None
        result = switch.forwarding.process(headers)
        ends.update(End("controller", name) for _ in result.controller)
        for why in result.lost:
            ends.add(End("drop", name) if why == "drop" else End("lost", name, why))
        for out in result.outputs:
            end = wiring.far_end((name, out.port))
            if isinstance(end, Host):
                ends.add(End("delivered", end.name))
            elif end is None:
                ends.add(End("lost", name, f"down {out.port}"))
            else:
                visit(end[0], (end[1], 0, *out.headers[2:]), (*above, key))
        done.add(key)

    visit(src.at[0], (src.at[1], 0, *traffic_between(src.ends, dst.ends)[2:]), ())
    return Fate(tuple(sorted(ends)), tuple(path))


def change(wiring: Wiring, draw: random.Random) -> None:
    """One entry, group or cable is another one now."""
    name = draw.choice(list(wiring.switches))
    switch = wiring.switches[name]
    assert switch is not None
    ports = [*switch.forwarding.ports, int(Port.FLOOD), int(Port.CONTROLLER), int(Port.IN_PORT)]
    if draw.random() < 0.1:
        a, _, b, _ = draw.choice(wiring.topology.links)
        wiring.cut ^= {(a, b)}
        list(wiring.update())
        return
    if draw.random() < 0.2:
        buckets = tuple(Bucket((("output", draw.choice(ports), 0),), 1) for _ in range(2))
        group = messages.encode_group_mod(GroupMod(0, draw.randrange(2), 1, buckets))
        switch.message(group, 0, 0.0)
        return
    wanted: dict[str, int | tuple[int, int]] = {}
    if draw.random() < 0.6:
        wanted["eth_dst"] = draw.randrange(1, 4)
    if draw.random() < 0.3:
        wanted["in_port"] = draw.choice(list(switch.forwarding.ports))
    if draw.random() < 0.3:
        wanted |= {"eth_type": 0x0800, "ipv4_src": (draw.randrange(4), draw.randrange(4))}
    if draw.random() < 0.2:
        wanted["vlan_vid"] = draw.choice([0, 0x1005])
    actions: list[Action] = []
    if draw.random() < 0.2:
        actions.append(("set", oxm.ETH_DST, draw.randrange(1, 4)))
    if draw.random() < 0.15:
        actions += [("push_vlan", 0x8100), ("set", oxm.VLAN_VID, 0x1005)]
    if draw.random() < 0.15:
        actions.append(("pop_vlan",))
    if draw.random() < 0.2:
        actions.append(("group", 1))
    if draw.random() < 0.8:
        actions.append(("output", draw.choice(ports), 0))
    command = messages.DELETE if draw.random() < 0.2 else messages.ADD
    goto = draw.choice([-1, -1, 1])
    table = 0 if draw.random() < 0.8 else 1
    todo = Instructions(tuple(actions), goto=goto if table == 0 else -1)
    mod = FlowMod(command, table, draw.randrange(3), make_match(**wanted), todo)
    switch.message(messages.encode_flow_mod(mod), 0, 0.0)


@given(st.sampled_from(["line:3", "ring:3", "mesh:3"]), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_remembered_fates_are_those_by_definition(name: str, seed: int) -> None:
    draw = random.Random(seed)
    wiring = Wiring(find_topology(name))
    walker, fates = Walker(wiring), Fates(Policy(), QUESTIONS)
    for _ in range(25):
        change(wiring, draw)
        walker.refresh()
        fates.update(wiring)
        for pair, known in zip(fates.pairs, fates.fates, strict=True):
            wanted = by_definition(wiring, pair.src, pair.dst)
            headers = traffic_between(pair.src.ends, pair.dst.ends)
            assert known == wanted == walker.fate(pair.src.at, headers)
            for question, ask in QUESTIONS.items():
                found = ask(Policy(), pair, wanted)
                first = fates.first(question)
                assert found is None or first is not None


def test_one_changed_entry_costs_the_hops_of_one_switch() -> None:
    wiring = Wiring(find_topology("fattree:4"))
    fates = Fates(Policy(), QUESTIONS)
    fates.update(wiring)
    before = fates.walker.hops
    switch = wiring.switches["s1"]
    assert switch is not None
    mod = FlowMod(messages.ADD, 0, 1, (), Instructions((("output", 1, 0),)))
    switch.message(messages.encode_flow_mod(mod), 0, 0.0)
    fates.update(wiring)
    assert before == 16 and fates.walker.hops == before  # a core switch nobody reaches


@pytest.mark.parametrize("name", ["mesh:6"])
def test_flooding_a_mesh_is_walked_once_per_class(name: str) -> None:
    wiring = Wiring(find_topology(name))
    for switch in wiring.switches.values():
        assert switch is not None
        mod = FlowMod(messages.ADD, 0, 1, (), Instructions((("output", int(Port.FLOOD), 0),)))
        switch.message(messages.encode_flow_mod(mod), 0, 0.0)
    fates = Fates(Policy(), QUESTIONS)
    fates.update(wiring)
    assert fates.first("ForwardingLoop") is not None
    assert fates.walker.hops == 36  # switches by ports of entry

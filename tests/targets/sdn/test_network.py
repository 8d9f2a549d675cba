"""Switches, links and hosts around a controller of a few lines."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from random import Random

import pytest
from toy_controller import Toy

from demi.errors import TargetError
from demi.events import Event, External, Kind
from demi.fuzz.hunt import Plan, one_run, record_run
from demi.minimizer.minimize import minimize
from demi.scheduler.execute import Subject
from demi.scheduler.replay import replay
from demi.target import Target
from targets.sdn.check.invariants import Storm, pair_invariants
from targets.sdn.check.policy import Policy, find_policy
from targets.sdn.network.pipeline import entering
from targets.sdn.network.switch import Switch, ToChannel, ToWire
from targets.sdn.network.table import Entry, Table
from targets.sdn.network.topology import find_topology
from targets.sdn.openflow import messages, oxm
from targets.sdn.openflow.actions import Instructions
from targets.sdn.openflow.messages import Bucket, FlowMod, GroupMod
from targets.sdn.openflow.oxm import FIELDS, make_match, matches
from targets.sdn.openflow.wire import Port, Type, unpack
from targets.sdn.packets import parse, udp_frame
from targets.sdn.profile import known_inputs, profile
from targets.sdn.world import NetworkWorld

FRAME = parse(udp_frame((1, 0x0A000001), (2, 0x0A000002), 7, b"x"))


def send(src: str, dst: str) -> External:
    return External(Kind.INJECT, (src,), "send", {"to": dst})


def inject(word: str, node: str, **args: object) -> External:
    return External(Kind.INJECT, (node,), word, args or None)


def make_world(topology: str = "line:3", **settings: object) -> NetworkWorld:
    toy = Toy(careful=bool(settings.pop("careful", False)), idle=int(str(settings.pop("idle", 0))))
    world = NetworkWorld(find_topology(topology), [toy], **settings)  # type: ignore[arg-type]
    world.reset(1)
    return world


def settle(world: NetworkWorld) -> int:
    """Everything that is in flight arrives, and granted time passes."""
    count = 0
    while world.enabled() and world.enabled()[0][0] < Kind.START:
        world.take(world.enabled()[0])
        count += 1
    return count


def do(world: NetworkWorld, external: External) -> bool:
    """Take one input if it may happen, and settle."""
    event = world.offer((external,))[0]
    if not world.allowed(event):
        world.withdraw(event)
        return False
    world.take(event)
    settle(world)
    return True


def broken(world: NetworkWorld, policy: Policy | None = None) -> list[str]:
    """What does not hold now."""
    found = []
    for one in (*pair_invariants(policy or Policy(), False), Storm(400)):
        detail = one.check(world.observe(), one.start())[1]
        if detail is not None:
            found.append(f"{one.name}/{detail.key}" if detail.key else one.name)
    return found


# ---- switches


def add(switch: Switch, priority: int, todo: Instructions, table: int = 0, **want: object) -> list:
    match = make_match(**want)  # type: ignore[arg-type]
    data = messages.encode_flow_mod(FlowMod(messages.ADD, table, priority, match, todo))
    return switch.message(data, 0, 0.0)


def out(*ports: int) -> Instructions:
    return Instructions(tuple(("output", port, 0xFFFF) for port in ports))


def ports_of(switch: Switch, port: int = 1) -> list[int]:
    return [e.port for e in switch.packet(port, FRAME, 0.0) if isinstance(e, ToWire)]


def test_priority_decides_and_masks_match() -> None:
    switch = Switch(1, {1: True, 2: True, 3: True})
    add(switch, 1, out(2), ipv4_dst=(0x0A000000, 0xFF000000), eth_type=0x800)
    assert ports_of(switch) == [2]
    add(switch, 9, out(3), ipv4_dst=0x0A000002, eth_type=0x800)
    assert ports_of(switch) == [3]


def test_tables_goto_metadata_and_written_actions() -> None:
    switch = Switch(1, {1: True, 2: True, 3: True})
    write = (("output", 2, 0),)
    add(switch, 1, Instructions((("set", oxm.ETH_DST, 9),), write, False, 1, (5, 0xF)), table=0)
    add(switch, 1, Instructions((), (), False, 2), table=1, metadata=(5, 0xF), eth_dst=9)
    assert ports_of(switch) == []
    add(switch, 1, Instructions(), table=2)
    (effect,) = switch.packet(1, FRAME, 0.0)
    assert isinstance(effect, ToWire)
    assert (effect.port, effect.packet.headers[oxm.ETH_DST]) == (2, 9)
    add(switch, 2, Instructions((), (), True), table=2)
    assert ports_of(switch) == []


def test_vlan_push_set_and_pop_change_the_bytes() -> None:
    switch = Switch(1, {1: True, 2: True})
    tag = (("push_vlan", 0x8100), ("set", oxm.VLAN_VID, 0x1000 | 42), ("output", 2, 0))
    add(switch, 1, Instructions(tag), vlan_vid=0)
    (effect,) = switch.packet(1, FRAME, 0.0)
    assert isinstance(effect, ToWire)
    assert effect.packet.data[12:16] == b"\x81\x00\x00\x2a"
    add(switch, 1, Instructions((("pop_vlan",), ("output", 1, 0))), vlan_vid=0x1000 | 42)
    (back,) = switch.packet(2, effect.packet, 0.0)
    assert isinstance(back, ToWire)
    assert back.packet == FRAME


def test_groups_all_select_and_fast_fail_over() -> None:
    switch = Switch(1, {1: True, 2: True, 3: True})
    two, three = (("output", 2, 0),), (("output", 3, 0),)
    buckets = (Bucket(two, 1, 2), Bucket(three, 1, 3))
    for number, kind in enumerate((0, 1, 3)):
        switch.message(messages.encode_group_mod(GroupMod(0, kind, number, buckets)), 0, 0.0)
    add(switch, 1, Instructions((("group", 0),)))
    assert ports_of(switch) == [2, 3]
    add(switch, 1, Instructions((("group", 1),)))
    assert len(ports_of(switch)) == 1
    add(switch, 1, Instructions((("group", 2),)))
    assert ports_of(switch) == [2]
    switch.port(2, False)
    assert ports_of(switch) == [3]


def test_a_packet_in_carries_cookie_table_and_reason() -> None:
    switch = Switch(1, {1: True})
    mod = FlowMod(messages.ADD, 3, 0, (), out(int(Port.CONTROLLER)), cookie=99)
    switch.message(messages.encode_flow_mod(mod), 0, 0.0)
    add(switch, 1, Instructions((), (), False, 3))
    (effect,) = switch.packet(1, FRAME, 0.0)
    assert isinstance(effect, ToChannel)
    message = unpack(effect.data)
    assert message.type == Type.PACKET_IN
    assert (message.data[14], message.data[15]) == (0, 3)  # no match, table
    assert int.from_bytes(message.data[16:24], "big") == 99


def test_entries_expire_in_virtual_time_and_say_so() -> None:
    switch = Switch(1, {1: True, 2: True})
    flags = messages.SEND_FLOW_REMOVED
    mod = FlowMod(messages.ADD, 0, 1, (), out(2), idle=5, hard=12, flags=flags)
    switch.message(messages.encode_flow_mod(mod), 0, 10.0)
    assert switch.deadline() == 15.0
    switch.packet(1, FRAME, 14.0)
    assert switch.deadline() == 19.0
    switch.packet(1, FRAME, 18.5)
    assert switch.deadline() == 22.0
    assert switch.expire(21.9) == []
    (gone,) = switch.expire(22.0)
    assert isinstance(gone, ToChannel)
    assert unpack(gone.data).type == Type.FLOW_REMOVED
    assert switch.deadline() is None


def test_a_full_table_and_an_overlap_are_refused() -> None:
    switch = Switch(1, {1: True}, table_size=1)
    assert add(switch, 1, out(1), in_port=1) == []
    (full,) = add(switch, 1, out(1), in_port=2)
    assert (full.data[1], full.data[8:12]) == (Type.ERROR, b"\0\x05\0\x01")
    mod = FlowMod(messages.ADD, 0, 1, (), out(1), flags=messages.CHECK_OVERLAP)
    (overlap,) = switch.message(messages.encode_flow_mod(mod), 0, 0.0)
    assert overlap.data[8:12] == b"\0\x05\0\x03"


def test_a_secondary_controller_may_not_change_anything() -> None:
    switch = Switch(1, {1: True})
    switch.message(b"\x04\x18\x00\x18\0\0\0\1\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\1", 7, 0.0)
    data = messages.encode_flow_mod(FlowMod(messages.ADD, 0, 1, (), out(1)))
    (refused,) = switch.message(data, 7, 0.0)
    assert refused.data[8:12] == b"\0\x01\0\x0a"
    assert switch.message(data, 0, 0.0) == []


def test_the_fast_table_agrees_with_the_definition() -> None:
    draw = Random(5)
    headers = [
        entering(FRAME._replace(headers=_random_headers(draw)), draw.randrange(3))
        for _ in range(40)
    ]
    for _ in range(60):
        table, entries = Table(), []
        for _ in range(draw.randrange(1, 14)):
            entry = Entry(FlowMod(0, 0, draw.randrange(4), _random_match(draw), out(1)), 0.0)
            if (entry.priority, entry.match) not in table.entries:
                entries.append(entry)
            table.add(entry)
        for entry in list(table)[:: draw.randrange(1, 4)]:
            table.remove(entry)
        for one in headers:
            hits = [e.priority for e in table if matches(e.match, one)]
            found = table.lookup(one)
            assert (found.priority if found else None) == max(hits, default=None)
            assert found is None or matches(found.match, one)


def _random_headers(draw: Random) -> tuple[int, ...]:
    return tuple(draw.choice((-1, 0, 1, 2, 3)) for _ in FIELDS)


def _random_match(draw: Random) -> oxm.Match:
    terms = []
    for index in sorted(draw.sample(range(5), draw.randrange(3))):
        mask = draw.choice((oxm.full_mask(index), 1, 2))
        terms.append((index, draw.randrange(4) & mask, mask))
    return tuple(terms)


# ---- topologies and policies


@pytest.mark.parametrize(
    ("name", "switches", "hosts", "links"),
    [
        ("line:3", 3, 3, 2),
        ("ring:4", 4, 4, 4),
        ("mesh:4", 4, 4, 6),
        ("fattree:4", 20, 16, 32),
        ("line:1", 1, 1, 0),
    ],
)
def test_topologies(name: str, switches: int, hosts: int, links: int) -> None:
    topology = find_topology(name)
    assert (len(topology.switches), len(topology.hosts), len(topology.links)) == (
        switches,
        hosts,
        links,
    )
    for switch in topology.switches:
        ports = topology.ports(switch)
        assert ports == list(range(1, len(ports) + 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"hosts": {"h1": "9x"}}', "host h1 names '9x', which is no name"),
        ('{"hosts": {"c1": "s1"}}', "host c1 names 'c1', which is no name"),
        ('{"hosts": {"h1": ["s1"]}}', "which is no name"),
        ('{"host": {"h1": "s1"}}', "has no 'host'"),
        ('{"hosts": {"s1": "s1"}}', "'s1' is a host and a switch"),
        ('{"switches": {"s1": 0}, "hosts": {"h1": "s2"}}', "host h1 names an unknown switch 's2'"),
        ('{"switches": {"a": 3, "b": 3}}', "a and b have the same datapath id 3"),
        ('{"switches": {"a": -1}}', "switch a has no datapath id -1"),
        ('{"switches": {"a": 1, "b": 2}, "links": [["a", "b"], ["b", "a"]]}', "once more"),
        ('{"hosts": {"h1": "s1"}, "links": [["s1", "h1"]]}', "link 1 names an unknown switch 'h1'"),
        ('{"hosts": {"h1": "s1"}, "links": [["s2", "s3"]]}', "no links lead from s1 to s2, s3"),
        ("{", "the topology is not JSON"),
        ("[]", "not a topology"),
    ],
)
def test_a_bad_topology_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "net.json"
    path.write_text(text)
    with pytest.raises(TargetError, match=said) as caught:
        find_topology(str(path))
    assert str(path) in str(caught.value)


def test_a_topology_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text('{"hosts": {"h1": "s1", "h2": "s2"}, "links": [["s1", "s2"]]}')
    assert find_topology(str(path)).at == {"h1": ("s1", 1), "h2": ("s2", 1)}


def test_names_and_datapath_ids_are_free(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(
        '{"switches": {"core": 1099511627776, "s7": 0, "edge": 0},'
        ' "hosts": {"zoe": "edge", "anna": "s7", "h2": "core"},'
        ' "links": [["edge", "core"], ["core", "s7"]]}'
    )
    topology = find_topology(str(path))
    assert topology.dpids == {"edge": 1, "s7": 7, "core": 1 << 40}
    assert topology.macs == {"zoe": 1, "h2": 2, "anna": 3}
    assert topology.switches == ("edge", "s7", "core")
    assert topology.links == (("edge", 2, "core", 2), ("s7", 2, "core", 3))
    world = NetworkWorld(topology, [Toy()])
    world.reset(1)
    assert do(world, send("anna", "zoe")) and do(world, send("zoe", "anna"))
    assert not do(world, External(Kind.HEAL, ("core", "edge")))
    state = world.observe().state(world.index["core"])
    assert state["2: zoe>anna"] == "output 3"
    label = world.offer((send("anna", "zoe"),))[0]
    assert world.payload(world.take(label).sent[0])["packet"] == "udp anna>zoe"
    assert do(world, inject("migrate", "anna", to="core"))
    assert broken(world) == ["BlackHole/dead port"]


@pytest.mark.parametrize("name", ["lime:3", "line:0", "fattree:3", "ring:2", "nowhere.json"])
def test_an_unknown_topology(name: str) -> None:
    with pytest.raises(TargetError):
        find_topology(name)


def test_a_policy_with_unknown_hosts_is_refused() -> None:
    with pytest.raises(TargetError, match="unknown host 'h9'"):
        find_policy('{"isolate": [["h1", "h9"]]}', find_topology("line:3"))


def test_a_service_that_is_no_address_is_refused() -> None:
    with pytest.raises(TargetError, match=r"service: '10.0.0.99:80' is no IPv4 address"):
        profile(find_topology("line:3"), {"flow": 1}, (6, 6), (0, 0), "10.0.0.99:80")


# ---- the world


def test_three_inputs_make_a_black_hole() -> None:
    world = make_world()
    assert do(world, send("h1", "h3")) and do(world, send("h3", "h1"))
    assert broken(world) == []
    assert do(world, inject("migrate", "h1", to="s3"))
    assert broken(world) == ["BlackHole/dead port"]


def test_a_careful_controller_makes_none() -> None:
    world = make_world(careful=True)
    for external in (send("h1", "h3"), send("h3", "h1"), inject("migrate", "h1", to="s3")):
        assert do(world, external)
    assert broken(world) == []


def test_repairs_of_what_is_whole_do_nothing() -> None:
    world = make_world()
    for external in (
        External(Kind.HEAL, ("s1", "s2")),
        External(Kind.RESTART, ("s1",)),
        External(Kind.RESTART, ("c1",)),
        External(Kind.CUT, ("s1", "s3")),
        inject("portadd", "s1", port=1),
        inject("unblock", "s1"),
        inject("reconnect", "s1"),
        inject("resume", "c1"),
        inject("migrate", "h1", to="s1"),
    ):
        assert not do(world, external), external.id
    assert do(world, External(Kind.CUT, ("s2", "s1")))
    assert not do(world, External(Kind.CUT, ("s1", "s2")))
    assert do(world, External(Kind.HEAL, ("s1", "s2")))


def test_a_switch_loses_its_table_and_a_channel_does_not() -> None:
    world = make_world()
    do(world, send("h1", "h3"))
    do(world, send("h3", "h1"))
    switch = world.switch("s2")
    assert switch is not None and len(switch.forwarding.tables[0]) == 2
    assert do(world, inject("disconnect", "s2"))
    assert not world.observe().settled
    assert do(world, inject("reconnect", "s2"))
    assert len(switch.forwarding.tables[0]) == 2 and world.observe().settled
    assert do(world, External(Kind.CRASH, ("s2",)))
    assert world.observe().state(world.index["s2"]) is None
    assert do(world, External(Kind.RESTART, ("s2",)))
    again = world.switch("s2")
    assert again is not None and len(again.forwarding.tables[0]) == 1


def test_blocked_and_paused_messages_wait_and_arrive() -> None:
    for stop, go, node in (("block", "unblock", "s1"), ("pause", "resume", "c1")):
        world = make_world()
        assert do(world, inject(stop, node))
        assert do(world, send("h1", "h3"))
        assert world.wiring.hosts["h3"].heard == 0 and not world.observe().settled
        assert do(world, inject(go, node))
        assert world.wiring.hosts["h3"].heard == 1 and world.observe().settled


def test_time_passes_only_when_it_is_granted() -> None:
    world = make_world(idle=5)
    do(world, send("h1", "h3"))
    do(world, send("h3", "h1"))
    switch = world.switch("s1")
    assert switch is not None and len(switch.forwarding.tables[0]) == 2
    assert do(world, inject("wait", "c1", seconds=4))
    assert len(switch.forwarding.tables[0]) == 2 and world.clock.now == 4.0
    assert do(world, inject("wait", "c1", seconds=1))
    assert len(switch.forwarding.tables[0]) == 1 and world.clock.now == 5.0


def test_flooding_in_a_ring_is_a_storm_and_stops_there() -> None:
    world = make_world("ring:3")
    world.take(world.offer((send("h1", "h3"),))[0])
    steps = 0
    while not broken(world) and steps < 5000:
        world.take(world.enabled()[0])
        steps += 1
    assert broken(world) == ["BroadcastStorm"]


def test_isolation_and_waypoints() -> None:
    topology = find_topology("line:3")
    world = make_world()
    do(world, send("h1", "h3"))
    do(world, send("h3", "h1"))
    do(world, send("h1", "h3"))
    text = '{"isolate": [["h1", "h3"]], "waypoint": [["h3", "h1", "s2"]]}'
    assert broken(world, find_policy(text, topology)) == ["Isolation"]


@pytest.mark.parametrize(
    ("external", "said"),
    [
        (External(Kind.INJECT, ("h1",), "teleport"), "a network has no teleport"),
        (External(Kind.INJECT, ("s1",), "send", {"to": "h2"}), "send is for a host"),
        (External(Kind.INJECT, ("h1",), "send", {"to": "h9"}), "send cannot be done"),
        (External(Kind.INJECT, ("c1",), "wait", {"seconds": -1}), "wait cannot be done"),
        (External(Kind.CRASH, ("h1",)), "hosts do not crash"),
        (External(Kind.CUT, ("s1", "h1")), "cut is for two switches"),
        (External(Kind.CRASH, ("s9",)), "no node 's9'"),
        (External(Kind.DUPLICATE, ("s1", "s2")), "a network has no duplicate"),
    ],
)
def test_an_input_that_cannot_be_is_refused(external: External, said: str) -> None:
    with pytest.raises(TargetError, match=said):
        make_world().offer((external,))


# ---- through the engines


def toy_target() -> Target:
    topology = find_topology("line:3")
    return Target(
        name="toy",
        doc="",
        make=lambda config: NetworkWorld(topology, [Toy()]),
        invariants=lambda config: pair_invariants(Policy(), False),
        profile=lambda config: profile(topology, {"send": 6, "migrate": 1}, (60, 60), (0, 60)),
        pipeline="inputs",
    )


def test_sixty_inputs_shrink_to_three_and_replay() -> None:
    target = toy_target()
    subject = Subject(target, {})
    plan = Plan(target.profile({}), "random", seed=1, steps=6000, wanted="BlackHole")
    number = next(n for n in range(20) if one_run(subject, plan, n).violation is not None)
    trace = record_run(subject, plan, number)
    report = minimize(subject, trace)
    inputs = [entry.id.split("(")[0] for entry in report.trace.entries if entry.is_external]
    assert sorted(inputs) == ["ext:migrate", "ext:send", "ext:send"]
    again = Subject(toy_target(), {})
    assert replay(again, report.trace).divergence is None


def test_a_run_is_the_same_bytes_again() -> None:
    target = toy_target()
    plan = Plan(target.profile({}), "random", seed=3, steps=6000)
    first, second = (record_run(Subject(toy_target(), {}), plan, 0) for _ in range(2))
    assert first == second
    assert dataclasses.replace(first) == first


HAPPENS = {
    "send": "send", "arp": "arp", "flow": "send", "migrate": "migrate",
    "cut": "cut heal", "sever": "cut", "crash": "crash restart", "down": "crash",
    "channel": "disconnect reconnect", "block": "block unblock",
    "port": "portdel portadd", "drop": "drop", "controller": "crash restart", "kill": "crash",
    "pause": "pause resume", "reload": "reload", "wait": "wait",
}  # fmt: skip


@pytest.mark.parametrize("name", HAPPENS)
def test_every_kind_of_input_is_drawn_and_happens(name: str) -> None:
    topology, service = find_topology("line:3"), "10.0.0.99"
    assert set(HAPPENS) == set(known_inputs(topology, service))
    drawn = profile(topology, {name: 2, "send": 1}, (30, 30), (0, 3), service)
    target = dataclasses.replace(
        toy_target(), invariants=lambda config: [], profile=lambda config: drawn
    )
    plan = Plan(drawn, "random", seed=1, steps=3000)
    trace = record_run(Subject(target, {}), plan, 0)
    happened = {entry.id.partition("(")[0] for entry in trace if entry.is_external}
    wanted = {f"ext:{word}" for word in HAPPENS[name].split()}
    assert wanted <= happened


def test_one_event_touches_what_it_names() -> None:
    world = make_world()
    event: Event = world.offer((send("h1", "h3"),))[0]
    step = world.take(event)
    assert [world.names[e[1]] for e in step.sent] == ["s1"]
    assert world.label(step.sent[0]) == "udp"
    assert world.fingerprint(step.sent[0]) is not None

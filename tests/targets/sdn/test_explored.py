"""Networks under search: what a step touches, so that orders which matter are not taken for one."""

from __future__ import annotations

import pytest

from demi.causality import Causality
from demi.dpor.explore import explore
from demi.events import External, Kind, Program, number
from demi.scheduler.execute import Subject, record
from demi.target import Profile, Target
from demi.trace import Trace
from demi.trace_codec import encode, loads
from targets.sdn.network.topology import find_topology
from targets.sdn.world import NetworkWorld
from tests.targets.sdn.toy_controller import Toy

CUT = External(Kind.CUT, ("s1", "s2"))


def inject(word: str, node: str, **args: object) -> External:
    return External(Kind.INJECT, (node,), word, args or None)


def subject(topology: str, timers: str = "ordered") -> Subject:
    def make(config: object) -> NetworkWorld:
        return NetworkWorld(find_topology(topology), [Toy(idle=3)], timers=timers)

    return Subject(Target("toy", "", make, lambda config: (), lambda config: Profile()), {})


def recorded(topology: str, *inputs: External) -> Trace:
    return record(subject(topology), number(inputs), 1, strategy="test")


def test_a_link_that_is_cut_changes_both_ends() -> None:
    (entry,) = recorded("line:2", CUT).entries
    assert entry.delta == {"port 2": "down"}
    assert entry.also == {"s2": {"port 2": "down"}}
    assert entry.touched == ("s1", "s2")


def test_a_host_that_moves_changes_two_switches() -> None:
    trace = recorded("line:2", inject("migrate", "h1", to="s2"))
    (entry,) = trace.entries
    assert entry.delta == {"at": "s2:3"}
    assert entry.also == {"s1": {"port 1": "down"}, "s2": {"port 3": "up"}}
    assert loads(encode(trace)) == trace


def test_what_happens_at_the_other_end_comes_after_it() -> None:
    trace = recorded("line:2", CUT, inject("portdel", "s2", port=1))
    assert Causality(trace).edges == ((), (0,))


@pytest.mark.parametrize(
    ("topology", "inputs"),
    [
        ("single:2", (inject("send", "h1", to="h2"), inject("send", "h2", to="h1"))),
        ("line:2", (inject("send", "h1", to="h2"), CUT)),
        ("line:2", (inject("send", "h1", to="h2"), inject("migrate", "h1", to="s2"))),
        ("single:2", (inject("arp", "h1", to="h2"), inject("wait", "c1", seconds=4))),
    ],
    ids=["two packets", "a cut", "a move", "entries that expire"],
)
def test_a_reduced_search_ends_where_a_full_one_does(
    topology: str, inputs: tuple[External, ...]
) -> None:
    program = Program(number(inputs))
    ends: dict[str, set[bytes]] = {}
    for algorithm in ("naive", "source", "optimal"):
        found: set[bytes] = set()
        explore(
            subject(topology, "free"), program, algorithm=algorithm, keep=0,
            on_leaf=lambda space, found=found: found.add(space.world.digest()),
            on_begin=found.clear,
        )  # fmt: skip
        ends[algorithm] = found
    assert ends["naive"] == ends["source"] == ends["optimal"]
    assert ends["naive"]

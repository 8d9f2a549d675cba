"""Smaller networks and simpler inputs, for the minimizer.

The one insight: which hosts, links and switches a bug needs is half of its explanation, and so is how
long one has to wait for it.

Not here: trying them (`demi/minimizer/parts.py`, `demi/minimizer/simpler.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

from demi.events import External
from demi.interpose.world import World
from demi.target import Config, Parts
from targets.sdn.check.policy import Policy, find_policy
from targets.sdn.network.topology import find_topology, without
from targets.sdn.profile import known_inputs
from targets.sdn.world import NetworkWorld


def parts(config: Config) -> Parts:
    """Hosts, then switches, then links between switches that stay."""
    names = tuple(find_topology(config["topology"]).parts())
    return Parts(names, lambda gone: _without(config, gone), _world)


def _without(config: Config, gone: Sequence[str]) -> Config:
    """The configuration of the network less these parts: topology, policy and drawn inputs."""
    whole = find_topology(config["topology"])
    left = without(whole, gone)
    policy = find_policy(config["policy"], whole)
    known = known_inputs(left, config["service"])
    drawn = [word for word in config["inputs"].split() if word.partition(":")[0] in known]
    return {
        **config,
        "topology": left.name,
        "policy": _policy(policy, frozenset(left.hosts), frozenset(left.switches)),
        "inputs": " ".join(drawn),
    }


def _policy(policy: Policy, hosts: frozenset[str], switches: frozenset[str]) -> str:
    """What is left of a policy, as text; "" for the default."""
    rules: dict[str, list[list[str]]] = {}
    if policy.isolate:
        rules["isolate"] = [[a, b] for a, b in sorted(policy.isolate) if {a, b} <= hosts]
    if policy.waypoint:
        rules["waypoint"] = [
            [a, b, point]
            for (a, b), point in sorted(policy.waypoint.items())
            if {a, b} <= hosts and point in switches
        ]
    if policy.reach is not None:
        rules["reach"] = [[a, b] for a, b in sorted(policy.reach) if {a, b} <= hosts]
    return json.dumps(rules) if rules else ""


def _world(world: World, config: Config) -> World:
    return cast(NetworkWorld, world).smaller(find_topology(config["topology"]))


def simpler(inputs: Sequence[External]) -> Iterator[list[External]]:
    """Two waits in a row as one; then each wait of one second, of half the time, of a second less.

    The sum of all waits never grows, and with it stays their number or falls.
    """
    waits = [at for at, one in enumerate(inputs) if one.label == "wait"]
    for at in waits:
        if at + 1 in waits:
            both = _seconds(inputs[at]) + _seconds(inputs[at + 1])
            yield [*inputs[:at], _of(inputs[at], both), *inputs[at + 2 :]]
    for at in waits:
        long = _seconds(inputs[at])
        for short in dict.fromkeys((1.0, float(int(long / 2)), long - 1.0)):
            if 1.0 <= short < long:
                yield [*inputs[:at], _of(inputs[at], short), *inputs[at + 1 :]]


def _seconds(wait: External) -> float:
    return float(wait.args["seconds"])


def _of(wait: External, seconds: float) -> External:
    whole = int(seconds) if seconds == int(seconds) else seconds
    return replace(wait, args={**wait.args, "seconds": whole})

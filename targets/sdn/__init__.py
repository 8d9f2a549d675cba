"""The target `sdn`: OpenFlow networks around real, unmodified controllers.

The one insight: the network is ours and the controller is theirs; what troubles it is a list of inputs,
and the answer is the shortest one that leaves a loop, a black hole or a broken policy.

After STS (Scott et al., SIGCOMM'14), with virtual time and exact rest in place of its heuristics.
Nothing of a controller is imported before a world is made.  Not here: how controllers are held
(`controllers/`), the network (`network/`, `world.py`), what must hold (`check/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from demi.errors import TargetError
from demi.events import External
from demi.interpose.world import World
from demi.oracle import Invariant
from demi.target import Config, Parts, Profile, Target, nearest
from demi.verdict import Violation
from targets.sdn.bugs import BUGS
from targets.sdn.network.topology import find_topology
from targets.sdn.store import Store

DEFAULTS = {
    "app": "learning",
    "variant": "",
    "options": "",
    "announce": False,
    "topology": "line:3",
    "command": "",
    "controller": "in-process",
    "controllers": 1,
    "inputs": "send:6 migrate:1",
    "count": 60,
    "spacing": 60,
    "settle": 0.0,
    "timers": "ordered",
    "policy": "",
    "service": "",
    "transient": False,
    "after": 0,
    "table_size": 4096,
    "handshake": True,
    "storm": 400,
    "probes": 0.0,
    "believes": False,
    "headers": False,
    "maps": 0.0,
    "memory": 0,
}


def _make(config: Config) -> World:
    from targets.sdn.controllers.chosen import chosen
    from targets.sdn.world import NetworkWorld

    topology = find_topology(config["topology"])
    _profile(config)  # what is wrong with it is said before anything runs
    store = Store()
    return NetworkWorld(
        topology, chosen(config, store), settle=config["settle"], timers=config["timers"],
        table_size=config["table_size"], handshake=config["handshake"],
        announce=config["announce"], store=store,
    )  # fmt: skip


def _invariants(config: Config) -> Sequence[Invariant]:
    from targets.sdn.check.controllers import controller_invariants
    from targets.sdn.check.invariants import Storm, pair_invariants
    from targets.sdn.check.policy import find_policy

    policy = find_policy(config["policy"], find_topology(config["topology"]))
    every: list[Invariant] = []
    if config["headers"]:
        from targets.sdn.check.all_headers import every_packet

        every.append(every_packet(policy))
    if config["maps"]:
        from targets.sdn.check.maps import ControllerMap

        every.append(ControllerMap(config["maps"]))
    watched = controller_invariants(config["probes"], config["believes"], config["memory"])
    pairs = pair_invariants(policy, config["transient"], config["after"])
    return [*pairs, Storm(config["storm"]), *every, *watched]


def _profile(config: Config) -> Profile:
    from targets.sdn.profile import known_inputs, profile

    topology = find_topology(config["topology"])
    service = config["service"]
    known = known_inputs(topology, service)
    inputs: dict[str, float] = {}
    for word in config["inputs"].split():
        name, _, weight = word.partition(":")
        try:
            inputs[name] = float(weight or "1")
        except ValueError as error:
            raise TargetError(f"inputs: {word!r} is not name:weight") from error
        if name not in known:
            raise TargetError(
                f"inputs: no input {name!r} in {topology.name}",
                remedy=nearest(name, known),
            )
    return profile(topology, inputs, (config["count"],) * 2, (0, config["spacing"]), service)


def _version(config: Config) -> str:
    from targets.sdn.controllers.chosen import version

    return version({**DEFAULTS, **config})


def _parts(config: Config) -> Parts:
    from targets.sdn.smaller import parts

    return parts(config)


def _drawing(config: Config, world: World, violation: Violation) -> Sequence[str]:
    from targets.sdn.drawing import draw

    return draw(config, world, violation)


def _simpler(inputs: Sequence[External]) -> Iterable[Sequence[External]]:
    from targets.sdn.smaller import simpler

    return simpler(inputs)


def _sooner(config: Config) -> Config | None:
    return {**config, "after": 0} if config["after"] else None


TARGET = Target(
    name="sdn",
    doc="OpenFlow networks around real, unmodified controllers: loops, black holes, lost policies",
    make=_make,
    invariants=_invariants,
    profile=_profile,
    defaults=DEFAULTS,
    bugs=BUGS,
    version=_version,
    pipeline="inputs",
    parts=_parts,
    simpler=_simpler,
    sooner=_sooner,
    drawing=_drawing,
)

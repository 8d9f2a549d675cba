"""What the fuzzer may do to a network, and how often.

The one insight: a failure and its repair are one atomic group, so shrinking never keeps a repair of
something that did not break.

Not here: what the inputs do (`outside.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from demi.errors import TargetError
from demi.events import External, Kind
from demi.target import Choice, Profile
from targets.sdn.network.topology import Topology
from targets.sdn.outside import is_address

Draw = Callable[[int], int]
STEPS = 6000
FLOW_PORTS = 20  # UDP ports of a service that hosts talk to


def profile(
    topology: Topology,
    inputs: Mapping[str, float],
    count: tuple[int, int],
    spacing: tuple[int, int],
    service: str = "",
) -> Profile:
    """inputs: name of a choice -> weight.  count: how many inputs.  spacing: steps between them.

    service: an IPv4 address that hosts send to with the choice `flow`.
    """
    if service and not is_address(service):
        raise TargetError(
            f"service: {service!r} is no IPv4 address",
            remedy="such as 10.0.0.99; ports are drawn",
        )
    makers = _makers(topology, service)
    choices = tuple(
        Choice(name, weight, makers[name]) for name, weight in inputs.items() if name in makers
    )
    return Profile(choices=choices, items=count, spacing=spacing, steps=STEPS)


def known_inputs(topology: Topology, service: str = "") -> list[str]:
    """Names of all choices."""
    return list(_makers(topology, service))


Maker = Callable[[Draw, Sequence[str], int], Sequence[External]]


def _makers(topology: Topology, service: str) -> dict[str, Maker]:
    hosts, switches = topology.hosts, topology.switches
    links = [(a, b) for a, _, b, _ in topology.links]
    ports = [(a, p) for a, p, _, _ in topology.links] + [(b, q) for _, _, b, q in topology.links]

    def one(word: str, node: str, **args: object) -> External:
        return External(Kind.INJECT, (node,), word, args or None)

    def talk(word: str) -> Maker:
        def make(draw: Draw, names: Sequence[str], i: int) -> list[External]:
            src = draw(len(hosts))
            dst = (src + 1 + draw(len(hosts) - 1)) % len(hosts)
            return [one(word, hosts[src], to=hosts[dst])]

        return make

    def migrate(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [one("migrate", hosts[draw(len(hosts))], to=switches[draw(len(switches))])]

    def cut(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        link = links[draw(len(links))]
        return [External(Kind.CUT, link), External(Kind.HEAL, link)]

    def cut_for_good(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [External(Kind.CUT, links[draw(len(links))])]

    def crash(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        node = (switches[draw(len(switches))],)
        return [External(Kind.CRASH, node), External(Kind.RESTART, node)]

    def switch_down(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [External(Kind.CRASH, (switches[draw(len(switches))],))]

    known = frozenset((*hosts, *switches))

    def owning(names: Sequence[str]) -> list[str]:
        return [name for name in names if name not in known]

    def controller(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        owners = owning(names)
        node = (owners[draw(len(owners))],)
        return [External(Kind.CRASH, node), External(Kind.RESTART, node)]

    def kill(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        owners = owning(names)
        return [External(Kind.CRASH, (owners[draw(len(owners))],))]

    def both(first: str, second: str, ours: bool) -> Maker:
        def make(draw: Draw, names: Sequence[str], i: int) -> list[External]:
            nodes = switches if ours else owning(names)
            node = nodes[draw(len(nodes))]
            return [one(first, node), one(second, node)]

        return make

    def port(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        where, number = ports[draw(len(ports))]
        return [one("portdel", where, port=number), one("portadd", where, port=number)]

    def drop(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        link = links[draw(len(links))]
        return [External(Kind.DROP, link if draw(2) else (link[1], link[0]))]

    def wait(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [one("wait", names[0], seconds=1 + draw(10))]

    def flow(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [one("send", hosts[draw(len(hosts))], to=service, port=1 + draw(FLOW_PORTS))]

    def reload(draw: Draw, names: Sequence[str], i: int) -> list[External]:
        return [one("reload", names[0])]

    makers: dict[str, Maker] = {"wait": wait, "reload": reload, "crash": crash, "down": switch_down}
    makers |= {"controller": controller, "kill": kill, "block": both("block", "unblock", True)}
    makers |= {
        "channel": both("disconnect", "reconnect", True),
        "pause": both("pause", "resume", False),
    }
    if hosts and service:
        makers["flow"] = flow
    if len(hosts) > 1:
        makers |= {"send": talk("send"), "arp": talk("arp")}
    if len(switches) > 1 and hosts:
        makers["migrate"] = migrate
    if links:
        makers |= {"cut": cut, "sever": cut_for_good, "port": port, "drop": drop}
    return makers

"""What the outside does to a network: traffic, moves, failures, repairs, time.

The one insight: every input has a precondition that is looked at when it is taken, so a repair of a link
that nobody cut does nothing; without that, shrinking makes the model invent bugs no network has.

    send(h1) {"to": "h3"}      a datagram            arp(h1) {"to": "h3"}   who has h3's address?
    send(h1) {"to": "10.0.0.99", "port": 80}         to an address that is no host's
    migrate(h1) {"to": "s3"}   plugged in elsewhere  wait(c1) {"seconds": 5}  time may pass
    portdel(s1) portadd(s1) {"port": 2}              block(s1) unblock(s1)  control messages wait
    disconnect(s1) reconnect(s1)   its control connection; tables stay
    pause(c1) resume(c1) reload(c1)                  and crash, restart, cut, heal, drop

Crash and restart of a switch lose its tables.  Not here: what inputs do (`effects.py`), drawing them
(`profile.py`).
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from demi.errors import TargetError
from demi.events import Event, External
from demi.interpose.channels import remove_sorted
from demi.target import nearest
from targets.sdn.effects import DO, Args, Nodes
from targets.sdn.network.wiring import pair

if TYPE_CHECKING:
    from targets.sdn.world import NetworkWorld

WAIT_MAX = 3600.0  # seconds of one wait: a trace is input from a stranger
_HOSTS = ("send", "arp", "migrate")
_SWITCHES = ("portdel", "portadd", "block", "unblock", "disconnect", "reconnect")
_CONTROLLERS = ("pause", "resume", "reload", "wait")
LABELS = (*_HOSTS, *_SWITCHES, *_CONTROLLERS)


class Inputs:
    """The externals offered and not yet taken.  taken: how many were."""

    def __init__(self, world: NetworkWorld) -> None:
        self._world = world
        self._all: list[External] = []
        self._open: dict[Event, bool] = {}  # offered, not taken -> listed as enabled
        self.taken = 0

    def offer(self, externals: Sequence[External]) -> list[Event]:
        """Add externals; returns their events.  Raises TargetError for what cannot be."""
        events = []
        for external in externals:
            self._check(external)
            node = self._world.index[external.nodes[0]]
            event = (int(external.kind), node, len(self._all), 0)
            self._all.append(external)
            self._open[event] = False
            events.append(event)
        self.refresh()
        return events

    def withdraw(self, event: Event) -> None:
        """Take an offered external back."""
        if self._open.pop(event, False):
            remove_sorted(self._world.events, event)

    def external(self, event: Event) -> External:
        """The External behind an event."""
        return self._all[event[2]]

    def waiting(self) -> list[str]:
        """Ids of what is offered and not taken."""
        return sorted(self._all[event[2]].id for event in self._open)

    def refresh(self) -> None:
        """Bring the enabled list up to date with the preconditions."""
        events = self._world.events
        for event, listed in self._open.items():
            holds = self._holds(self._all[event[2]])
            if holds and not listed:
                insort(events, event)
            elif listed and not holds:
                remove_sorted(events, event)
            self._open[event] = holds

    def take(self, event: Event) -> None:
        """Run an enabled external; time may pass after it."""
        external = self._all[event[2]]
        self.withdraw(event)
        self.taken += 1
        self._world.clock.grant()
        word = external.label or external.kind.name.lower()
        DO[word](self._world, external.nodes, _args(external))

    # ---- is it known?

    def _check(self, external: External) -> None:
        world, word = self._world, external.label or external.kind.name.lower()
        if word not in DO:
            raise TargetError(
                f"a network has no {word}", where=external.id, remedy=nearest(word, list(DO))
            )
        for name in external.nodes:
            if name not in world.index:
                raise TargetError(
                    f"no node {name!r}",
                    where=external.id,
                    remedy="nodes: " + ", ".join(world.names),
                )
        kinds = _WANTS.get(word, "")
        if kinds and "".join(map(world.kind, external.nodes)) != kinds:
            raise TargetError(f"{word} is for {_ENDS[kinds]}", where=external.id)
        if word in ("crash", "restart") and external.nodes[0] in world.wiring.hosts:
            raise TargetError("hosts do not crash", where=external.id)
        _check_args(world, external, word)

    # ---- may it happen?

    def _holds(self, external: External) -> bool:
        word = external.label or external.kind.name.lower()
        check = _IF.get(word)
        return check is None or check(self._world, external.nodes, _args(external))


def _args(external: External) -> Mapping[str, Any]:
    return external.args if isinstance(external.args, dict) else {}


def _check_args(world: NetworkWorld, external: External, word: str) -> None:
    args = _args(external)
    want: dict[str, Callable[[], bool]] = {
        "send": lambda: (
            (args.get("to") in world.wiring.hosts or is_address(args.get("to")))
            and _is_port(args.get("port", 0))
        ),
        "arp": lambda: args.get("to") in world.wiring.hosts,
        "migrate": lambda: args.get("to") in world.wiring.switches,
        "portdel": lambda: isinstance(args.get("port"), int),
        "portadd": lambda: isinstance(args.get("port"), int),
        "wait": lambda: (
            isinstance(args.get("seconds"), (int, float)) and 0 < args["seconds"] <= WAIT_MAX
        ),
    }
    if word in want and not want[word]():
        need = {
            "migrate": '{"to": a switch}',
            "send": '{"to": a host or an IPv4 address}, and may have "port": 0 to 65535',
            "wait": f'{{"seconds": above 0, at most {WAIT_MAX:g}}}',
        }
        usual = '{"port": a number}' if word.startswith("port") else '{"to": a host}'
        raise TargetError(
            f"{word} cannot be done with {external.args!r}", where=external.id,
            remedy=f"it needs {need.get(word, usual)}",
        )  # fmt: skip


def is_address(text: object) -> bool:
    """Is it an IPv4 address?"""
    if not isinstance(text, str):
        return False
    try:
        return bool(IPv4Address(text))
    except ValueError:
        return False


def _is_port(number: object) -> bool:
    return isinstance(number, int) and 0 <= number < 1 << 16


def _up(world: NetworkWorld, name: str) -> bool:
    """Is this switch or controller alive?"""
    node = world.index[name]
    if node < len(world.controllers):
        return world.controllers[node].alive
    return world.wiring.switches[name] is not None


def _connected(world: NetworkWorld, name: str) -> bool:
    return any((who, world.index[name]) in world.open for who in range(len(world.controllers)))


def _held(world: NetworkWorld, name: str) -> bool:
    return any((who, world.index[name]) in world.held for who in range(len(world.controllers)))


def _may_send(world: NetworkWorld, nodes: Nodes, args: Args) -> bool:
    host = world.wiring.hosts[nodes[0]]
    return world.wiring.switches[host.at[0]] is not None and host.at not in world.wiring.out


def _may_cut(world: NetworkWorld, nodes: Nodes, args: Args) -> bool:
    wired = any((a[0], b[0]) == nodes for a, b in world.wiring.cables.items())
    return wired and pair(*nodes) not in world.wiring.cut


def _has_port(world: NetworkWorld, nodes: Nodes, args: Args) -> bool:
    switch = world.wiring.switches[nodes[0]]
    return switch is not None and args["port"] in switch.forwarding.ports


_IF: dict[str, Callable[[NetworkWorld, Nodes, Args], bool]] = {
    "send": _may_send,
    "arp": _may_send,
    "migrate": lambda w, n, a: _up(w, a["to"]) and w.wiring.hosts[n[0]].at[0] != a["to"],
    "portdel": _has_port,
    "portadd": lambda w, n, a: _up(w, n[0]) and (n[0], a["port"]) in w.wiring.out,
    "block": lambda w, n, a: _connected(w, n[0]) and not _held(w, n[0]),
    "unblock": lambda w, n, a: _held(w, n[0]),
    "disconnect": lambda w, n, a: _connected(w, n[0]),
    "reconnect": lambda w, n, a: _up(w, n[0]) and not _connected(w, n[0]),
    "pause": lambda w, n, a: _up(w, n[0]) and w.index[n[0]] not in w.paused,
    "resume": lambda w, n, a: w.index[n[0]] in w.paused,
    "reload": lambda w, n, a: _up(w, n[0]) and w.index[n[0]] not in w.paused,
    "crash": lambda w, n, a: _up(w, n[0]),
    "restart": lambda w, n, a: not _up(w, n[0]),
    "cut": _may_cut,
    "heal": lambda w, n, a: pair(*n) in w.wiring.cut,
    "drop": lambda w, n, a: bool(w.in_flight(w.index[n[1]], w.index[n[0]])),
}
_WANTS = (
    dict.fromkeys(_HOSTS, "h") | dict.fromkeys(_SWITCHES, "s") | dict.fromkeys(_CONTROLLERS, "c")
    | {"cut": "ss", "heal": "ss"}
)  # fmt: skip
_ENDS = {"h": "a host", "s": "a switch", "c": "a controller", "ss": "two switches"}

"""The fate of every pair of hosts, kept up to date from one check to the next.

The one insight: a change of one table changes the fates of few pairs, and only about those need anything
be asked; the others' answers are remembered.

Not here: the walk (`walk.py`), the questions (`invariants.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from targets.sdn.check.classes import Traffic
from targets.sdn.check.policy import Policy
from targets.sdn.check.walk import Fate, Node, Walker
from targets.sdn.network.wiring import Host, Wiring


class Broken(NamedTuple):
    """An answer: what is wrong.  role: for the fingerprint.  nodes: involved."""

    role: str
    nodes: tuple[str, ...]
    text: str


class Pair(NamedTuple):
    """An ordered pair of hosts.  start: where its packets enter, and as which class.

    connected: working cables lead from one to the other.
    """

    src: Host
    dst: Host
    start: Node
    connected: bool


Question = Callable[[Policy, Pair, Fate], Broken | None]


class Fates:
    """One walker per run; the answers of all questions about all pairs."""

    def __init__(self, policy: Policy, questions: Mapping[str, Question]) -> None:
        self._policy = policy
        self._questions = questions
        self._wiring: Wiring | None = None
        self._stamp: tuple[int, int] = (-1, -1)
        self.pairs: list[Pair] = []
        self.fates: list[Fate | None] = []
        self._broken: dict[str, dict[int, Broken]] = {}

    def update(self, wiring: Wiring) -> None:
        """Ask again about each pair whose fate may be another one."""
        if self._wiring is not wiring:
            self._wiring, self.walker, self._stamp = wiring, Walker(wiring), (-1, -1)
        walker = self.walker
        walker.refresh()
        if self._stamp != (wiring.version, walker.epoch):
            self._stamp = (wiring.version, walker.epoch)
            self.pairs = _pairs(wiring, Traffic(walker.fields))
            self.fates = [None] * len(self.pairs)
            self._broken = {name: {} for name in self._questions}
        for at, pair in enumerate(self.pairs):
            fate = walker.at(pair.start)
            if fate is not self.fates[at]:
                self.fates[at] = fate
                self._ask(at, pair, fate)

    def _ask(self, at: int, pair: Pair, fate: Fate) -> None:
        for name, question in self._questions.items():
            found = question(self._policy, pair, fate)
            if found is not None:
                self._broken[name][at] = found
            else:
                self._broken[name].pop(at, None)

    @property
    def hosts(self) -> list[Host]:
        """All hosts of the network."""
        return list(self._wiring.hosts.values()) if self._wiring is not None else []

    def position(self, question: str) -> int | None:
        """Which pair is the first of which something is wrong."""
        return min(self._broken[question], default=None)

    def first(self, question: str) -> Broken | None:
        """The answer about the first pair, in order of hosts, of which something is wrong."""
        at = self.position(question)
        return None if at is None else self._broken[question][at]


def _pairs(wiring: Wiring, traffic: Traffic) -> list[Pair]:
    """Every ordered pair of hosts that are plugged in where there is a switch, in order."""
    islands = _islands(wiring)
    there = [
        host
        for host in wiring.hosts.values()
        if host.at not in wiring.out and wiring.switches[host.at[0]] is not None
    ]
    pairs = []
    for src in there:
        here = src.at[0]
        for dst in wiring.hosts.values():
            if dst is src or dst.at in wiring.out:
                continue
            connected = islands.get(here) == islands.get(dst.at[0])
            pairs.append(Pair(src, dst, (here, traffic.between(src, dst)), connected))
    return pairs


def _islands(wiring: Wiring) -> dict[str, int]:
    """Switch -> number of its island of working cables."""
    next_to: dict[str, list[str]] = {name: [] for name in wiring.switches}
    for near, far in wiring.cables.items():
        if near not in wiring.out and wiring.linked(near):
            next_to[near[0]].append(far[0])
    found: dict[str, int] = {}
    for count, start in enumerate(wiring.switches):
        if start in found or wiring.switches[start] is None:
            continue
        todo = [start]
        while todo:
            name = todo.pop()
            if name not in found:
                found[name] = count
                todo += next_to[name]
    return found

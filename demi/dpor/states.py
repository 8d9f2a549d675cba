"""What identifies a state in a stateful search: numbers for parts that were met before, and symmetry.

The one insight: a step changes one node, so the rest of a state is made of parts already met; each gets
a small number the first time, and a state is a tuple of numbers.

With symmetry (`Target.portrait`) a state stands for all that differ only in which node is which: its key
is the smallest over the renamings.  Nodes are first told apart by their portraits with all other names
blotted out, so that only what is left alike is permuted (after Clarke, Emerson, Jha, Sistla, CAV 1998;
Ip, Dill, FMSD 1996).

Worlds other than actors are asked for their digest.  Not here: the search (`stateful.py`).
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Hashable, Mapping, Sequence
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

from demi.dpor.numbering import KEPT_MAX, Numbers, Where
from demi.dpor.space import Space
from demi.errors import ContractError
from demi.interpose.actor_state import Anatomy
from demi.interpose.actor_world import ActorWorld
from demi.interpose.canon import canonical, renamed
from demi.interpose.payload import Serialized
from demi.oracle import Symmetric

RENAMINGS_MAX = 720  # of nodes that nothing tells apart: six; more of them are left in order

Flight = tuple[int, int, list[tuple[int, Any]]]
"""(dst, src, [(number, packet)])"""


def key_of(space: Space) -> Callable[[], Hashable]:
    """How the states of a space are told apart."""
    world = space.world
    if type(world) is ActorWorld:
        return ActorKey(space, world)
    numbers = Numbers()

    def key() -> Hashable:
        memory = tuple([numbers.of(one) for one in space.memory])
        gate = space.gate.save() if space.gate.active else None
        return world.digest(), memory, gate, space.broken

    return key


class ActorKey:
    """The key of a world of actors.  symmetric: nodes may be renamed."""

    def __init__(self, space: Space, world: ActorWorld) -> None:
        subject = space.setup.subject
        portrait = subject.target.portrait(subject.config)
        free = world.capabilities.timers == "free"
        self.symmetric = (
            portrait is not None and free and world.capabilities.network != "causal"
            and all(isinstance(one, Symmetric) for one in subject.invariants)
        )  # fmt: skip
        self._portrait = portrait
        self._space = space
        self._world = world
        self._numbers = Numbers()
        self._same: Where = tuple(range(len(world.names)))
        self._sorted: dict[tuple[int, ...], list[Where]] = {}  # numbers of nodes -> renamings
        self._maps: dict[Where, dict[str, str]] = {}
        self._masks = [
            {other: "@" if at == node else "*" for at, other in enumerate(world.names)}
            for node in self._same
        ]

    def __call__(self) -> bytes:
        """16 bytes."""
        parts, numbers = self._world.anatomy(), self._numbers
        nodes = self._nodes(parts)
        kept = numbers.kept
        flight = []
        for dst, src, packets in parts.flight:
            numbered = []
            for one in packets:
                known = kept.get(id(one))
                number = numbers.keep(one, _packet_text(one)) if known is None else known[1]
                numbered.append((number, one))
            flight.append((dst, src, numbered))
        memory = [numbers.of(one) for one in self._space.memory]
        if not self.symmetric:
            least = marshal.dumps(self._plain(parts, nodes, flight, memory), 2)
        else:
            least, *others = [
                marshal.dumps(self._under(where, parts, nodes, flight, memory), 2)
                for where in self._renamings(parts, nodes)
            ]
            if others:
                least = min(least, *others)
        return blake2b(least, digest_size=16).digest()

    def _nodes(self, parts: Anatomy) -> list[int]:
        """The number of each node's state."""
        numbers, world = self._numbers, self._world
        nodes = []
        for node, saved in enumerate(parts.saved):
            known = None if saved is None else numbers.kept.get(id(saved))
            if known is not None:
                nodes.append(known[1])
            elif saved is None:
                nodes.append(numbers.of_text(world.node_text(node)))
            else:
                nodes.append(numbers.keep(saved, world.node_text(node)))
        return nodes

    def _plain(
        self, parts: Anatomy, nodes: list[int], flight: list[Flight], memory: list[int]
    ) -> tuple[Any, ...]:
        """The state's numbers: plain ints, so that equal means equal bytes."""
        numbers, space = self._numbers, self._space
        return (
            nodes, [(dst, src, *[number for number, _ in packets]) for dst, src, packets in flight],
            memory, numbers.of_text(canonical(parts.order)) if parts.order else 0,
            sorted(parts.timers), sorted(parts.cut), self._externals(parts, {}),
            [round(clock, 9) for clock in parts.clocks],
            space.gate.counters(self._same) if space.gate.active else (), space.broken,
        )  # fmt: skip

    def _under(
        self,
        where: Where,
        parts: Anatomy,
        nodes: list[int],
        flight: list[Flight],
        memory: list[int],
    ) -> tuple[Any, ...]:
        """`_plain` after a renaming."""
        numbers, space, names = self._numbers, self._space, self._names(where)
        known = numbers.renamed(where)
        moved = [0] * len(where)
        for node, at in enumerate(where):
            number = nodes[node]
            if number not in known:
                known[number] = numbers.of_text(self._text(node, names, parts))
            moved[at] = known[number]
        sent = []
        for dst, src, packets in flight:
            lane = [where[dst], where[src]]
            for number, one in packets:
                if number not in known:
                    known[number] = numbers.of_text(_packet_text(one, names))
                lane.append(known[number])
            sent.append(lane)
        sent.sort()
        remembered = []
        for i, number in enumerate(memory):
            known = numbers.renamed((i, *where))
            if number not in known:
                known[number] = numbers.of_text(self._memory(i, where))
            remembered.append(known[number])
        clocks = [0.0] * len(parts.clocks)
        for node, clock in enumerate(parts.clocks):
            clocks[where[node]] = round(clock, 9)
        return (
            moved, sent, remembered, self._order(parts.order, where),
            sorted([(where[node], *rest) for node, *rest in parts.timers]),
            sorted([(where[src], where[dst]) for src, dst in parts.cut]),
            self._externals(parts, names), clocks,
            space.gate.counters(where) if space.gate.active else (), space.broken,
        )  # fmt: skip

    # ---- the parts

    def _text(self, node: int, names: dict[str, str], parts: Anatomy) -> str:
        actor, context = parts.nodes[node], parts.contexts[node]
        assert self._portrait is not None
        if actor is not None and context.drawn() is not None:
            raise ContractError(
                f"nodes are declared alike, but {self._world.names[node]} draws from its own ctx.random",
                where=f"portrait of {self._space.setup.subject.target.name}",
                remedy="return None from the target's portrait",
            )
        durable = dict(context.durable) if len(context.durable) else ()
        shown = None if actor is None else self._portrait(actor)
        return renamed((actor is None, shown, durable), names)

    def _externals(self, parts: Anatomy, names: dict[str, str]) -> list[int]:
        """Externals that say the same are the same, whatever their number."""
        return sorted([
            self._numbers.of_text(
                renamed((one.kind, one.nodes, one.label, one.args, one.one_way), names)
            )
            for one in parts.open
        ])  # fmt: skip

    def _memory(self, invariant: int, where: Where) -> str:
        """What an invariant remembers: node names in it are renamed, indices by the invariant itself."""
        watcher = self._space.setup.subject.invariants[invariant]
        assert isinstance(watcher, Symmetric)
        moved = watcher.permuted(self._space.memory[invariant], where)
        return renamed(moved, self._names(where))

    def _order(self, order: Any, where: Where) -> tuple[Any, ...]:
        """Of mailboxes: per receiver, the senders in order."""
        if not order:
            return ()
        moved: list[Any] = [()] * len(where)
        for dst, sources in enumerate(order):
            moved[where[dst]] = tuple([where[src] for src in sources])
        return tuple(moved)

    # ---- renamings

    def _names(self, where: Where) -> dict[str, str]:
        known = self._maps.get(where)
        if known is None:
            names = self._world.names
            known = self._maps[where] = {name: names[where[i]] for i, name in enumerate(names)}
        return known

    def _renamings(self, parts: Anatomy, nodes: list[int]) -> list[Where]:
        """All renamings that sort the nodes by what they are without the others' names."""
        key = tuple(nodes)
        found = self._sorted.get(key)
        if found is None:
            if len(self._sorted) >= KEPT_MAX:
                self._sorted.clear()
            found = self._sorted[key] = self._sorting(parts, nodes)
        return found

    def _sorting(self, parts: Anatomy, nodes: list[int]) -> list[Where]:
        alike: dict[int, list[int]] = {}
        for node, mask in enumerate(self._masks):
            looks = self._numbers.of_text(self._text(node, mask, parts))
            alike.setdefault(looks, []).append(node)
        groups = [alike[looks] for looks in sorted(alike)]
        places: list[list[int]] = []
        for group in groups:
            start = sum(map(len, places))
            places.append(list(range(start, start + len(group))))
        count = 1
        for group in groups:
            for size in range(2, len(group) + 1):
                count *= size
        if count > RENAMINGS_MAX:
            return [tuple(self._placed(groups, places))]
        return [
            tuple(self._placed(groups, list(choice)))
            for choice in product(*[list(permutations(place)) for place in places])
        ]

    def _placed(
        self, groups: Sequence[Sequence[int]], places: Sequence[Sequence[int]]
    ) -> list[int]:
        where = [0] * len(self._same)
        for group, place in zip(groups, places, strict=True):
            for node, at in zip(group, place, strict=True):
                where[node] = at
        return where


def _packet_text(packet: Any, names: Mapping[str, str] | None = None) -> str:
    value = packet.open() if type(packet) is Serialized else packet
    return canonical(value) if names is None else renamed(value, names)

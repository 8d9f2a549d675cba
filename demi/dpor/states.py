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
from functools import partial
from hashlib import blake2b
from itertools import permutations, product
from typing import Any

from demi.dpor.space import Space
from demi.errors import ContractError
from demi.interpose.actor_state import Anatomy
from demi.interpose.actor_world import ActorWorld
from demi.interpose.canon import canonical, renamed
from demi.interpose.payload import Serialized
from demi.oracle import Symmetric

KEPT_MAX = 200_000  # parts remembered by identity; cleared when full
RENAMINGS_MAX = 720  # of nodes that nothing tells apart: six; more of them are left in order

Where = tuple[int, ...]
"""Renaming: node i becomes node where[i]."""

Flight = tuple[int, int, list[tuple[int, Any]]]
"""(dst, src, [(number, packet)])"""


class Numbers:
    """A number per canonical text, per object for as long as it is kept, and per renaming of a number."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._kept: dict[int, tuple[object, int]] = {}
        self._renamed: dict[tuple[int, Where], int] = {}

    def of_text(self, text: str) -> int:
        """The number of a text."""
        return self._texts.setdefault(text, len(self._texts))

    def of(self, part: object, text: Callable[[], str]) -> int:
        """The number of an immutable part."""
        known = self._kept.get(id(part))
        if known is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            known = self._kept[id(part)] = (part, self.of_text(text()))
        return known[1]

    def renamed(self, number: int, where: Where, text: Callable[[], str]) -> int:
        """The number of what has this number, under a renaming."""
        known = self._renamed.get((number, where))
        if known is None:
            known = self._renamed[number, where] = self.of_text(text())
        return known


def key_of(space: Space) -> Callable[[], Hashable]:
    """How the states of a space are told apart."""
    world = space.world
    if type(world) is ActorWorld:
        return ActorKey(space, world)
    numbers = Numbers()

    def key() -> Hashable:
        memory = tuple([numbers.of(one, partial(canonical, one)) for one in space.memory])
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
        self._maps: dict[Where, dict[str, str]] = {}
        self._masks = [
            {other: "@" if at == node else "*" for at, other in enumerate(world.names)}
            for node in self._same
        ]

    def __call__(self) -> bytes:
        """16 bytes."""
        parts, numbers = self._world.anatomy(), self._numbers
        nodes = [self._node(node, parts) for node in self._same]
        flight = [
            (dst, src, [(numbers.of(one, partial(_packet_text, one)), one) for one in packets])
            for dst, src, packets in parts.flight
        ]  # fmt: skip
        memory = [numbers.of(one, partial(canonical, one)) for one in self._space.memory]
        if self.symmetric:
            least = min([
                marshal.dumps(self._under(where, parts, nodes, flight, memory), 2)
                for where in self._renamings(parts, nodes)
            ])  # fmt: skip
        else:
            least = marshal.dumps(self._plain(parts, nodes, flight, memory), 2)
        return blake2b(least, digest_size=16).digest()

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
        moved = [0] * len(where)
        for node, at in enumerate(where):
            moved[at] = numbers.renamed(nodes[node], where, partial(self._text, node, names, parts))
        sent = sorted([
            (where[dst], where[src], *[
                numbers.renamed(number, where, partial(_packet_text, one, names))
                for number, one in packets
            ])
            for dst, src, packets in flight
        ])  # fmt: skip
        known = [
            numbers.renamed(number, (i, *where), partial(self._memory, i, where))
            for i, number in enumerate(memory)
        ]
        clocks = [0.0] * len(parts.clocks)
        for node, clock in enumerate(parts.clocks):
            clocks[where[node]] = round(clock, 9)
        return (
            moved, sent, known, self._order(parts.order, where),
            sorted([(where[node], *rest) for node, *rest in parts.timers]),
            sorted([(where[src], where[dst]) for src, dst in parts.cut]),
            self._externals(parts, names), clocks,
            space.gate.counters(where) if space.gate.active else (), space.broken,
        )  # fmt: skip

    # ---- the parts

    def _node(self, node: int, parts: Anatomy) -> int:
        kept = parts.saved[node]
        if kept is None:
            return self._numbers.of_text(self._world.kept_text(node))
        return self._numbers.of(kept, lambda: self._world.kept_text(node))

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
        alike: dict[int, list[int]] = {}
        for node, mask in enumerate(self._masks):
            looks = self._numbers.renamed(
                nodes[node],
                (-1 - node,),
                partial(self._text, node, mask, parts),
            )
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

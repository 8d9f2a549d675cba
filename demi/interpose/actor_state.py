"""What there is in a world of actors: nodes, what is in flight, timers, links; read, saved, put back.

The one insight: a step changes one node, so the text of every other node and its place in a checkpoint
are the ones made before, and a digest or a checkpoint costs what changed.

Not here: what happens (`actor_world.py`); the text and the copy of one node (`canon.py`, `state.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

from demi.errors import ContractError
from demi.events import Event, External, Kind
from demi.interpose.actor import Context, Node
from demi.interpose.actor_view import UNREAD, ActorView
from demi.interpose.canon import Canon, canonical
from demi.interpose.channels import Network
from demi.interpose.outside import Outside
from demi.interpose.payload import Freezer, Serialized, holds_nan, label_of, to_json
from demi.interpose.state import Saved, copy_state, load_object, save_object
from demi.interpose.timers import TIMER, Armed
from demi.interpose.world import Step

DELIVER = int(Kind.DELIVER)
SHOWN_MAX = 1024  # messages whose JSON is remembered: a broadcast sends one object several times
TEXTS_MAX = 50_000  # texts of saved nodes and packets remembered by `digest`
NodeSaved = tuple[Saved | None, int | None, dict[str, Any]]
"""A node in a checkpoint: its object (None while down), its stream's state, its durable items."""


class Anatomy(NamedTuple):
    """Live parts of a world's state, to be read before its next step.

    nodes: None while down.  saved: per node what the last checkpoint holds, None if it changed since.
    flight: (dst, src, packets).  timers: (node, slot) under free timers, else `ActorWorld.armed`.
    open: externals offered and not taken.  clocks: () unless some node reads them.
    """

    nodes: Sequence[Node | None]
    saved: Sequence[NodeSaved | None]
    contexts: Sequence[Context]
    flight: list[tuple[int, int, list[Any]]]
    order: object
    timers: Sequence[tuple[Any, ...]]
    cut: frozenset[tuple[int, int]]
    open: Sequence[External]
    clocks: tuple[float, ...]


class ActorState:
    """The parts of a world of actors and how they are read; `ActorWorld` moves them.

    names: of the nodes.  seed: of the run.  current: the newest step.
    reads_clock: some node has read its clock, which is state from then on.
    """

    names: Sequence[str]
    seed: int
    current: Step
    reads_clock: bool
    freezer: Freezer
    _canon: Canon
    _contexts: list[Context]
    _texts: dict[int, tuple[object, str]]
    _shown: dict[int, tuple[object, Any]]  # id -> an immutable message in flight and its JSON
    _prints: dict[int, tuple[object, object]]  # likewise, and what `fingerprint` says of it
    _digests: list[tuple[str, str]]  # per node the text of its last digest, and that
    _nodes: list[Node | None]
    _saved: list[NodeSaved | None]  # per node what the last checkpoint holds; None: changed since
    events: list[Event]
    network: Network
    _armed: Armed
    _armings: dict[tuple[int, int], int]
    _timer_names: dict[int, str]
    _clocks: list[float]
    cut: frozenset[tuple[int, int]]
    _free: bool
    _view: ActorView
    _outside: Outside

    # ---- time

    def clock(self, node: int) -> float:
        """Virtual seconds at a node: its own under free timers, the world's otherwise."""
        return self._clocks[node] if self._free else max(self._clocks)

    def _fields(self, node: Any) -> dict[str, Any]:
        """What is observed of a node whose target does not say: its fields, copied where possible."""
        fields = {}
        for name, value in vars(node).items():
            try:
                fields[name] = copy_state(value, self.freezer, {}, name)
            except ContractError:
                fields[name] = value
        return fields

    # ---- reading

    def external(self, event: Event) -> External:
        return self._outside.external(event)

    def label(self, event: Event) -> str:
        kind = event[0]
        if kind == DELIVER:
            packet = self.network.peek(event)
            return label_of(packet.original if type(packet) is Serialized else packet)
        if kind == TIMER:
            return self._timer_names[event[2]]
        return self.external(event).label

    def fingerprint(self, event: Event) -> object:
        if event[0] != DELIVER:
            return None
        packet = self.network.peek(event)
        known = self._prints.get(id(packet))
        if known is None:
            if len(self._prints) >= SHOWN_MAX:
                self._prints.clear()
            known = self._prints[id(packet)] = packet, _print(packet)
        return known[1]

    def payload(self, event: Event) -> Any:
        kind = event[0]
        if kind != DELIVER:
            return None if kind == TIMER else self.external(event).args
        packet = self.network.peek(event)
        if type(packet) is Serialized:
            return to_json(packet.open())
        shown = self._shown.get(id(packet))
        if shown is None:
            if len(self._shown) >= SHOWN_MAX:
                self._shown.clear()
            shown = self._shown[id(packet)] = packet, to_json(packet)
        return shown[1]

    def in_flight(self, dst: int, src: int) -> Sequence[Event]:
        return self.network.channel(dst, src)

    def channels(self) -> Sequence[tuple[int, int]]:
        return self.network.channels()

    def node_digest(self, node: int) -> str:
        actor, context = self._nodes[node], self._contexts[node]
        bare = actor is not None and not context.durable.kept and context.drawn() is None
        text = self._canon.node(actor, node) if bare else self.node_text(node)
        last, digest = self._digests[node]
        if text is not last:
            digest = f"{crc32(text.encode()):08x}"
            self._digests[node] = text, digest
        return digest

    def node_text(self, node: int) -> str:
        """Canonical text of a node's state, its stream and its durable items."""
        actor, context = self._nodes[node], self._contexts[node]
        text = "down" if actor is None else self._canon.node(actor, node)
        if context.durable.kept:
            text += canonical({key: _opened(kept) for key, kept in context.durable.saved().items()})
        drawn = context.drawn() if actor is not None else None  # a restart begins the stream again
        return text if drawn is None else f"{text}~{drawn}"

    def kept_text(self, node: int) -> str:
        """Canonical text of a node's state, remembered while a checkpoint holds the node as it is."""
        kept = self._saved[node]
        if kept is None:
            return self.node_text(node)
        return self._remembered(kept, lambda: self.node_text(node))

    def _remembered(self, key: object, text: Callable[[], str]) -> str:
        """The text of an immutable object, by identity; the object is kept so that its id stays taken."""
        known = self._texts.get(id(key))
        if known is None:
            if len(self._texts) >= TEXTS_MAX:
                self._texts.clear()
            known = self._texts[id(key)] = (key, text())
        return known[1]

    def _packet_text(self, packet: Any) -> str:
        return self._remembered(packet, lambda: canonical(_opened(packet)))

    def digest(self) -> bytes:
        flight = [
            (dst, src, [self._packet_text(packet) for packet in packets])
            for dst, src, packets in self.network.contents()
        ]
        whole = [
            [self.kept_text(node) for node in range(len(self.names))],
            flight, canonical(self.network.order()), self.armed(), sorted(self.cut),
            self._outside.waiting(),
        ]  # fmt: skip
        if self._free and self.reads_clock:
            whole.append([round(clock, 9) for clock in self._clocks])
        return hashlib.blake2b(repr(whole).encode(), digest_size=16).digest()

    def armed(self) -> list[tuple[int, str, float]]:
        """(node, timer, seconds until its deadline), sorted; deadlines decide only with one clock."""
        now = self.clock(0)
        return sorted(
            (node, name, 0.0 if self._free else round(deadline - now, 9))
            for (node, _), (_, name, deadline) in self._armed.items()
        )

    def anatomy(self) -> Anatomy:
        """The state in its parts, for searches over states; see `Anatomy`."""
        return Anatomy(
            self._nodes, self._saved, self._contexts, self.network.contents(), self.network.order(),
            [(node, slot) for node, slot in self._armed] if self._free else self.armed(), self.cut,
            self._outside.open(), tuple(self._clocks) if self._free and self.reads_clock else (),
        )  # fmt: skip

    # ---- checkpoints

    def checkpoint(self) -> object:
        saved = self._saved
        for node, kept in enumerate(saved):
            if kept is None:
                saved[node] = self._save_node(node)
        return (
            self.seed,
            tuple(saved),
            tuple(self.events),
            self.network.save(),
            dict(self._armed),
            dict(self._armings),
            tuple(self._clocks),
            self.cut,
            self._outside.save(),
            tuple(self._view._cache),
        )

    def _save_node(self, node: int) -> NodeSaved:
        actor, context = self._nodes[node], self._contexts[node]
        image = None if actor is None else save_object(actor, self.freezer)
        return image, context.drawn(), context.durable.saved()

    def restore(self, saved: Any) -> None:
        seed, nodes, enabled, network, armed, armings, clocks, cut, outside, seen = saved
        mine, cache, immutable = self._saved, self._view._cache, self.freezer.immutable
        if seed != self.seed:
            self.seed = seed
            for node, context in enumerate(self._contexts):
                context.begin(seed)
                mine[node] = None
        for node, kept in enumerate(nodes):
            if kept is not mine[node]:  # else untouched since that checkpoint
                mine[node] = kept
                # kept only if what was observed cannot have followed the old object
                cache[node] = seen[node] if immutable(seen[node]) else UNREAD
                actor, state, durable = kept
                self._nodes[node] = None if actor is None else load_object(actor, self.freezer)
                context = self._contexts[node]
                context.rewind(state)
                context.durable.load(durable)
        self.network.load(network)
        self.events[:] = enabled
        self._armed = dict(armed)
        self._armings = dict(armings)
        self._clocks[:] = clocks
        self.cut = cut
        self._outside.load(outside)


def _print(packet: Any) -> object:
    """What is equal in messages that are; see `World.fingerprint`."""
    if type(packet) is Serialized:
        return canonical(packet.open())
    return canonical(packet) if holds_nan(packet) else packet


def _opened(packet: Any) -> Any:
    return packet.open() if type(packet) is Serialized else packet

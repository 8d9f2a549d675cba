"""Dependence: which two steps may not be swapped.

The one insight: a step *touches* resources (a node, the tail of a channel, a link, a budget), and two
steps depend on each other when one writes what the other touches; so every event kind, network model
and bound is described by one line that says what it touches, and the algorithms know nothing of them.

What a step touches is known once it has run and is a function of its causal past, so it may be kept for
as long as the step sleeps.  A target's `commutes` hook only lifts the conflict at the node itself: two
messages of one channel, or two deliveries that send on one channel, stay dependent.

Worlds other than actors: a fault, a failing step or a `wide` one conflicts with everything.
Not here: happens-before (`history.py`), checking the hook (`hook.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from demi.events import Event, External, Kind
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import Step, World

DELIVER, TIMER, INJECT = int(Kind.DELIVER), int(Kind.TIMER), int(Kind.INJECT)
CRASH, DROP, DUPLICATE = int(Kind.CRASH), int(Kind.DROP), int(Kind.DUPLICATE)
LINKS = (int(Kind.CUT), int(Kind.HEAL))

Process = tuple[int, ...]
Hook = Callable[[str, Any, str, Any], bool]


class NeedWider(Exception):
    """The relation is too narrow: start over with sends touching their channel (`tails`).

    A node sends in another's name, or what a message lets the hook say differs from run to run.
    """


class Foot(NamedTuple):
    """What a step touched.

    writes, reads: sets of resources as bits.  process: steps of one process are never a race.
    content: number of the message's content for the hook, -1 when the hook does not apply.
    pushed: channels it sent on, where only the hook needs them.
    """

    writes: int
    reads: int
    process: Process
    content: int = -1
    pushed: int = 0

    def beyond(self, one: Foot, other: Foot) -> bool:
        """May a step that is independent of both others depend on this one?"""
        writes = one.writes | other.writes
        return bool(
            self.writes & ~writes
            or self.reads & ~(writes | one.reads | other.reads)
            or self.content != other.content
            or self.pushed & ~other.pushed
        )


class Relation:
    """The dependence of one world under one program.

    externals: all that will ever be offered.  budgets: kinds of event whose number is bounded, so that
    any two of them compete.  watched: steps that change what invariants see depend on each other.
    plain: only nodes are touched and there is no hook, which algorithms may use to go faster.
    tails: sends touch the tail of their channel; see `NeedWider`.
    dynamic: what a step touches besides its node depends on the state it runs in.
    """

    def __init__(
        self,
        world: World,
        externals: Sequence[External],
        *,
        hook: Hook | None = None,
        budgets: frozenset[int] = frozenset(),
        watched: bool = False,
        tails: bool = False,
    ) -> None:
        can = world.capabilities
        self._world = world
        self._nodes = count = len(world.names)
        self.model = can.network
        self.names = tuple(world.names)
        self.budgets = budgets
        self.watched = watched
        kinds = {external.kind for external in externals}
        self.precise = isinstance(world, ActorWorld)
        self.clocked = can.timers != "free"
        self._faults = not self.precise
        self._links = self.precise and bool(kinds & {Kind.CUT, Kind.HEAL})
        self._disturbed = self.precise and bool(kinds & {Kind.DROP, Kind.DUPLICATE})
        self.tails = tails or self._disturbed
        self.hook = hook if self.model in ("fifo", "bag") and self.precise else None
        self.hook_ignored = hook is not None and self.hook is None
        # bits: nodes, link per channel, head per channel, tail per channel, inbox per node, the rest
        pairs = count * count
        self._link0, self._head0, self._tail0 = count, count + pairs, count + 2 * pairs
        inbox0 = count + 3 * pairs
        self._inbox0, self._budget0 = inbox0, inbox0 + count
        self._view = 1 << (self._budget0 + 16)
        self._global = 1 << (self._budget0 + 17)
        self.plain = not (
            self.tails or self.hook or self._links or budgets or watched or self._faults or self.clocked
        ) and self.model in ("fifo", "bag", "causal")  # fmt: skip
        self.dynamic = self.tails or watched or self._faults or self.model == "mailbox"
        self._contents: dict[tuple[str, object], int] = {}
        self._known: list[tuple[str, object]] = []
        self._commute: dict[tuple[int, int], bool] = {}
        self._processes: dict[Event, Process] = {}
        self._plain_feet: dict[Event, Foot] = {}
        self._heard: dict[tuple[Event, int], tuple[int, int]] = {}

    # ---- what a step touches

    def content(self, event: Event) -> int:
        """The number of a pending message's content for the hook; -1 when it has none."""
        kind = event[0]
        world = self._world
        if kind == DELIVER:
            key: tuple[str, object] = (world.label(event), world.fingerprint(event))
        elif kind == INJECT:
            external = world.external(event)
            key = (external.label, _frozen(external.args))
        else:
            return -1
        number = self._contents.get(key)
        if number is None:
            number = self._contents[key] = len(self._known)
            shown = external.args if kind == INJECT else key[1]
            self._known.append((key[0], shown))
        return number

    def foot(self, event: Event, step: Step, content: int, changed: bool) -> Foot:
        """What the step of `event` touched.  content: from before it ran.  changed: as seen."""
        if self.plain:
            foot = self._plain_feet.get(event)
            if foot is None:
                foot = self._plain_feet[event] = Foot(1 << event[1], 0, self.process(event))
            return foot
        kind = event[0]
        writes, reads = self._of_kind(event)
        if kind in self.budgets:
            writes |= 1 << (self._budget0 + kind)
        if changed:
            writes |= self._view
        if self._faults or self.clocked:
            alone = not self.clocked and self._alone(event, step)
            reads, writes = (
                (reads | self._global, writes) if alone else (reads, writes | self._global)
            )
        tails, pushed = self._of_sends(step)
        content = self._said(event, content, step, pushed)
        return Foot(writes | tails, reads, self.process(event), content, pushed)

    def _of_kind(self, event: Event) -> tuple[int, int]:
        """What an event of its kind writes and reads, whatever its handler does."""
        kind, node, peer, _ = event
        writes, reads = 1 << node, 0
        if kind == DELIVER:
            at = node * self._nodes + peer
            if self._links:
                reads |= 1 << (self._link0 + at)
            if self._disturbed:
                writes |= 1 << (self._head0 + at)
        elif kind in LINKS:
            writes = self._of_links(event)
        elif kind in (DROP, DUPLICATE):
            writes = self._of_disturbance(event)
        return writes, reads

    def _said(self, event: Event, content: int, step: Step, pushed: int) -> int:
        """The content for the hook after all; NeedWider when a message is not always of the same use."""
        if content < 0:
            return content
        plain = not (step.armed or step.cancelled or step.failure) and step.received
        now = (content if plain else -1, pushed)
        if not self.dynamic and self._heard.setdefault((event, content), now) != now:
            raise NeedWider
        return now[0]

    def _of_sends(self, step: Step) -> tuple[int, int]:
        """What sending touches, and the channels sent on."""
        writes = pushed = 0
        for kind, dst, src, _ in step.sent:
            if kind == DELIVER:
                at = dst * self._nodes + src
                pushed |= 1 << at
                if self.tails:
                    writes |= 1 << (self._tail0 + at)
                if self.model == "mailbox":
                    writes |= 1 << (self._inbox0 + dst)
        return writes, pushed

    def _alone(self, event: Event, step: Step) -> bool:
        """In a world that is not known: did the step stay at its node?"""
        foreign = any(sent[2] != event[1] for sent in step.sent)
        more = step.wide or step.failure or step.lost or foreign
        return event[0] in (DELIVER, TIMER, INJECT) and not more

    def _of_links(self, event: Event) -> int:
        if not self.precise:
            return self._global
        external = self._world.external(event)
        a, b = (self._world.names.index(name) for name in external.nodes)
        writes = 1 << (self._link0 + b * self._nodes + a)
        return writes if external.one_way else writes | 1 << (self._link0 + a * self._nodes + b)

    def _of_disturbance(self, event: Event) -> int:
        if not self.precise:
            return self._global
        external = self._world.external(event)
        src, dst = (self._world.names.index(name) for name in external.nodes)
        at = dst * self._nodes + src
        writes = 1 << (self._head0 + at) | 1 << (self._tail0 + at)
        if self.model in ("causal", "mailbox"):  # also what else may arrive, and what src knows
            writes |= 1 << dst | 1 << src | 1 << (self._inbox0 + dst)
        return writes

    def process(self, event: Event) -> Process:
        """The process of the papers: a channel, an inbox, a message, a timer or an external."""
        found = self._processes.get(event)
        if found is None:
            kind, node, peer, _ = event
            if (
                kind == DELIVER and self.model == "streams"
            ):  # one per connection; datagrams are a bag
                lane = event[3] >> 20
                found = (kind, node, peer, lane) if lane else event
            elif kind == DELIVER and self.model != "bag":
                found = (kind, node) if self.model == "mailbox" else (kind, node, peer)
            else:
                found = event
            self._processes[event] = found
        return found

    # ---- the relation

    def dependent(self, a: Foot, b: Foot) -> bool:
        """May a and b not be swapped?"""
        aw, ar, ap, ac, apushed = a
        bw, br, bp, bc, bpushed = b
        common = aw & (bw | br) | ar & bw
        if not common:
            return False
        if ac < 0 or bc < 0 or common & (common - 1) or common >> self._nodes:
            return True
        if ap == bp or apushed & bpushed:
            return True
        pair = (ac, bc)
        commute = self._commute.get(pair)
        return not (self.asked(ac, bc) if commute is None else commute)

    def asked(self, a: int, b: int) -> bool:
        """What the hook says of two contents; it must not depend on their order."""
        assert self.hook is not None
        (label_a, msg_a), (label_b, msg_b) = self._known[a], self._known[b]
        commute = bool(self.hook(label_a, msg_a, label_b, msg_b)) and bool(
            self.hook(label_b, msg_b, label_a, msg_a)
        )
        self._commute[a, b] = self._commute[b, a] = commute
        return commute


def _frozen(args: Any) -> object:
    if isinstance(args, dict):
        return tuple(sorted((key, _frozen(value)) for key, value in args.items()))
    return tuple(_frozen(part) for part in args) if isinstance(args, list) else args

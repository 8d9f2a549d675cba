"""Optimal-DPOR with wakeup trees: Abdulla, Aronis, Jonsson, Sagonas, POPL 2014, algorithm 2.

The one insight: planning the whole reversing continuation, and not only its first step, keeps the run
that follows it from ending in a sleep-set block; so exactly one execution per class is started at all.

Races are analysed over the whole trace at each maximal execution: looking only at what is new since the
last branch is several times faster and loses classes when what a node sends depends on its state.
A continuation that turns out not to be possible (a drop that finds nothing) is left out and counted.

Not here: parsimonious race reversal (POP, CAV 2024), which needs no trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from demi.dpor.again import probe
from demi.dpor.history import History
from demi.dpor.hook import HookCheck
from demi.dpor.relation import Foot
from demi.dpor.space import Space
from demi.dpor.tally import Tally, share_of
from demi.dpor.tree import First, lowest
from demi.events import Event


class NeedSource(Exception):
    """A total or the length of runs is bounded, which wakeup trees know nothing of."""


@dataclass(slots=True)
class Branch:
    """One planned step of a wakeup tree and what is planned after it."""

    event: Event
    foot: Foot
    below: list[Branch] = field(default_factory=list)


@dataclass(slots=True)
class Node:
    """A node on the stack.  asleep: sleep set and what was explored from here.  tree: planned."""

    enabled: list[Event]
    asleep: dict[Event, Foot]
    tree: list[Branch]
    saved: object = None
    races: list[int] = field(default_factory=list)  # of the step taken from here
    gone: list[Event] = field(default_factory=list)  # what that step disabled
    tried: int = 0
    probed: dict[tuple[Event, ...], Foot | None] = field(default_factory=dict)


class Sequence:
    """A continuation v as positions of the history (bits), cheap to shorten from the front."""

    __slots__ = ("history", "members", "reads", "where", "writes")

    def __init__(self, history: History, members: int) -> None:
        self.history = history
        self.members = members
        self.where = {}
        writes = reads = 0
        events, feet = history.events, history.feet
        rest = members
        while rest:
            low = rest & -rest
            at = low.bit_length() - 1
            self.where[events[at]] = at
            foot = feet[at]
            writes |= foot[0]
            reads |= foot[1]
            rest ^= low
        self.writes = writes
        self.reads = reads

    def weak_initial(self, event: Event, foot: Foot) -> int:
        """-2: no.  -1: an event that is not in v and is independent of all of it.  Else its position."""
        at = self.where.get(event, -1)
        history = self.history
        members = self.members
        if at >= 0 and members >> at & 1:
            return -2 if history.past[at] & members else at
        if not (foot[0] & (self.writes | self.reads) or foot[1] & self.writes):
            return -1
        dependent, feet = history.relation.dependent, history.feet
        rest = members
        while rest:
            low = rest & -rest
            if dependent(foot, feet[low.bit_length() - 1]):
                return -2
            rest ^= low
        return -1


def insert(v: Sequence, level: list[Branch]) -> bool:
    """Plan v in a wakeup tree unless an equivalent continuation is planned; True when it was added."""
    while True:
        for branch in level:
            at = v.weak_initial(branch.event, branch.foot)
            if at == -2:
                continue
            if at >= 0:
                v.members ^= 1 << at
            if not branch.below or not v.members:
                return False
            level = branch.below
            break
        else:
            _append(v, level)
            return True


def _append(v: Sequence, level: list[Branch]) -> None:
    history, rest = v.history, v.members
    while rest:
        low = rest & -rest
        at = low.bit_length() - 1
        branch = Branch(history.events[at], history.feet[at])
        level.append(branch)
        level = branch.below
        rest ^= low


class OptimalWalk:
    """One search; `run` may be interrupted by `Stop` and its stack then tells what is left."""

    def __init__(self, space: Space, tally: Tally, first: First = lowest) -> None:
        self.space = space
        self.tally = tally
        self.frames: list[Node] = []
        self._first = first
        self._fresh = False
        self._hook = HookCheck(space) if space.relation.hook is not None else None

    def run(self) -> None:
        """Walk the whole tree.  Raises `Stop`."""
        if self.space.relation.budgets:
            raise NeedSource
        if not self.frames:
            self.tally.start(self.space)
            self._enter({}, [])
        while self.frames:
            node = self.frames[-1]
            if not node.tree:
                self._leave()
            elif node.tree[0].event in node.asleep or node.tree[0].event not in node.enabled:
                self.tally.infeasible += 1
                del node.tree[0]
            else:
                self._step(node)

    def _leave(self) -> None:
        self._fresh = False
        self.frames.pop()
        if self.frames:
            above = self.frames[-1]
            done = above.tree.pop(0)
            above.asleep[done.event] = self.space.history.feet[-1]
            self.space.history.pop()

    def _step(self, node: Node) -> None:
        space = self.space
        if self._fresh:
            self._fresh = False
        else:
            space.load(node.saved, len(space.history))
        branch = node.tree[0]
        below, branch.below = branch.below, []  # the leaf in progress stays visible to insert()
        node.tried += 1
        foot, node.races = space.advance(branch.event)
        branch.foot = foot
        dependent = space.relation.dependent
        asleep = {q: other for q, other in node.asleep.items() if not dependent(other, foot)}
        if space.violation is not None:
            self.tally.violated(space)
        self._enter(asleep, below)

    def _enter(self, asleep: dict[Event, Foot], tree: list[Branch]) -> None:
        space = self.space
        enabled = space.enabled()
        node = Node(enabled, asleep, tree)
        awake = [one for one in enabled if one not in asleep]
        if self.frames:
            above = self.frames[-1]
            above.gone = space.disabled(above.enabled, enabled)
        self.frames.append(node)
        self._fresh = True
        if not enabled:
            self.tally.maximal(space, self.share)
            self._analyse()
            self._fresh = False
        elif len(self.frames) > space.steps_max:
            raise NeedSource
        elif not awake:
            self._fresh = False
            self.tally.sleeping(space, self.share)
            self._analyse()
            tree.clear()
        else:
            if len(awake) > 1:
                node.saved = space.save()
                if self._hook is not None and self._hook.look(node.saved, awake):
                    self._fresh = False
            if not tree:
                tree.append(Branch(self._first(awake), Foot(0, 0, ())))

    # ---- races

    def _analyse(self) -> None:
        """Reverse every race of the whole trace."""
        history = self.space.history
        end = len(history)
        frames, past = self.frames, history.past
        dynamic = history.relation.dynamic
        for e in range(end):
            for f in frames[e].races:
                node = frames[f]
                v = history.not_after(f, end)
                if not dynamic:
                    event = history.events[e]
                    if not past[e] & v and (event in node.asleep or event not in node.enabled):
                        continue  # an initial that was explored; or nothing but f makes e possible
                    self._plan(node, Sequence(history, v | 1 << e))
                elif not self._covered(node, v):
                    self._plan_probed(f, v, history.events[e], history.cause[e])
        for f in range(end):
            for event in frames[f].gone:
                self._plan_disabled(f, event)

    def _plan(self, node: Node, v: Sequence) -> None:
        for event, foot in node.asleep.items():
            if v.weak_initial(event, foot) != -2:
                return
        insert(v, node.tree)

    def _covered(self, node: Node, v: int) -> bool:
        """Is an initial of v asleep?  (Whatever the racing event will touch.)"""
        history = self.space.history
        return any(history.events[at] in node.asleep for at in history.initials(v))

    def _plan_disabled(self, f: int, event: Event) -> None:
        """A race with a step that f took away: without f it comes last, or as late as it may."""
        history = self.space.history
        v = history.not_after(f, len(history))
        if self._covered(self.frames[f], v):
            return
        while not self._plan_probed(f, v, event, history.born.get(event, -1)) and v:
            last = v.bit_length() - 1  # it takes the event away too
            v &= ~(1 << last)

    def _plan_probed(self, f: int, v: int, event: Event, cause: int) -> bool:
        """Plan v . event, which touches without f what a try shows; False when it cannot happen."""
        history = self.space.history
        foot = self._probe(f, v, event)
        if foot is None:
            return False
        past = history.past[cause] | 1 << cause if cause >= 0 else 0
        for at in range(len(history) - 1, f, -1):
            if (
                v >> at & 1
                and not past >> at & 1
                and history.relation.dependent(foot, history.feet[at])
            ):
                past |= history.past[at] | 1 << at
        self._plan_last(f, v, event, foot, past)
        return True

    def _plan_last(self, f: int, members: int, event: Event, foot: Foot, past: int) -> None:
        """Plan members . event, where event is not (so) in the history."""
        history, end = self.space.history, len(self.space.history)
        history.events.append(event)  # for a moment, as if it came last
        history.feet.append(foot)
        history.past.append(past)
        self._plan(self.frames[f], Sequence(history, members | 1 << end))
        del history.events[end:], history.feet[end:], history.past[end:]

    def _probe(self, f: int, v: int, event: Event) -> Foot | None:
        """What a step touches after the events v from the node before f; None when it cannot happen."""
        space, node, history = self.space, self.frames[f], self.space.history
        before = [history.events[at] for at in range(f, len(history)) if v >> at & 1]
        key = (event, *before)
        if key not in node.probed:
            node.probed[key] = probe(space, node.saved, f, before, event)
        return node.probed[key]

    def share(self) -> float:
        """The share of the tree that lies behind, counting what is planned so far."""
        return share_of(
            [(n.tried - 1, n.tried + max(0, len(n.tree) - 1)) for n in self.frames[:-1]]
        )

"""What each step changed: prior values by folding deltas, and how they read.

The one insight: a trace stores only new values, so who shows `1→2` must remember `1`; one fold from the
start does, whatever window of the trace is shown.  What it holds is copied on write and bounded in size,
so a reader of a long trace keeps a `mark` every few hundred steps and folds again from the nearest one.

Also kept here, for the same reason: which nodes are down and which links are cut before each step, since
when a field has its value, and which message says the same as the one before it on its link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from demi.events import EventName, Kind
from demi.render.glyphs import Glyphs
from demi.render.text import Long, brief, safe
from demi.trace import Entry, Header

VALUE_MAX = 24  # characters of one value in a change
ITEMS_MAX = (
    64  # items and characters of one observed value that are kept; beyond, its brief form is
)
TEXT_MAX = 2000
HEARD_MAX = 512  # links and types of messages remembered per node; more is a flood nobody reads
_LIFE = (Kind.START, Kind.RESTART, Kind.CRASH)
UNKNOWN: Any = object()
"""The prior value of a field that had none."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field got a value.  old: the one before, or UNKNOWN.  grown: new holds only what was appended.

    field: of another node than the step's own with the name of that node: `s3 port 2`.
    """

    field: str
    old: Any
    new: Any
    grown: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One step in its context.

    down, cut: before the step.  repeats: the step whose message said the same on this link, 0 for none.
    """

    changes: tuple[Change, ...] = ()
    down: frozenset[str] = frozenset()
    cut: frozenset[tuple[str, str]] = frozenset()
    repeats: int = 0


@dataclass(slots=True)
class Seen:
    """One node.  fields: what it shows.  since: the step of each field's value.

    heard: for a sender and type of message, the last step with its content's hash.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    heard: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def copy(self) -> Seen:
        """One that may be written to."""
        return Seen(dict(self.fields), dict(self.since), dict(self.heard))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to fold on from: everything after `steps` steps.  Its nodes are never written to."""

    steps: int
    nodes: Mapping[str, Seen]
    down: frozenset[str]
    cut: frozenset[tuple[str, str]]


class Fold:
    """The observed state, the nodes down and the links cut, step by step from the start or a mark."""

    __slots__ = ("_nodes", "_owned", "cut", "down", "steps")

    def __init__(self, mark: Mark) -> None:
        self.steps = mark.steps
        self.down = mark.down
        self.cut = mark.cut
        self._nodes: dict[str, Seen] = dict(mark.nodes)
        self._owned: set[str] = set()

    def mark(self) -> Mark:
        """Where it is now; what it holds is copied before it is next written to."""
        self._owned.clear()
        return Mark(self.steps, dict(self._nodes), self.down, self.cut)

    def node(self, name: str) -> Seen:
        """What a node shows now; not to be written to."""
        return self._nodes.get(name) or Seen()

    def _own(self, name: str) -> Seen:
        if name not in self._owned:
            self._nodes[name] = self.node(name).copy()
            self._owned.add(name)
        return self._nodes[name]

    def take(self, entry: Entry, name: EventName) -> Told:
        """Fold one step."""
        self.steps += 1
        down, cut = self.down, self.cut
        if name.kind == Kind.CRASH or entry.fail is not None:
            self.down |= {name.node}
        elif name.kind in _LIFE:
            self.down -= {name.node}
        elif name.kind in (Kind.CUT, Kind.HEAL) and len(name.nodes) == 2:
            first, second = name.nodes
            links = {(first, second)} if ">" in entry.id else {(first, second), (second, first)}
            self.cut = cut | links if name.kind == Kind.CUT else cut - links
        changes = self._changes(name.node, entry.delta) if entry.delta else ()
        for node, delta in entry.also.items() if entry.extra else ():
            changes += tuple([
                replace(change, field=f"{node} {change.field}") for change in self._changes(node, delta)
            ])  # fmt: skip
        return Told(changes, down, cut, self._repeats(entry, name))

    def _changes(self, node: str, delta: dict[str, Any]) -> tuple[Change, ...]:
        if delta == {"up": False}:
            return ()  # the crash mark says it; what the node knew stays, to compare a restart with
        seen = self._own(node)
        changes: list[Change] = []
        for name, value in delta.items():
            old = seen.fields.get(name, UNKNOWN)
            items = _grown(value)
            if items is not None:
                seen.fields[name] = _longer(old, items)
                changes.append(Change(name, old, kept(items), grown=True))
            else:
                now = kept(value)
                if old is not UNKNOWN and old == now:
                    continue
                seen.fields[name] = now
                changes.append(Change(name, old, now))
            seen.since[name] = self.steps
        return tuple(changes)

    def _repeats(self, entry: Entry, name: EventName) -> int:
        if name.kind != Kind.DELIVER or entry.fell or entry.msg in (None, {}, []):
            return 0
        seen = self._own(name.node)
        key = name.peer, name.label
        content = self._content(entry.msg)
        step, before = seen.heard.pop(key, (0, 0))
        if len(seen.heard) >= HEARD_MAX:
            del seen.heard[next(iter(seen.heard))]
        seen.heard[key] = self.steps, content
        return step if before == content else 0

    def _content(self, message: Any) -> int:
        try:
            return hash(msgspec.json.encode(message))
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
            return -self.steps  # not JSON: a trace made by hand; it equals no other


def start(header: Header, first: Iterable[Entry]) -> Mark:
    """Before the first step.  first: entries up to where every node has started."""
    nodes = {
        node: Seen({name: kept(value) for name, value in fields.items()})
        for node, fields in header.boot.get("state", {}).items()
    }
    return Mark(0, nodes, _unborn(first), frozenset())


def kept(value: Any) -> Any:
    """A value as it is, or its brief form when it is long: what is kept must be bounded."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    left = [TEXT_MAX]
    if not isinstance(value, (list, tuple)) or len(value) <= ITEMS_MAX:
        _weigh(value, left)
        if left[0] >= 0:
            return value
    count = len(value) if isinstance(value, (list, tuple)) else 0
    return Long(brief(value, 4 * VALUE_MAX), count)


def _weigh(value: Any, left: list[int]) -> None:
    """Take the size of a value from what is left; stops when nothing is."""
    left[0] -= len(value) if isinstance(value, str) else 1
    if left[0] < 0 or not isinstance(value, (dict, list, tuple)):
        return
    for part in value.items() if isinstance(value, dict) else value:
        _weigh(part, left)
        if left[0] < 0:
            return


def _longer(old: Any, items: list[Any]) -> Any:
    """A list with items appended; a long one only counts them."""
    if isinstance(old, Long):
        return Long(f"[… {brief(items, 2 * VALUE_MAX)[1:]}", old.count + len(items))
    return kept([*old, *items] if isinstance(old, (list, tuple)) else items)


def _grown(value: Any) -> list[Any] | None:
    """The items of `{"+": [items]}`, None for another value."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("+"), list):
        items: list[Any] = value["+"]
        return items
    return None


def _unborn(entries: Iterable[Entry]) -> frozenset[str]:
    """The nodes that are down at first: those whose life begins with a start or restart."""
    seen: set[str] = set()
    unborn: set[str] = set()
    for entry in entries:
        if entry.id.startswith("ext:"):
            name = entry.name
            if name.kind in _LIFE and name.node not in seen:
                seen.add(name.node)
                if name.kind != Kind.CRASH:
                    unborn.add(name.node)
        elif entry.fail is not None:
            seen.add(entry.name.node)
    return frozenset(unborn)


# ---- words


def phrases(changes: Iterable[Change], glyphs: Glyphs, plain: bool) -> list[str]:
    """Changes as text, short ones first: `role follower→leader`."""

    def said(value: Any) -> str:
        return brief(value, VALUE_MAX, glyphs.more, plain)

    texts = []
    for change in changes:
        name = safe(change.field[:VALUE_MAX], plain)
        if change.grown:
            texts.append(f"{name} +{said(change.new)}")
        else:
            was = "" if change.old is UNKNOWN else f"{said(change.old)}{glyphs.to}"
            texts.append(f"{name} {was}{said(change.new)}")
    return sorted(texts, key=lambda text: "[" in text or "{" in text)

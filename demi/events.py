"""Events: the steps of a system under test, as small tuples inside and structural names outside.

The one insight: an event is named by *what it is* (sender, receiver, label, n-th on that link), never
by when it ran, so its name survives the removal of unrelated events and replay, diff and people share
it.  Hot loops use `Event`, a tuple of four ints whose natural order is the canonical order of enabled
events.  `External` is an input from outside (client command, crash, cut...); everything else is internal.

Not here: making names for messages (`demi/scheduler/naming.py`), since that needs a running world.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from demi.errors import TraceError, UsageError


class Kind(IntEnum):
    """What one step does.  The order is the canonical order of enabled events."""

    DELIVER = 0
    TIMER = 1
    START = 2
    INJECT = 3
    CRASH = 4
    RESTART = 5
    CUT = 6
    HEAL = 7
    DROP = 8
    DUPLICATE = 9


Event = tuple[int, int, int, int]
"""`(kind, node, peer, n)`, all ints:

- `(DELIVER, dst, src, k)`: the k-th message (from 0) ever sent on the channel src -> dst;
- `(TIMER, node, slot, n)`: the n-th arming (from 0) of the timer in `slot` (`timer_slot(name)`);
- any external: `(kind, node, index of the External among those offered, 0)`; node is the first named.
"""

EXTERNAL_KINDS = frozenset(kind for kind in Kind if kind >= Kind.START)
_WORDS = {kind.name.lower(): kind for kind in Kind if kind >= Kind.START and kind != Kind.INJECT}
_NODE = r"[A-Za-z_][A-Za-z0-9_.\-]*"
_NODE_NAME = re.compile(_NODE)
_INPUT = r"[A-Za-z_][\w.\-]*"
_INPUT_NAME = re.compile(_INPUT)
_NTH = r"#([1-9][0-9]{0,8})"
_EXTERNAL_ID = re.compile(rf"ext:({_INPUT})\(({_NODE}(?:[,>]{_NODE})*)?\){_NTH}")
_DELIVERY_ID = re.compile(rf"({_NODE})>({_NODE}):([^#]+){_NTH}")
_TIMER_ID = re.compile(rf"({_NODE})!([^#]+){_NTH}")


def valid_node_name(name: str) -> bool:
    """True when `name` may appear in an event id: a letter or _, then letters, digits, `_`, `.`, `-`."""
    return _NODE_NAME.fullmatch(name) is not None


def valid_label(label: str) -> bool:
    """True when a message type or timer name may appear in an event id: printable, without `#`."""
    return label != "" and label.isprintable() and "#" not in label


@dataclass(frozen=True, slots=True)
class External:
    """One input from outside the system.

    kind: any of `EXTERNAL_KINDS`.  nodes: node names; two for CUT, HEAL, DROP, DUPLICATE (from, to).
    label: the kind of input for INJECT ("client"), empty otherwise.  args: JSON content of an INJECT.
    nth: which one of its name, from 1, fixed when the program is generated so that it survives the
    removal of its siblings.  one_way: a CUT or HEAL of the direction nodes[0] -> nodes[1] only.
    group: externals with one non-empty group are removed together (crash with its restart).
    """

    kind: Kind
    nodes: tuple[str, ...]
    label: str = ""
    args: Any = field(default=None, hash=False)
    nth: int = 1
    one_way: bool = False
    group: str = ""

    def __post_init__(self) -> None:
        if self.kind not in EXTERNAL_KINDS:
            raise UsageError(f"{self.kind.name.lower()} is not an external event")
        if self.one_way and self.kind not in (Kind.CUT, Kind.HEAL):
            raise UsageError(f"{self.kind.name.lower()} has no direction to be one-way in")
        if self.label in _WORDS:
            raise UsageError(
                f"an input may not be called {self.label!r}",
                remedy="rename it: the word is a fault",
            )
        if (self.kind == Kind.INJECT) != (_INPUT_NAME.fullmatch(self.label) is not None):
            raise UsageError(
                f"{self.kind.name.lower()} may not have the label {self.label[:40]!r}",
                remedy="an input is named by a letter or _, then letters, digits, _ . -; a fault is not",
            )

    @property
    def stem(self) -> str:
        """The id without its number: `ext:client(n2)`; siblings share it."""
        word = self.label if self.kind == Kind.INJECT else self.kind.name.lower()
        directed = self.one_way or self.kind in (Kind.DROP, Kind.DUPLICATE)
        return f"ext:{word}({('>' if directed else ',').join(self.nodes)})"

    @property
    def id(self) -> str:
        """The structural id: `ext:crash(n2)#1`, `ext:cut(n1>n2)#1` (one way), `ext:client(n2)#3`."""
        return f"{self.stem}#{self.nth}"


def parse_external(event_id: str, args: Any = None, group: str = "") -> External:
    """The inverse of `External.id`.  Raises TraceError when the id is not an external's."""
    match = _EXTERNAL_ID.fullmatch(event_id)
    if match is None:
        raise TraceError(f"not an external event id: {event_id[:80]!r}")
    word, nodes, nth = match.groups()
    kind = _WORDS.get(word, Kind.INJECT)
    names = tuple(re.split("[,>]", nodes)) if nodes else ()
    one_way = kind in (Kind.CUT, Kind.HEAL) and ">" in (nodes or "")
    label = word if kind == Kind.INJECT else ""
    external = External(kind, names, label, args, int(nth), one_way, group)
    if external.id != event_id:  # a separator that this kind does not use
        raise TraceError(
            f"not an external event id: {event_id[:80]!r}", remedy=f"write {external.id[:80]}"
        )
    return external


def number(externals: Iterable[External]) -> tuple[External, ...]:
    """Give each external its `nth` among those of the same stem, in order."""
    seen: dict[str, int] = {}
    numbered = []
    for external in externals:
        seen[external.stem] = seen.get(external.stem, 0) + 1
        numbered.append(replace(external, nth=seen[external.stem]))
    return tuple(numbered)


@dataclass(frozen=True, slots=True)
class EventName:
    """A parsed event id.  Delivery: node = receiver, peer = sender; timer: peer is empty."""

    kind: Kind
    node: str
    peer: str
    label: str
    nth: int
    nodes: tuple[str, ...]


def parse_id(event_id: str) -> EventName:
    """Read any event id.  Raises TraceError when it has none of the three shapes."""
    if event_id.startswith("ext:"):
        ext = parse_external(event_id)
        node = ext.nodes[0] if ext.nodes else ""
        return EventName(ext.kind, node, "", ext.label, ext.nth, ext.nodes)
    match = _DELIVERY_ID.fullmatch(event_id)
    if match is not None and match[3].isprintable():
        src, dst, label, nth = match.groups()
        return EventName(Kind.DELIVER, dst, src, label, int(nth), (dst,))
    match = _TIMER_ID.fullmatch(event_id)
    if match is not None and match[2].isprintable():
        node, label, nth = match.groups()
        return EventName(Kind.TIMER, node, "", label, int(nth), (node,))
    raise TraceError(f"not an event id: {event_id[:80]!r}")


def delivery_id(src: str, dst: str, label: str, nth: int) -> str:
    """`n1>n2:RequestVote#2`: the 2nd RequestVote that n1 sent to n2."""
    return f"{src}>{dst}:{label}#{nth}"


def timer_id(node: str, name: str, nth: int) -> str:
    """`n1!election#1`: the first arming of n1's election timer."""
    return f"{node}!{name}#{nth}"


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause in a program of externals: nothing further is offered before it is over.

    Over when nothing is enabled but what was offered (quiescence), after `steps` steps, or when the
    target's condition called `condition` holds, whichever comes first among those that are set.
    `steps` caps a condition that never comes.
    """

    steps: int = 0
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Nudge:
    """Ask the scheduler to take one enabled event chosen by the target's selector `selector` now."""

    selector: str


Item = External | Wait | Nudge


@dataclass(frozen=True, slots=True)
class Program:
    """What the outside does in one run: externals in order, with waits and nudges between them.

    Externals between two waits are offered together; when each happens is the strategy's choice.
    """

    items: tuple[Item, ...] = ()

    def externals(self) -> Iterator[External]:
        return (item for item in self.items if isinstance(item, External))


def frozen_args(args: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Args of an external with keys in sorted order, so that equal args encode to equal bytes."""
    return None if args is None else {key: args[key] for key in sorted(args)}

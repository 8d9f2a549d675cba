"""Traces: what was chosen and what happened, as a header, one entry per event and a footer.

The one insight: an entry is named by its event's structural id, so a subset of a trace is again
something that can be asked for, and a diff of two traces is a diff of two sets of names.

Not here: the file format (`demi/trace_codec.py`), causality (`demi/causality.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from demi.events import EventName, External, parse_external, parse_id
from demi.verdict import Verdict, Violation

VERSION = 1


@dataclass(frozen=True, slots=True)
class Header:
    """How the run was made.

    target, config, target_version: what ran.  nodes: names in canonical order.  network, timers: the
    models.  strategy, seed: who chose.  hash_seed: only for targets that need it pinned.
    tool: demi's version.  parent: digest of the trace this one was minimized from, "" otherwise.
    boot: what happened before the first event: ids sent (`out`) and observed states (`state`).
    extra: keys of a later writer, kept.
    """

    target: str
    config: dict[str, Any]
    nodes: tuple[str, ...]
    network: str = "fifo"
    lossy: bool = False
    timers: str = "free"
    strategy: str = ""
    seed: int = 0
    hash_seed: str = ""
    tool: str = ""
    target_version: str = ""
    parent: str = ""
    boot: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


ALSO = "also"
"""The key of an entry for changes of nodes besides its own."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One event that happened.  A msgspec struct without garbage collection (it is in no cycle): recording
    makes hundreds of thousands a second.

    id: structural id.  cause: id of the event that created it (sent the message, armed the timer); ""
    for externals and what existed at the start.  msg: JSON payload or args.  out: ids it sent.
    armed: ids of timers it armed.  lost: ids of messages it lost.  en: enabled internal events before
    it.  st: digest of the touched node after it.  fell: the message reached nobody.  fail: the handler
    raised (error, place, text).  delta: observed fields of the node that changed; a tuple that grew is
    `{"+": [new items]}`.  log: lines the node logged.  group: atomic group of an external.
    """

    id: str
    cause: str = ""
    msg: Any = None
    out: tuple[str, ...] = ()
    armed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    en: int = 0
    st: str = ""
    fell: bool = False
    fail: dict[str, str] | None = None
    delta: dict[str, Any] = msgspec.field(default_factory=dict)
    log: tuple[str, ...] = ()
    group: str = ""
    extra: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def name(self) -> EventName:
        """The parsed id."""
        return parse_id(self.id)

    @property
    def also(self) -> dict[str, dict[str, Any]]:
        """Of other nodes, as `delta`: what a wide step changed there (a link that is cut has two ends)."""
        found = self.extra.get(ALSO)
        return found if found else {}

    @property
    def touched(self) -> tuple[str, ...]:
        """The nodes whose order the event takes part in; the first is its home."""
        nodes = self.name.nodes or ("",)
        return (*nodes, *(node for node in self.also if node not in nodes)) if self.extra else nodes

    @property
    def is_external(self) -> bool:
        """Does the event come from outside?"""
        return self.id.startswith("ext:")

    @property
    def is_timer(self) -> bool:
        """Is it a timer firing?"""
        return not self.is_external and "!" in self.id and ":" not in self.id.split("!", 1)[0]

    def external(self) -> External:
        """The External behind an external entry.  Raises TraceError for another kind."""
        return parse_external(self.id, self.msg, self.group)


@dataclass(frozen=True, slots=True)
class Footer:
    """How the run ended.  reason: why it stopped.  steps: events recorded."""

    verdict: Verdict
    reason: str = ""
    steps: int = 0
    violation: Violation | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded run.  footer is None when the writer was interrupted; the entries are still good."""

    header: Header
    entries: tuple[Entry, ...]
    footer: Footer | None = None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def violation(self) -> Violation | None:
        """The violation it ends in, if any."""
        return self.footer.violation if self.footer else None

    @property
    def deliveries(self) -> int:
        """Messages, timers and inputs delivered: the size that the literature reports."""
        return sum(1 for entry in self.entries if counts_as_delivery(entry))

    @property
    def externals(self) -> int:
        """How many entries come from outside."""
        return sum(1 for entry in self.entries if entry.is_external)

    def subset(self, ids: Collection[str]) -> Trace:
        """The entries named, in order, as a plan: no footer, since that run never happened."""
        wanted = frozenset(ids)
        return replace(self, entries=tuple(e for e in self.entries if e.id in wanted), footer=None)

    def complement(self, ids: Collection[str]) -> Trace:
        """The entries not named, in order, as a plan."""
        unwanted = frozenset(ids)
        kept = tuple(e for e in self.entries if e.id not in unwanted)
        return replace(self, entries=kept, footer=None)


def counts_as_delivery(entry: Entry) -> bool:
    """A message, a timer or an injected input; faults are not deliveries."""
    return not entry.is_external or bool(parse_external(entry.id).label)

"""What each step changed: prior values by folding deltas, and how they read.

The one insight: a trace stores only new values, so who shows `1→2` must remember `1`; one fold from the
start does, whatever window of the trace is shown.

Also kept here, for the same reason: which nodes are down and which links are cut before each step.
"""

from __future__ import annotations

from typing import Any

from demi.events import EventName, Kind
from demi.render.glyphs import Glyphs
from demi.render.text import brief, safe
from demi.trace import Entry, Trace

VALUE_MAX = 24  # characters of one value in a change
_LIFE = (Kind.START, Kind.RESTART, Kind.CRASH)


class Fold:
    """The observed state, the nodes down and the links cut, step by step from the start."""

    __slots__ = ("_glyphs", "_plain", "_state", "cut", "down")

    def __init__(self, trace: Trace, glyphs: Glyphs, plain: bool) -> None:
        states = trace.header.boot.get("state", {})
        self._state: dict[str, dict[str, Any]] = {
            node: {field: _own(value) for field, value in fields.items()}
            for node, fields in states.items()
        }
        self._glyphs = glyphs
        self._plain = plain
        self.down: set[str] = _unborn(trace)
        self.cut: set[tuple[str, str]] = set()

    def take(self, entry: Entry, name: EventName) -> list[str]:
        """Fold one step; returns its changes as text: `role follower→leader`."""
        if name.kind == Kind.CRASH or entry.fail is not None:
            self.down.add(name.node)
        elif name.kind in _LIFE:
            self.down.discard(name.node)
        elif name.kind in (Kind.CUT, Kind.HEAL) and len(name.nodes) == 2:
            first, second = name.nodes
            links = {(first, second)} if ">" in entry.id else {(first, second), (second, first)}
            self.cut = self.cut | links if name.kind == Kind.CUT else self.cut - links
        return self._changes(self._state.setdefault(name.node, {}), entry.delta)

    def _changes(self, state: dict[str, Any], delta: dict[str, Any]) -> list[str]:
        if delta == {"up": False}:
            return []  # the crash mark says it; what the node knew stays, to compare a restart with
        changes: list[str] = []
        for field, value in delta.items():
            grown = _grown(value)
            if grown is not None:
                old = state.get(field)
                if isinstance(old, list):
                    old.extend(grown)
                else:
                    state[field] = list(grown)
                changes.append(f"{self._name(field)} +{self._value(grown)}")
            elif field not in state or state[field] != value:
                was = f"{self._value(state[field])}{self._glyphs.to}" if field in state else ""
                changes.append(f"{self._name(field)} {was}{self._value(value)}")
                state[field] = _own(value)
        return sorted(
            changes, key=lambda change: "[" in change or "{" in change
        )  # short ones first

    def _name(self, field: str) -> str:
        return safe(field[:VALUE_MAX], self._plain)

    def _value(self, value: Any) -> str:
        return brief(value, VALUE_MAX, self._glyphs.more, self._plain)


def _own(value: Any) -> Any:
    """A list that may be extended in place; other values are only ever replaced."""
    return list(value) if isinstance(value, list) else value


def _grown(value: Any) -> list[Any] | None:
    """The items of `{"+": [items]}`, None for another value."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(value.get("+"), list):
        items: list[Any] = value["+"]
        return items
    return None


def _unborn(trace: Trace) -> set[str]:
    """The nodes that are down at first: those whose life begins with a start or restart."""
    seen: set[str] = set()
    unborn: set[str] = set()
    for entry in trace.entries:
        if entry.id.startswith("ext:"):
            name = entry.name
            if name.kind in _LIFE and name.node not in seen:
                seen.add(name.node)
                if name.kind != Kind.CRASH:
                    unborn.add(name.node)
        elif entry.fail is not None:
            seen.add(entry.name.node)
    return unborn

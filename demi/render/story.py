"""What a violation speaks of: for each node involved, the values it names and how they came about.

The one insight: an invariant's own sentence says which fields matter (a value or a field's name stands in
it as a word), so the steps that set those fields are the ones to read first.

Not here: why an event is needed (the certificate), a narrative of the whole run (the report).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from demi.events import EventName, Kind
from demi.render.changes import Fold, Seen, Told, start
from demi.render.text import brief, safe
from demi.trace import Entry, Trace
from demi.verdict import Violation

WORD = re.compile(r"[\w.\-]+")
WORDS_SCANNED = 2000  # characters of a violation's text that are searched for values
STORY_STEPS_MAX = 100_000  # beyond, a picture on paper has lost its reader anyway
FIELDS_MAX = 3  # values said of a node

Look = Callable[[int], tuple[Entry, EventName, Told]]
"""A step, by its number from 1, with what is told of it."""


def guilty(found: Violation, seen: Seen, plain: bool = False) -> list[str]:
    """The values of a node that the violation's text names: `leader`, `term 2`."""
    return [_value(field, seen.fields[field], plain) for field in named(found, seen)]


def named(found: Violation, seen: Seen) -> list[str]:
    """The fields of a node that the violation's text speaks of, by value or by name.

    A name of several words (`port 3`) must stand there whole: its value (`down`) says too little.  It is
    told only if it changed: a step is recorded with the node that it touched, and an input may touch more.
    """
    told = found.detail.text[:WORDS_SCANNED]
    words = set(WORD.findall(told)) - set(found.detail.nodes)
    fields = []
    for field, value in seen.fields.items():
        text = isinstance(value, str) and value in words and " " not in field
        number = field in words and isinstance(value, (bool, int, float))
        whole = " " in field and re.search(rf"\b{re.escape(field)}\b", told)
        if text or number or (whole and seen.since.get(field)):
            fields.append(field)
    return sorted(fields, key=lambda field: not isinstance(seen.fields[field], str))[:FIELDS_MAX]


def _value(field: str, value: Any, plain: bool) -> str:
    said = brief(value, 16, "~" if plain else "…", plain)
    alone = isinstance(value, str) and " " not in field
    return said if alone else f"{safe(field[:16], plain)} {said}"


def story(found: Violation, node: str, seen: Seen, look: Look, plain: bool = False) -> list[str]:
    """Lines about one node: its values, the step that set the last of them, and what that repeats.

    seen: the node after the violating step.
    """
    fields = named(found, seen)
    since = max((seen.since.get(field, 0) for field in fields), default=0)
    values = ", ".join(guilty(found, seen, plain))
    if not since:
        return [f"{node}: {values}"] if values else []
    entry, name, told = look(since)
    if all(" " in field for field in fields):  # of a part that an input may have changed unseen
        return [f"{node}: {values}, seen at step {since}, {safe(entry.id, plain)}"]
    lines = [f"{node}: {values} since step {since}, {_event(entry, name, plain)}"]
    if told.repeats:
        first = look(told.repeats)[0].id
        lines.append(
            f"{node} took {safe(name.label, plain)} from {name.peer} twice: "
            f"{safe(entry.id, plain)} says the same as {safe(first, plain)} (step {told.repeats})"
        )
    return lines


def stories(trace: Trace, plain: bool = False) -> list[str]:
    """The stories of all nodes that a trace's violation involves; none for a very long trace."""
    found = trace.violation
    if found is None or len(trace) > STORY_STEPS_MAX:
        return []
    fold = Fold(start(trace.header, trace.entries))
    told = [fold.take(entry, entry.name) for entry in trace.entries]

    def look(step: int) -> tuple[Entry, EventName, Told]:
        entry = trace.entries[step - 1]
        return entry, entry.name, told[step - 1]

    nodes = [node for node in found.detail.nodes if node in trace.header.nodes]
    return [line for node in nodes for line in story(found, node, fold.node(node), look, plain)]


def _event(entry: Entry, name: EventName, plain: bool) -> str:
    if name.kind == Kind.DELIVER:
        return f"by {safe(name.label, plain)}#{name.nth} from {name.peer}"
    return f"by {safe(entry.id, plain)}"

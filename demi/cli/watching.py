"""`--watch node.field`: what fields were after each step that changed them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from demi.cli.output import Line, Message
from demi.errors import UsageError
from demi.target import nearest

if TYPE_CHECKING:
    from demi.trace import Entry, Trace

Field = tuple[str, str]
"""A node and a field of what it shows."""


def watched_fields(trace: Trace, words: Sequence[str]) -> list[Field]:
    """`n1.term` as a node and a field.  Raises UsageError for one that the trace never shows."""
    shown: dict[str, Field] = {}
    states = trace.header.boot.get("state", {})
    for node, fields in (*states.items(), *((e.name.node, e.delta) for e in trace.entries)):
        if fields != {"up": False}:
            shown.update({f"{node}.{field}": (node, field) for field in fields})
    for word in words:
        if word not in shown:
            raise UsageError(
                f"the trace shows no {word!r}", where="--watch", remedy=nearest(word, shown)
            )
    return [shown[word] for word in words]


def watched(trace: Trace, entries: Sequence[Entry], wanted: Sequence[Field]) -> list[Message]:
    """The values at the start, then one message per change.  entries: what the replay did."""
    from demi.render.changes import Fold, start
    from demi.render.text import brief

    fold = Fold(start(trace.header, trace.entries))
    told = []
    for node, field in wanted:
        fields = fold.node(node).fields
        if field in fields:
            told.append(_message(0, node, field, brief(fields[field], 40), "start"))
    for step, entry in enumerate(entries, 1):
        name = entry.name
        changed = {change.field for change in fold.take(entry, name).changes}
        for node, field in wanted:
            if (field if node == name.node else f"{node} {field}") in changed:
                value = brief(fold.node(node).fields[field], 40)
                told.append(_message(step, node, field, value, entry.id))
    return told


def _message(step: int, node: str, field: str, value: str, event: str) -> Message:
    data = {"step": step, "node": node, "field": field, "value": value, "event": event}
    text = f"{step:>6}  {node}.{field} = {value}  ({event})"
    return Message("watch", data, (Line("watch", text, wrap=False),))

"""Filter expressions: `kind:deliver node:n3 term>=2 vote`, all parts of which must hold.

The one insight: what people filter by is what a row shows (kind, nodes, label, a field's new value, any
text), so four forms of words suffice and nothing needs to be quoted or evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from demi.errors import UsageError
from demi.events import EventName, Kind
from demi.target import nearest
from demi.trace import Entry

Test = Callable[[Entry, EventName], bool]
KEYS = ("kind", "node", "from", "label", "id")
_KINDS = tuple(kind.name.lower() for kind in Kind)
_COMPARED = re.compile(r"([\w.\-]+)(>=|<=|!=|=|>|<)(.+)")
HELP = "kind:deliver node:n1 from:n2 label:Vote id:n1>n2, term>=2, or any text; - before it: not"


def parse(text: str) -> Test:
    """A test of one event.  Raises UsageError that names what it does not understand."""
    tests = [_part(word) for word in text.split()]
    return lambda entry, name: all(test(entry, name) for test in tests)


def _part(word: str) -> Test:
    if word.startswith("-") and len(word) > 1:
        inner = _part(word[1:])
        return lambda entry, name: not inner(entry, name)
    key, colon, value = word.partition(":")
    if colon and key in KEYS:
        return _keyed(key, value)
    compared = _COMPARED.fullmatch(word)
    if compared is not None and not colon:
        return _compare(*compared.groups())
    if colon and key.isalpha() and value:
        raise UsageError(f"no filter {key!r}", where=word, remedy=nearest(key, KEYS))
    wanted = word.lower()
    return lambda entry, name: wanted in searched(entry)


def _keyed(key: str, value: str) -> Test:
    wanted = value.lower()
    if key == "kind":
        if wanted not in _KINDS:
            raise UsageError(f"no kind {value!r}", where="kind", remedy=nearest(wanted, _KINDS))
        return lambda entry, name: name.kind.name.lower() == wanted
    if key == "node":
        return lambda entry, name: value in name.nodes
    if key == "from":
        return lambda entry, name: name.peer == value
    if key == "label":
        return lambda entry, name: wanted in name.label.lower()
    return lambda entry, name: wanted in entry.id.lower()


def _compare(field: str, sign: str, value: str) -> Test:
    try:
        wanted: Any = msgspec.json.decode(value)
    except msgspec.DecodeError:
        wanted = value

    def holds(entry: Entry, name: EventName) -> bool:
        for place in (entry.delta, entry.msg):
            if isinstance(place, dict) and field in place and _ordered(place[field], sign, wanted):
                return True
        return False

    return holds


def _ordered(value: Any, sign: str, wanted: Any) -> bool:
    if sign == "=":
        return bool(value == wanted)
    if sign == "!=":
        return bool(value != wanted)
    if not isinstance(value, (int, float)) or not isinstance(wanted, (int, float)):
        return False
    results = {">=": value >= wanted, "<=": value <= wanted, ">": value > wanted}
    return results.get(sign, value < wanted)


def searched(entry: Entry) -> str:
    """The text of an event that a search looks at: id, message, changes, log; lower case."""
    try:
        said = msgspec.json.encode([entry.msg, entry.delta]).decode()
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        said = ""
    return "\n".join([entry.id, said, *entry.log]).lower()

"""Histories from text: Jepsen's log lines, EDN, our JSON Lines.

The one insight: the three forms differ only in how one event is written, so each is a function from text
to (line, event), and everything that can be wrong with a *sequence* of events is checked once behind them.

JSON Lines: {"process": "c1", "type": "invoke", "f": "write", "value": 1, "key": "x"} per line.
Nothing is evaluated or unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from demi.errors import TraceError, UsageError
from demi.history.edn import read_forms
from demi.history.operation import INVOKE, TYPES, ClientEvent, hashable

_LOG = re.compile(
    r"(?:.*?\s-\s+)?(?P<process>:?[\w.\-]+)\s+:(?P<type>invoke|ok|fail|info)\s+:(?P<f>[\w.\-]+)\s*(?P<rest>.*)"
)
_UNKNOWN = "one operation a line; docs/09-histories.md shows the three forms"


def read_history(text: str, form: str = "auto", *, keyed: bool = False) -> list[ClientEvent]:
    """The events of a history.  form: auto, text, edn or jsonl.

    keyed: values are [key value], as Jepsen's independent generators write them.
    Raises TraceError naming the line, UsageError for an unknown form.
    """
    if form not in ("auto", *FORMS):
        raise UsageError(f"unknown format {form!r}", remedy="known: auto, " + ", ".join(FORMS))
    chosen = guessed(text) if form == "auto" else form
    events = [_split(event) if keyed else event for event in FORMS[chosen](text)]
    events = [event for event in events if event.process != "nemesis"]
    return list(_checked(events))


def guessed(text: str) -> str:
    """The form, from the first line that says something."""
    for line in text.splitlines():
        start = line.strip()
        if not start or start.startswith(";"):
            continue
        if start[0] == "{" and re.match(r'\{\s*"', start):
            return "jsonl"
        return "edn" if start[0] in "[{(#" else "text"
    raise TraceError("the history is empty", remedy=_UNKNOWN)


def _from_text(text: str) -> Iterator[ClientEvent]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _LOG.fullmatch(line.strip())
        if match is None:
            if re.search(r":(invoke|ok|fail|info)\b", line):
                raise _fault(number, "an operation without process, type and name", line)
            continue  # a log holds other lines
        try:
            values = [value for _, value in read_forms(match["rest"])]
        except TraceError as error:
            raise _fault(number, error.what, line) from None
        value = hashable(values[0]) if values else None
        yield ClientEvent(
            match["process"].removeprefix(":"), match["type"], match["f"], value, None, number
        )


def _from_edn(text: str) -> Iterator[ClientEvent]:
    forms = read_forms(text)
    if len(forms) == 1 and isinstance(forms[0][1], tuple):
        forms = [(forms[0][0], one) for one in forms[0][1]]
    for number, value in forms:
        if not isinstance(value, dict):
            raise _fault(number, "an operation is a map", repr(value))
        yield _event(value, number)


def _from_jsonl(text: str) -> Iterator[ClientEvent]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise _fault(number, f"not JSON ({error})", line) from None
        if not isinstance(value, dict):
            raise _fault(number, "an operation is an object", line)
        yield _event(value, number)


FORMS: dict[str, Callable[[str], Iterable[ClientEvent]]] = {
    "text": _from_text,
    "edn": _from_edn,
    "jsonl": _from_jsonl,
}


def _event(data: Mapping[Any, Any], number: int) -> ClientEvent:
    missing = [key for key in ("process", "type", "f") if data.get(key) is None]
    if missing:
        raise _fault(number, f"no {missing[0]!r}", repr(dict(data)))
    return ClientEvent(
        str(data["process"]), str(data["type"]), str(data["f"]),
        hashable(data.get("value")), hashable(data.get("key")), number,
    )  # fmt: skip


def _split(event: ClientEvent) -> ClientEvent:
    if event.value is None and event.type != INVOKE:
        return event
    if not isinstance(event.value, tuple) or len(event.value) != 2:
        raise _fault(event.at, "with --keyed a value is [key value]", repr(event.value))
    key, value = event.value
    return event._replace(key=key, value=value)


def _checked(events: Iterable[ClientEvent]) -> Iterator[ClientEvent]:
    """What no single line can show: ends without begins, and begins within an operation."""
    open_: dict[str, ClientEvent] = {}
    lives: dict[str, int] = {}
    for event in events:
        if event.type not in TYPES:
            raise _fault(event.at, f"unknown type {event.type!r}; known: " + ", ".join(TYPES), "")
        process = event.process + "'" * lives.get(event.process, 0)
        begun = open_.get(event.process)
        if event.type == INVOKE:
            if begun is not None:
                what = f"process {event.process} begins {event.f!r} within its operation of line {begun.at}"
                raise _fault(event.at, what, "")
            open_[event.process] = event
        else:
            if begun is None:
                what = f"process {event.process} ends {event.f!r}, which it has not begun"
                raise _fault(event.at, what, "")
            if begun.f != event.f:
                what = f"process {event.process} ends {event.f!r} within {begun.f!r} of line {begun.at}"
                raise _fault(event.at, what, "")
            del open_[event.process]
            if event.type == "info":  # the process is another one from here on
                lives[event.process] = lives.get(event.process, 0) + 1
            if event.key is None:
                yield event._replace(process=process, key=begun.key)
                continue
        yield event._replace(process=process)


def _fault(number: int, what: str, line: str) -> TraceError:
    shown = f": {line.strip()[:60]}" if line else ""
    return TraceError(what + shown, where=f"line {number}", remedy=_UNKNOWN)

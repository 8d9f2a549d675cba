"""Operations: what a client asked, when, and what it was told; and the journal that notes them.

The one insight: only two orders count, that of one client's operations and "this one had ended before
that one began", so a history is a plain list of begins and ends and needs no clock.

    self.journal = Journal()            # in a client
    self.journal.invoke("write", 1)     # before the first message goes out
    self.journal.ok()                   # or ok(value), fail(), info()

Not here: judging (`linearizability.py`, `transactions.py`), files (`reading.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from demi.errors import ContractError

INVOKE, OK, FAIL, INFO = "invoke", "ok", "fail", "info"
TYPES = (INVOKE, OK, FAIL, INFO)


class ClientEvent(NamedTuple):
    """One line of a history: `process` begins (`invoke`) or ends an operation.

    type: ok = it happened; fail = it surely did not; info = nobody knows.  f: the operation's name.
    value: its argument at invoke, its result at ok.  key: the object; operations on different keys are
    judged apart.  at: where it stands, for people: a line of a file or a step of a run; 0 unknown.
    """

    process: str
    type: str
    f: str
    value: Any = None
    key: Any = None
    at: int = 0


CLIENT_EVENT = frozenset(ClientEvent._fields)
"""The keys of an event in a trace."""


def sentence(event: Mapping[str, Any]) -> str:
    """An event of a trace in the words of the pictures: `write(x, 1) begins`, `read(x) ok 1`."""
    called = event["type"] == INVOKE
    inside = [event["key"], event["value"] if called else None]
    call = f"{event['f']}({', '.join(brief(part) for part in inside if part is not None)})"
    if called:
        return f"{call} begins"
    told = event["type"] == OK and (event["value"] is not None or event["f"] in READS)
    return f"{call} {event['type']}" + (f" {brief(event['value'])}" if told else "")


@dataclass(frozen=True, slots=True)
class Operation:
    """An invoke with its end.

    argument, result: what it was given and what it gave (None while unknown).  status: ok, fail or info.
    call, back: positions in the history; `back` is None when it never ended or ended with info.
    """

    process: str
    f: str
    argument: Any
    result: Any
    status: str
    call: int
    back: int | None
    key: Any = None
    at: int = 0
    ended_at: int = 0

    @property
    def text(self) -> str:
        """`c1: write(x, 3)`, `c2: read(x) -> 3`, `c1: write(x, 3) -> ?`."""
        if self.f == "txn":
            return f"{self.process}: {_steps(self.result or self.argument)}"
        inside = ", ".join(brief(part) for part in (self.key, self.argument) if part is not None)
        call = f"{self.process}: {self.f}({inside})"
        if self.status == INFO:
            return f"{call} -> ?"
        return (
            call
            if self.result is None and self.f not in READS
            else f"{call} -> {brief(self.result)}"
        )


READS = frozenset({"read", "get", "dequeue", "txn"})
"""Operations whose result is worth showing even when it is nothing."""

_SHOWN = 60  # characters of one value in a sentence


def _steps(steps: Any) -> str:
    """A transaction: `r x [1], append y 2`."""
    if not isinstance(steps, tuple) or not all(isinstance(step, tuple) for step in steps):
        return brief(steps)
    shown = [[list(part) if isinstance(part, tuple) else part for part in step] for step in steps]
    return ", ".join(" ".join(brief(part) for part in step) for step in shown)


def brief(value: Any) -> str:
    """A value in a sentence."""
    text = "nothing" if value is None else str(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def hashable(value: Any) -> Any:
    """The same value out of tuples and frozen sets, so that it may be a state."""
    if isinstance(value, (list, tuple)):
        return tuple(hashable(part) for part in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(hashable(part) for part in value)
    if isinstance(value, dict):
        return tuple(
            sorted(((str(k), hashable(v)) for k, v in value.items()), key=lambda kv: kv[0])
        )
    return value


class Journal:
    """What one client, or several in one node, noted; append only, and an immutable value at heart.

    events: the history so far; put it into what the node's `observe` returns.
    """

    def __init__(self) -> None:
        self.events: tuple[ClientEvent, ...] = ()
        self._open: tuple[ClientEvent, ...] = ()

    def invoke(self, f: str, value: Any = None, *, key: Any = None, process: str = "") -> None:
        """An operation begins.  process: which client, "" when the node is one."""
        if any(one.process == process for one in self._open):
            raise ContractError(
                f"client {process or 'of this node'} began {f!r} before its last operation ended",
                remedy="note ok, fail or info first, or give each concurrent client a process name",
            )
        event = ClientEvent(process, INVOKE, f, hashable(value), hashable(key))
        self.events += (event,)
        self._open += (event,)

    def ok(self, value: Any = None, *, process: str = "") -> None:
        """It happened and gave `value`."""
        self._end(OK, value, process)

    def fail(self, *, process: str = "") -> None:
        """It did not happen and never will."""
        self._end(FAIL, None, process)

    def info(self, *, process: str = "") -> None:
        """It may have happened, or may happen later."""
        self._end(INFO, None, process)

    @property
    def busy(self) -> bool:
        """Is an operation under way?"""
        return bool(self._open)

    def _end(self, kind: str, value: Any, process: str) -> None:
        begun = next((one for one in self._open if one.process == process), None)
        if begun is None:
            raise ContractError(
                f"client {process or 'of this node'} ended an operation that it had not begun",
                remedy="note invoke first",
            )
        self.events += (ClientEvent(process, kind, begun.f, hashable(value), begun.key),)
        self._open = tuple(one for one in self._open if one is not begun)


def pair(events: Sequence[ClientEvent]) -> list[Operation]:
    """The operations of a history, by begin.  Ends without a begin are the reader's to refuse."""
    open_: dict[str, int] = {}
    found: list[Operation] = []
    for position, event in enumerate(events):
        if event.type == INVOKE:
            open_[event.process] = len(found)
            found.append(
                Operation(
                    event.process,
                    event.f,
                    event.value,
                    None,
                    INFO,
                    position,
                    None,
                    event.key,
                    event.at,
                )
            )
        elif event.process in open_:
            index = open_.pop(event.process)
            begun = found[index]
            back = None if event.type == INFO else position
            result = event.value if event.type == OK else None
            found[index] = Operation(
                begun.process, begun.f, begun.argument, result, event.type, begun.call, back,
                begun.key, begun.at, event.at,
            )  # fmt: skip
    return found

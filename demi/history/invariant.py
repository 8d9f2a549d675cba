"""Histories as invariants: judged while the run goes on, at the step where an operation ends.

The one insight: just-in-time configurations are an immutable value, so they *are* the memory of the
invariant; the run stops at the first return that no order explains, which is the smallest failing prefix,
and shrinking then works on it as on any other violation.

The clients note what they do in a `Journal` and let `observe` show its `events`.  A client that comes back
after a crash is a new client; what it had under way may happen at any time.  Once a key needs more than
`CONFIGURATIONS_MAX` configurations nothing more is claimed about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from demi.history.just_in_time import Pending, Sweep, beginning
from demi.history.linearizability import why
from demi.history.models import Model
from demi.history.operation import FAIL, INVOKE, OK, ClientEvent, Operation, pair
from demi.history.transactions import find_anomalies
from demi.oracle import View
from demi.verdict import Detail

Read = Callable[[Any], Sequence[ClientEvent]]
"""From what `observe` says of a node to the events of its journal."""


def history_of(state: Any) -> Sequence[ClientEvent]:
    """The field `history`; nothing for a node that has none."""
    return getattr(state, "history", ())


class _Progress(NamedTuple):
    """How much of a node's journal was read.  life: how often it came back with a new one."""

    read: int = 0
    life: int = 0


def fresh(
    view: View, progress: tuple[_Progress, ...], read: Read
) -> tuple[tuple[_Progress, ...], list[tuple[str, ClientEvent]]]:
    """What the touched nodes noted since: (progress, [(node, event with its full process name)])."""
    found: list[tuple[str, ClientEvent]] = []
    progress = progress or tuple(_Progress() for _ in view.names)
    for node in view.touched:
        if node < 0:
            continue
        state = view.state(node)
        seen = progress[node]
        if state is None:
            if seen.read:
                progress = _put(progress, node, _Progress(0, seen.life + 1))
            continue
        events = read(state)
        if len(events) == seen.read:
            continue
        if len(events) < seen.read:  # another object: it crashed and is back
            seen = _Progress(0, seen.life + 1)
        name = view.names[node] + "'" * seen.life
        for event in events[seen.read :]:
            process = f"{name}/{event.process}" if event.process else name
            found.append((view.names[node], event._replace(process=process)))
        progress = _put(progress, node, _Progress(len(events), seen.life))
    return progress, found


def _put(progress: tuple[_Progress, ...], node: int, now: _Progress) -> tuple[_Progress, ...]:
    return (*progress[:node], now, *progress[node + 1 :])


class _Key(NamedTuple):
    """One key: where it may be, and which slot each client's operation has."""

    key: Any
    sweep: Sweep
    open: tuple[tuple[str, int, ClientEvent], ...] = ()


@dataclass(frozen=True, slots=True)
class Linearizable:
    """Every operation seems to happen at one moment between its begin and its end.

    model: of one key.  read: where a node's journal is.
    """

    model: Model
    name: str = "Linearizability"
    doc: str = "one order of the clients' operations explains what they were told"
    read: Read = history_of

    def start(self) -> Any:
        return (), ()

    def check(self, view: View, memory: Any) -> tuple[Any, Detail | None]:
        progress, keys = memory
        progress, events = fresh(view, progress, self.read)
        if not events:
            return (memory if progress is memory[0] else (progress, keys)), None
        for node, event in events:
            at = next((i for i, one in enumerate(keys) if one.key == event.key), len(keys))
            before = keys[at] if at < len(keys) else _Key(event.key, beginning(self.model))
            after, detail = self._take(before, node, event)
            if detail is not None:
                return memory, detail
            keys = (*keys[:at], after, *keys[at + 1 :])
        return (progress, keys), None

    def _take(self, key: _Key, node: str, event: ClientEvent) -> tuple[_Key, Detail | None]:
        sweep = key.sweep
        if event.type == INVOKE:
            slot = sweep.free_slot()
            begun = sweep.invoked(Pending(slot, event.f, event.value))
            return _Key(key.key, begun, (*key.open, (event.process, slot, event))), None
        found = next((one for one in key.open if one[0] == event.process), None)
        if found is None or event.type not in (OK, FAIL):  # info: it stays under way for ever
            return key, None
        _, slot, call = found
        after = sweep.returned(slot, event.value) if event.type == OK else sweep.failed(slot)
        if not after.configurations and not after.lost:
            one = Operation(
                event.process, call.f, call.value, event.value, event.type, 0, 1, event.key
            )
            return key, Detail((node,), why(one, sweep), self.model.name)
        return _Key(key.key, after, tuple(o for o in key.open if o is not found)), None


@dataclass(frozen=True, slots=True)
class Transactional:
    """No cycle that `level` forbids among the clients' list-append transactions (f = "txn")."""

    level: str = "strict-serializable"
    name: str = "Transactions"
    doc: str = "a serial order of the clients' transactions explains what they read"
    read: Read = history_of

    def start(self) -> Any:
        return (), ()

    def check(self, view: View, memory: Any) -> tuple[Any, Detail | None]:
        progress, so_far = memory
        progress, events = fresh(view, progress, self.read)
        if not events:
            return (memory if progress is memory[0] else (progress, so_far)), None
        known = (*so_far, *(event for _, event in events))
        if any(event.type in (OK, FAIL) for _, event in events):
            anomalies = find_anomalies(pair(known), self.level)
            if anomalies:
                first = anomalies[0]
                nodes = tuple(
                    dict.fromkeys(one.process.split("/")[0] for one in first.transactions)
                )
                return memory, Detail(nodes, first.text, first.name)
        return (progress, known), None

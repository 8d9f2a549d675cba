"""The recorder: turns a run that passes by into trace entries, one at a time.

The one insight: it only observes, so a run records the same whoever chooses, and a hunt may go bare and
be recorded by running its choices again (which also proves that they replay).

Not here: files (`demi/trace_codec.py`); the recorder hands each entry to a `sink`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from demi import __version__
from demi.events import EXTERNAL_KINDS, Event, External
from demi.interpose.payload import to_json
from demi.interpose.world import Step, World
from demi.oracle import Verdict
from demi.scheduler.naming import Namer
from demi.scheduler.run import ExitReason, Outcome
from demi.trace import ALSO, Entry, Footer, Header

_FIRST_EXTERNAL = int(min(EXTERNAL_KINDS))
_NONE: dict[str, Any] = {}  # what did not change; never written to


class Recorder:
    """An Observer.  sink(entry) gets each entry as soon as it is known; `namer` resolves ids."""

    def __init__(self, world: World, sink: Callable[[Entry], object]) -> None:
        self._world = world
        self._sink = sink
        self._seen: list[Any] = []
        self.boot: dict[str, Any] = {}
        self._id = self._cause = self._group = ""
        self._msg: Any = None
        self._enabled = 0
        self._waiting = 0

    def began(self, boot: Step) -> None:
        world = self._world
        self.namer = Namer(world, boot)
        self._view = view = world.observe()
        self._seen = [view.state(node) for node in range(len(world.names))]
        states = {
            name: changes(None, seen)
            for name, seen in zip(world.names, self._seen, strict=True)
            if seen is not None
        }
        out = [self.namer.name(event) for event in boot.sent]
        armed = [self.namer.name(event) for event in boot.armed]
        self.boot = {"out": out, "armed": armed, "state": states}

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        self._id, self._cause = self.namer.named(event)
        self._msg = self._world.payload(event)
        self._group = ""
        if event[0] >= _FIRST_EXTERNAL:
            self._group = self._world.external(event).group
        self._enabled = count = len(enabled)
        if count and enabled[-1][0] >= _FIRST_EXTERNAL:
            self._enabled = internal_count(enabled)

    def after(self, step: Step) -> None:
        namer, event = self.namer, step.event
        namer.forget(event)
        lost = tuple([namer.forget(gone) for gone in step.lost]) if step.lost else ()
        out, armed = namer.created(step, self._id)
        node = event[1]
        delta, digest, fail = _NONE, "", step.failure
        if node >= 0:
            now, before = self._view.state(node), self._seen[node]
            if now is not before and now != before:
                delta = changes(before, now)
                self._seen[node] = now
            digest = self._world.node_digest(node)
        also = self._elsewhere(node) if step.wide else _NONE
        self._sink(
            Entry(
                self._id, self._cause, self._msg, out, armed, lost, self._enabled,
                digest, not step.received,
                {"error": fail.error, "where": fail.where, "text": fail.message} if fail else None,
                delta, tuple(step.log), self._group, {ALSO: also} if also else {},
            )
        )  # fmt: skip

    def _elsewhere(self, home: int) -> dict[str, Any]:
        """What a wide step changed at other nodes: node -> changes."""
        found: dict[str, Any] = {}
        for node in self._view.touched:
            now, before = self._view.state(node), self._seen[node]
            if node != home and now != before:
                found[self._world.names[node]] = changes(before, now)
                self._seen[node] = now
        return found


def internal_count(enabled: Sequence[Event]) -> int:
    """How many deliveries and timers are enabled: equal however the externals are offered."""
    count = len(enabled)
    while count and enabled[count - 1][0] >= _FIRST_EXTERNAL:
        count -= 1
    return count


def changes(before: Any, now: Any) -> dict[str, Any]:
    """The observed fields that differ, in JSON; a tuple that grew is `{"+": [new items]}`.

    A node that is down is `{"up": false}`; one that came up gives all its fields.
    """
    if now is None:
        return {"up": False}
    if before is None or not hasattr(now, "_fields"):
        was = _fields(before) if before is not None else {}
        return {k: to_json(v) for k, v in _fields(now).items() if k not in was or was[k] != v}
    delta: dict[str, Any] = {}
    for name, old, new in zip(now._fields, before, now, strict=True):
        if old is new or old == new:
            continue
        if type(new) is tuple and type(old) is tuple and new[: len(old)] == old:
            delta[name] = {"+": to_json(new[len(old) :])}
        else:
            delta[name] = to_json(new)
    return delta


def _fields(seen: Any) -> dict[str, Any]:
    if hasattr(seen, "_fields"):
        return dict(zip(seen._fields, seen, strict=True))
    return dict(seen) if isinstance(seen, dict) else {"state": seen}


def make_header(
    world: World,
    *,
    target: str,
    config: dict[str, Any],
    strategy: str,
    seed: int,
    boot: dict[str, Any],
    target_version: str = "",
    parent: str = "",
    hash_seed: str = "",
) -> Header:
    """The header of a run in `world`."""
    can = world.capabilities
    return Header(
        target, config, tuple(world.names), can.network, can.lossy, can.timers, strategy, seed, hash_seed,
        __version__, target_version, parent, boot,
    )  # fmt: skip


def make_footer(outcome: Outcome) -> Footer:
    """The footer of a finished run."""
    found = outcome.violation
    verdict = Verdict.VIOLATED if found else Verdict.NOT_FOUND
    return Footer(verdict, outcome.reason.value, outcome.steps, found)


def interrupted_footer(steps: int) -> Footer:
    """The footer of a run that was stopped and said so."""
    return Footer(Verdict.NOT_FOUND, ExitReason.STOPPED.value, steps)


Taken = Event | External
"""One element of a schedule: an internal event, or an external to offer and take at once."""

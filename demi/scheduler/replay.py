"""Strict replay: a trace happens again, event for event, or the first difference is named.

The one insight: comparing whole entries (payload, sends, enabled count, state digest) instead of only
names catches a divergence at the step where it starts, not where it first hurts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from demi.events import Event
from demi.interpose.world import Step, World
from demi.scheduler.execute import USUAL_CAUSES, Choices, Subject, execute
from demi.scheduler.record import Recorder, Taken
from demi.scheduler.run import Outcome
from demi.trace import Entry, Trace


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference.  step: index from 0, -1 for the start.  what: which part differs."""

    step: int
    event: str
    what: str
    expected: str
    got: str
    enabled: tuple[str, ...] = ()

    def brief(self) -> str:
        """One line for an error, which names the usual causes as its remedy."""
        return (
            f"step {self.step + 1}, {self.event}: {self.what} differs:"
            f" expected {self.expected}, got {self.got}"
        )

    def describe(self) -> str:
        """Several lines for people."""
        lines = [
            f"step {self.step + 1}, {self.event}: {self.what} differs",
            f"  expected  {self.expected}",
            f"  got       {self.got}",
        ]
        if self.enabled:
            lines.append("  enabled   " + ", ".join(self.enabled[:8]))
        return "\n".join([*lines, USUAL_CAUSES])


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a strict replay gave.  choices: the schedule in this world's terms."""

    outcome: Outcome
    entries: tuple[Entry, ...]
    choices: tuple[Taken, ...]
    divergence: Divergence | None = None


class StrictReplay:
    """A strategy and observer in one: follows a trace by name and compares what it sees."""

    name = "strict"
    offers = True

    def __init__(self, trace: Trace, world: World, until: int) -> None:
        self._trace = trace
        self._until = until
        self._world = world
        self.entries: list[Entry] = []
        self.recorder = Recorder(world, self._compare)
        self.choices = Choices(world)
        self.divergence: Divergence | None = None
        self._at = 0

    # strategy

    def begin(self, world: World, seed: int, boot: Step) -> bool:
        return True

    def choose(self, enabled: Sequence[Event], last: Step | None) -> Event | None:
        if self._at >= self._until or self.divergence:
            return None
        entry = self._trace.entries[self._at]
        if entry.is_external:
            found: Event | None = self._world.offer((entry.external(),))[0]
        else:
            found = self.recorder.namer.find(entry.id)
        if found is None or not self._world.allowed(found):
            state = "not enabled" if found is not None else "was never created"
            self._diverged(entry, "the event", "enabled", state, enabled)
            return None
        self._at += 1
        return found

    def draw(self, kind: str, bound: int) -> int:
        return 0

    # observer

    def began(self, boot: Step) -> None:
        self.recorder.began(boot)
        self.choices.began(boot)
        recorded = self._trace.header.boot
        for part, got in self.recorder.boot.items():
            if part in recorded and recorded[part] != got:
                want = _short(recorded[part])
                self.divergence = Divergence(-1, "start", f"{part} at the start", want, _short(got))
                return

    def before(self, event: Event, enabled: Sequence[Event]) -> None:
        self.recorder.before(event, enabled)
        self.choices.before(event, enabled)

    def after(self, step: Step) -> None:
        self.recorder.after(step)

    def _compare(self, got: Entry) -> None:
        self.entries.append(got)
        want = self._trace.entries[self._at - 1]
        found = first_difference(want, got)
        if found is not None and self.divergence is None:
            self._at -= 1
            self._diverged(want, *found, ())
            self._at += 1

    def _diverged(
        self, entry: Entry, what: str, want: str, got: str, enabled: Sequence[Event]
    ) -> None:
        names = tuple(self.recorder.namer.name(event) for event in enabled[:8])
        self.divergence = Divergence(self._at, entry.id, what, want, got, names)


_COMPARED = ("msg", "out", "armed", "lost", "fell", "fail", "en", "st")


def first_difference(want: Entry, got: Entry) -> tuple[str, str, str] | None:
    """(which part, expected, got) of two entries of one event, or None."""
    if want.id != got.id:
        return "the event", want.id, got.id
    for part in _COMPARED:
        expected, seen = getattr(want, part), getattr(got, part)
        if expected != seen and not (part == "st" and not expected):
            return part, _short(expected), _short(seen)
    return None


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else repr(value)
    return text[:300] or "nothing"


def replay(subject: Subject, trace: Trace, *, until: int | None = None) -> Replayed:
    """Run a trace strictly.  until: stop after that many events.

    A violation that comes earlier, later, not at all, or as another one is a divergence too.
    """
    stop = len(trace) if until is None else min(until, len(trace))
    follower = StrictReplay(trace, subject.world, stop)
    outcome = execute(subject, follower, trace.header.seed, observer=follower)
    result = Replayed(
        outcome, tuple(follower.entries), tuple(follower.choices.taken), follower.divergence
    )
    if result.divergence is None and stop == len(trace):
        return replace(result, divergence=_verdict_differs(trace, outcome))
    return result


def _verdict_differs(trace: Trace, outcome: Outcome) -> Divergence | None:
    if trace.footer is None:
        return None
    want, got = trace.violation, outcome.violation
    expected = f"{want.fingerprint} at step {want.step + 1}" if want else "no violation"
    seen = f"{got.fingerprint} at step {got.step + 1}" if got else "no violation"
    if expected == seen and outcome.steps == len(trace):
        return None
    last = trace.entries[max(0, outcome.steps - 1)].id if trace.entries else "start"
    return Divergence(max(0, outcome.steps - 1), last, "the verdict", expected, seen)

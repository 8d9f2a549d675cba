"""A run driven by hand: one event at a time, by name.

The one insight: the run loop is enabled, choose, step, check; with the choice left to the caller the
rest is the same, so what was driven by hand is a trace like any other and replays strictly.

Not here: searching.  A run ends at its first violation; nothing can be taken after it.
"""

from __future__ import annotations

from demi.errors import UsageError
from demi.events import Event, parse_external
from demi.interpose.world import Step
from demi.oracle import CRASH, Violation, check_all, check_start
from demi.scheduler.execute import FIRST_EXTERNAL, Recording, Subject
from demi.scheduler.run import ExitReason, Outcome
from demi.target import nearest
from demi.trace import Entry, Trace

HAND = "hand"  # the strategy of such a trace


class Driver:
    """One run.  violation: what broke, None so far.  entries: what happened, as a trace records it."""

    def __init__(self, subject: Subject, seed: int = 0) -> None:
        self._subject = subject
        self._seed = seed
        self._recording = Recording(subject)
        self._recorder = self._recording.recorder
        self.entries = self._recording.entries
        self.violation: Violation | None = None
        boot = subject.world.reset(seed)
        self._recorder.began(boot)
        self._memory, self.violation = check_start(subject.invariants, subject.world.observe())
        self._crashed(boot)

    @property
    def enabled(self) -> tuple[str, ...]:
        """Ids of the deliveries and timers that may happen now, in canonical order."""
        namer = self._recorder.namer
        return tuple(namer.name(e) for e in self._subject.world.enabled() if e[0] < FIRST_EXTERNAL)

    def take(self, event_id: str, args: object = None) -> Entry:
        """Let one event happen.  args: the content of an input from outside.

        Raises UsageError when it is not enabled, naming what is; TraceError for what is no id.
        """
        entry = self.try_take(event_id, args)
        if entry is None:
            enabled = self.enabled
            raise UsageError(
                f"{event_id} is not enabled", remedy=lambda: nearest(event_id, enabled)
            )
        return entry

    def try_take(self, event_id: str, args: object = None) -> Entry | None:
        """Let one event happen if it can; None, and nothing changed, when it is not enabled."""
        world = self._subject.world
        if self.violation is not None:
            raise UsageError(f"the run has ended: {self.violation.fingerprint}", where=event_id)
        event = self._find(event_id, args)
        if event is None or not world.allowed(event):
            if event is not None and event[0] >= FIRST_EXTERNAL:
                world.withdraw(event)
            return None
        self._recorder.before(event, world.enabled())
        step = world.take(event)
        self._recorder.after(step)
        self._crashed(step)
        if self.violation is None:
            at = len(self.entries) - 1
            self.violation = check_all(self._subject.invariants, world.observe(), self._memory, at)
        return self.entries[-1]

    def _find(self, event_id: str, args: object) -> Event | None:
        if event_id.startswith("ext:"):
            return self._subject.world.offer((parse_external(event_id, args),))[0]
        return self._recorder.namer.find(event_id)

    def _crashed(self, step: Step) -> None:
        if step.failure is not None:
            at = max(0, len(self.entries) - 1)
            self.violation = Violation(CRASH, step.failure.detail(), at)

    def trace(self) -> Trace:
        """The run so far."""
        reason = ExitReason.VIOLATION if self.violation else ExitReason.STOPPED
        outcome = Outcome(reason, len(self.entries), self.violation)
        return self._recording.trace(outcome, self._seed, HAND)

"""The nondeterminism check: equal schedules, and the first difference with its likely causes.

The one insight: the second run need not be told anything about the first but its choices (or, in another
process, its seed); whatever then differs is a choice that escaped us.

Not here: other processes (`demi/cli/elsewhere.py`).
"""

from __future__ import annotations

from demi.errors import DivergenceError
from demi.events import Program
from demi.scheduler.execute import USUAL_CAUSES, Recording, Subject, execute, record
from demi.scheduler.replay import Divergence, first_difference, replay
from demi.scheduler.strategy import Strategy
from demi.trace import Trace

PARENTS_MAX = 8  # of the chain behind a divergence; longer ones tell nothing more


def check_determinism(
    subject: Subject, strategy: Strategy, program: Program, seed: int, steps: int
) -> tuple[Trace, Divergence | None]:
    """Run once under `strategy`, recorded, replay that strictly, compare every entry.

    Raises DivergenceError when two replays differ so much that one cannot be made.
    """
    recording = Recording(subject)
    outcome = execute(subject, strategy, seed, program=program, steps=steps, observer=recording)
    trace = recording.trace(outcome, seed, strategy.name)
    again = replay(subject, trace)
    found = again.divergence
    if found is None:  # a replay leaves out what decides nothing: what was seen and logged
        third = record(subject, again.choices, seed, strategy=strategy.name)
        found = first_divergence(trace, third)
    return trace, found


def unrepeatable(subject: Subject, trace: Trace, found: Divergence) -> DivergenceError:
    """The error for a run that was recorded and did something else when it was replayed."""
    led = parents(trace, found.step)
    return DivergenceError(
        "the run does not repeat: " + found.brief() + (f"; led by {', '.join(led)}" if led else ""),
        where=f"{subject.target.name} seed {trace.header.seed}",
        remedy=USUAL_CAUSES,
    )


def first_divergence(one: Trace, other: Trace) -> Divergence | None:
    """Where two records of one schedule part; None when they are the same."""
    if one.header.boot != other.header.boot:
        want, got = str(one.header.boot)[:300], str(other.header.boot)[:300]
        return Divergence(-1, "start", "the start", want, got)
    for step, (want_entry, got_entry) in enumerate(zip(one.entries, other.entries, strict=False)):
        found = first_difference(want_entry, got_entry)
        if found is not None:
            return Divergence(step, want_entry.id, *found)
        if want_entry != got_entry:
            return Divergence(
                step, want_entry.id, "what was seen",
                str(want_entry.delta or want_entry.log)[:300], str(got_entry.delta or got_entry.log)[:300],
            )  # fmt: skip
    if len(one) != len(other) or one.violation != other.violation:  # who stopped it may differ
        step = min(len(one), len(other))
        return Divergence(step, "the end", "how the run ends", _end(one), _end(other))
    return None


def _end(trace: Trace) -> str:
    found = trace.violation
    return f"{len(trace)} events, {found.fingerprint if found else 'no violation'}"


def parents(trace: Trace, step: int) -> tuple[str, ...]:
    """The events that led to one, nearest first: who sent it, what made that one send, and so on."""
    if not 0 <= step < len(trace):
        return ()
    causes = {entry.id: entry.cause for entry in trace.entries}
    chain: list[str] = []
    cause = trace.entries[step].cause
    while cause and len(chain) < PARENTS_MAX:
        chain.append(cause)
        cause = causes.get(cause, "")
    return tuple(chain)

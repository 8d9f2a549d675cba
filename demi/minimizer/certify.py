"""The certificate: for every event that is left, what happens without it.

The one insight: "minimal" is a claim about runs that did *not* fail, so each of them is made once more
and what it ended in is kept beside the event, where a reader can doubt it.

Each event is left out alone (an external with its atomic group), the rest is replayed leniently by
content and then by type, the newest first; where a pass has asked this of the very same run, its replay
is the answer (`answers.py`).  A replay that still fails as the original did is smaller: it
becomes the best and certification starts again.  When none does, the run is 1-minimal in that sense.

In the trace: the key `why` of an entry, the keys `minimality` and `bound` of the footer.
Not here: removing more than one event at a time; other orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from demi.scheduler.sts import Match
from demi.trace import Entry, Trace

if TYPE_CHECKING:  # who only reads a certificate needs no scheduler
    from demi.minimizer.answers import States
    from demi.minimizer.problem import Problem
    from demi.minimizer.runs import Bound, Plan, Run, Trial

ONE_MINIMAL = "1-minimal"
WITHIN_BOUND = "minimal within the bound"
NOT_ESTABLISHED = "not established"
NO_VIOLATION, ANOTHER, NOT_ENABLED = "no violation", "another violation", "not enabled"
NOT_JUDGED = "not judged"
WHY, MINIMALITY, BOUND = "why", "minimality", "bound"

VALUE_LENGTH_MAX = 60  # of an observed value as JSON; longer ones say nothing in a line
DIFFERENCES_MAX = 3  # fields named in a line


@dataclass(frozen=True, slots=True)
class Why:
    """What happens without one event.

    result: one of the four words above; `not judged` where the target could not run what is left.
    fingerprint: of the other violation.  absent: positions of later events that found no match.
    by_type: the rest matched by type, not by content.
    ends: node -> field -> (value with the event, value without), where the runs end differently.
    """

    result: str
    fingerprint: str = ""
    absent: tuple[int, ...] = ()
    by_type: bool = False
    ends: Mapping[str, Mapping[str, tuple[Any, Any]]] = field(default_factory=dict)


def certify(problem: Problem) -> tuple[Why, ...]:
    """One Why for each event of the best run, which may become smaller on the way.

    Raises BudgetSpent.
    """
    while True:
        run = problem.best
        whys = _attempt(problem, run)
        if whys is not None:
            return whys


def _attempt(problem: Problem, run: Run) -> tuple[Why, ...] | None:
    """The certificate of a run, or None as soon as a smaller one fails too."""
    end = _final_states(problem, run)
    if end is None:
        return ()  # the best run does not repeat leniently: nothing can be said
    whys = []
    for at in range(len(run.plan)):
        kept = without(run, at)
        why = _without_event(problem, run, kept, end)
        if why is None:
            return None
        whys.append(why)
    return tuple(whys)


def without(run: Run, at: int) -> tuple[int, ...]:
    """The positions that stay when an event leaves, with its atomic group if it has one."""
    external = run.plan[at].external
    group = external.group if external is not None else ""
    kept = []
    for i, want in enumerate(run.plan):
        other = want.external
        together = bool(group) and other is not None and other.group == group
        if i != at and not together:
            kept.append(i)
    return tuple(kept)


def _final_states(problem: Problem, run: Run) -> States | None:
    end = problem.ending(run.plan)
    return None if end.trial.run is None else end.states


def _without_event(problem: Problem, run: Run, kept: Sequence[int], end: States) -> Why | None:
    from demi.minimizer.wildcards import newest

    plan: Plan = tuple(run.plan[i] for i in kept)
    whys = []
    for by_type in (False, True):
        ended = problem.ending(newest(plan) if by_type else plan)
        if ended.trial.run is not None:
            return None
        whys.append(_told(ended.trial, kept, by_type, end, ended.states))
        if Match.NEWEST in ended.trial.same:
            break
    # what was not judged and another bug are what a reader must know; else the run that came further
    rank = {NOT_JUDGED: 0, ANOTHER: 1}
    return min(whys, key=lambda why: (rank.get(why.result, 2), len(why.absent), why.by_type))


def _told(trial: Trial, kept: Sequence[int], by_type: bool, end: States, seen: States) -> Why:
    if trial.refusal:
        return Why(NOT_JUDGED, by_type=by_type)
    absent = tuple(kept[i] for i in trial.absent)
    ends = differences(end, seen)
    if trial.violation is not None:
        return Why(ANOTHER, trial.violation.fingerprint, absent, by_type, ends)
    return Why(NOT_ENABLED if absent else NO_VIOLATION, "", absent, by_type, ends)


def differences(end: States, seen: States) -> dict[str, dict[str, tuple[Any, Any]]]:
    """node -> field -> (with, without) of two final states; long values are left out."""
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    for node, fields in end.items():
        other = seen.get(node, {})
        for name in [*fields, *(name for name in other if name not in fields)]:
            pair = fields.get(name), other.get(name)
            if pair[0] != pair[1] and all(_short(value) for value in pair):
                found.setdefault(node, {})[name] = pair
    return found


def _short(value: Any) -> bool:
    try:
        return len(msgspec.json.encode(value)) <= VALUE_LENGTH_MAX
    except (TypeError, ValueError):  # not JSON: an observed value of the target's own kind
        return False


# ---- in the trace


def annotated(trace: Trace, whys: Sequence[Why], bound: Bound | None = None) -> Trace:
    """The trace with its certificate; without one, `not established`."""
    assert trace.footer is not None  # it was recorded, not read
    complete = bool(whys) and len(whys) == len(trace)
    judged = complete and all(why.result != NOT_JUDGED for why in whys)
    extra = {**trace.footer.extra, MINIMALITY: ONE_MINIMAL if judged else NOT_ESTABLISHED}
    if judged and bound is not None and bound.events == len(trace):
        if bound.anchor == 0:
            extra[MINIMALITY] = WITHIN_BOUND
        extra[BOUND] = {
            "events": bound.events, "anchor": bound.anchor, "states": bound.states,
            "steps": bound.steps, "ordered": int(bound.ordered),
        }  # fmt: skip
    footer = replace(trace.footer, extra=extra)
    entries = trace.entries
    if complete:
        entries = tuple(
            msgspec.structs.replace(entry, extra={**entry.extra, WHY: _json(why, trace.entries)})
            for entry, why in zip(trace.entries, whys, strict=True)
        )
    return replace(trace, entries=entries, footer=footer)


def _json(why: Why, entries: Sequence[Entry]) -> dict[str, Any]:
    data: dict[str, Any] = {"result": why.result}
    if why.fingerprint:
        data["fingerprint"] = why.fingerprint
    if why.absent:
        data["absent"] = [entries[at].id for at in why.absent]
    if why.by_type:
        data["by_type"] = True
    if why.ends:
        data["ends"] = {
            node: {name: list(pair) for name, pair in fields.items()}
            for node, fields in why.ends.items()
        }
    return data


def minimality(trace: Trace) -> str:
    """The verdict in a trace; `not established` where it has none."""
    verdict = trace.footer.extra.get(MINIMALITY) if trace.footer else None
    return verdict if isinstance(verdict, str) else NOT_ESTABLISHED


def bound_of(trace: Trace) -> str:
    """What was searched for a shorter run, in a line; "" where nothing was."""
    bound = trace.footer.extra.get(BOUND) if trace.footer else None
    if not isinstance(bound, dict) or not all(isinstance(v, int) for v in bound.values()):
        return ""
    events, anchor = bound.get("events", 0), bound.get("anchor", 0)
    start = f" that begins with its first {anchor}" if anchor else ""
    order = ", inputs in this order" if bound.get("ordered") else ""
    return (
        f"no run of fewer than {events} events{start}, made of such events and none more often{order}"
        f" ({bound.get('states', 0)} states exhausted)"
    )


def explanation(trace: Trace, at: int) -> str:
    """One line about an event of a certified trace, "" where the trace says nothing.

    The trace may come from a stranger: what has another shape is left out.
    """
    entry = trace.entries[at]
    why = entry.extra.get(WHY)
    if not isinstance(why, dict) or not isinstance(why.get("result"), str):
        return ""
    parts = [why["result"]]
    absent = why.get("absent")
    if why["result"] == ANOTHER:
        parts = [f"{ANOTHER} ({why.get('fingerprint', '')})"]
    elif why["result"] == NOT_ENABLED:
        count = len(absent) if isinstance(absent, list) else 0
        parts = [f"{NO_VIOLATION}, {count} later event{'' if count == 1 else 's'} absent"]
    ends = _ends(trace, why.get("ends"))
    if ends:
        parts.append(ends)
    return f"without {entry.id}: " + "; ".join(parts)


def _ends(trace: Trace, ends: Any) -> str:
    """`n2 ends with role candidate, not leader`, nodes of the violation first."""
    if not isinstance(ends, dict):
        return ""
    guilty = trace.violation.detail.nodes if trace.violation else ()
    texts: list[str] = []
    left = DIFFERENCES_MAX
    for node in sorted(ends, key=lambda name: name not in guilty):
        fields = ends[node]
        pairs = fields.items() if isinstance(fields, dict) else ()
        known = [(n, p) for n, p in pairs if isinstance(p, list) and len(p) == 2][:left]
        left -= len(known)
        if known:
            words = ", ".join(f"{n} {_said(p[1])} (not {_said(p[0])})" for n, p in known)
            texts.append(f"{node} ends with {words}")
    return "; ".join(texts)


def _said(value: Any) -> str:
    return value if isinstance(value, str) and value else msgspec.json.encode(value).decode()

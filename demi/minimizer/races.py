"""Races: which two events at one node, the other way round, would have avoided the violation.

The one insight: the nearest run that passes differs from the failing one by one reversed race, so all such
runs are made, from the closest pair of events on: two events of a node, where the second does not need the
first, are swapped with everything that hangs on the first, and the rest is replayed leniently.

With the races go the causal chains: for each node of the violation, the sends that led to its last event.

In the trace: the key `explanation` of the footer (docs/trace-format.md).  Not here: pairs that the network
model orders (one fifo channel), more than one reversal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from demi.events import External, Kind
from demi.minimizer.certify import ANOTHER, NO_VIOLATION
from demi.minimizer.narrative import chain_line, race_lines
from demi.minimizer.problem import Problem, whole
from demi.minimizer.runs import Plan, Run
from demi.minimizer.wildcards import by_cause
from demi.trace import Entry, Trace

DELIVER = int(Kind.DELIVER)
EXPLANATION = "explanation"
RACES_MAX = 120  # reversals tried: one replay each


@dataclass(frozen=True, slots=True)
class Race:
    """Positions of two events at `node`; with the second before the first, the run ends with `result`.

    absent: how many events of the run could then not happen.
    """

    node: str
    first: int
    second: int
    result: str
    absent: int


def races(problem: Problem, run: Run) -> tuple[Race, ...]:
    """The reversals after which the violation is gone, the one that loses fewest events first.

    Neighbours of a node first, then events with one between them, and so on until some are found.
    Raises BudgetSpent.
    """
    homes = homes_of(problem.subject.world.names, run.plan)
    tried, distance = 0, 1
    while tried < RACES_MAX:
        found, done = _at_distance(problem, run, homes, distance, RACES_MAX - tried)
        if found or not done:
            return tuple(sorted(found, key=_nearness))
        tried += done
        distance += 1
    return ()


def _nearness(race: Race) -> tuple[bool, int, int]:
    return race.result == ANOTHER, race.absent, -race.second


def _at_distance(
    problem: Problem, run: Run, homes: Sequence[str], distance: int, most: int
) -> tuple[list[Race], int]:
    """(races among events of a node that are so far apart in its order, replays)."""
    strict = problem.subject.world.capabilities.network == "fifo"
    at_node: dict[str, list[int]] = {}
    found: list[Race] = []
    tried = 0
    for second, home in enumerate(homes):
        mine = at_node.setdefault(home, [])
        mine.append(second)
        if len(mine) <= distance or tried >= most:
            continue
        first = mine[-1 - distance]
        if strict and _one_channel(run.plan, first, second):
            continue
        plan = reversed_at(run, homes, first, second)
        if plan is None:
            continue
        tried += 1
        best = problem.best
        trial = problem.trial(by_cause(plan))
        if not whole(problem, problem.best.plan):  # a group may have been cut by an earlier end
            problem.best = best
        if trial.run is None and not trial.refusal:
            result = NO_VIOLATION if trial.violation is None else ANOTHER
            found.append(Race(home, first, second, result, len(trial.absent)))
    return found, tried


def homes_of(names: Sequence[str], plan: Plan) -> list[str]:
    """The node that each event happens at, "" for one that names none."""
    homes = []
    for want in plan:
        choice = want.choice
        if isinstance(choice, External):
            homes.append(choice.nodes[0] if choice.nodes else "")
        else:
            homes.append(names[choice[1]])
    return homes


def _one_channel(plan: Plan, first: int, second: int) -> bool:
    a, b = plan[first].choice, plan[second].choice
    if isinstance(a, External) or isinstance(b, External):
        return False
    return a[:3] == b[:3] and a[0] == DELIVER


def reversed_at(run: Run, homes: Sequence[str], first: int, second: int) -> Plan | None:
    """The plan with `first` and all that hangs on it behind `second`; None when that needs it.

    On it hangs what it caused, and what then happens at other nodes.
    """
    hanging, nodes = [first], set[str]()
    before = []
    for at in range(first + 1, second):
        if run.causes[at] in hanging or homes[at] in nodes:
            hanging.append(at)
            if homes[at] != homes[first]:
                nodes.add(homes[at])
        else:
            before.append(at)
    if run.causes[second] in hanging:
        return None
    order = [*before, second, *hanging]
    return (*run.plan[:first], *(run.plan[at] for at in order), *run.plan[second + 1 :])


def chains(run: Run, homes: Sequence[str]) -> list[tuple[str, tuple[int, ...]]]:
    """For each node of the violation: the positions of sends that led to its last event, in order."""
    found = []
    for node in run.violation.detail.nodes:
        at = max((i for i, home in enumerate(homes) if home == node), default=-1)
        chain = []
        while at >= 0:
            chain.append(at)
            at = run.causes[at]
        found.append((node, tuple(reversed(chain))))
    return found


def told(
    run: Run, homes: Sequence[str], found: Sequence[Race], entries: Sequence[Entry]
) -> dict[str, Any]:
    """The `explanation` of a footer."""
    ids = [entry.id for entry in entries]
    lines = [chain_line(node, [entries[at] for at in chain]) for node, chain in chains(run, homes)]
    lines += race_lines([(ids[r.second], ids[r.first], r.node, r.result, r.absent) for r in found])
    return {
        "races": [
            {
                "node": race.node, "first": ids[race.first], "second": ids[race.second],
                "result": race.result, "absent": race.absent,
            }
            for race in found
        ],
        "chains": [
            {"node": node, "events": [ids[at] for at in chain]}
            for node, chain in chains(run, homes)
        ],
        "text": lines,
    }  # fmt: skip


def told_lines(trace: Trace) -> list[str]:
    """The lines of an explanation.  The trace may come from a stranger: another shape is left out."""
    found = trace.footer.extra.get(EXPLANATION) if trace.footer else None
    text = found.get("text") if isinstance(found, dict) else None
    return [line for line in text if isinstance(line, str)] if isinstance(text, list) else []

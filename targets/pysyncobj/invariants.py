"""What must hold of pysyncobj nodes, checked after every step on the nodes it touched.

The one insight: every property is remembered as what was settled so far (who led a term, what was
applied at an index, how far each leader was compared), so a step costs what it settles anew.

After Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm", figure 3.  A leader
must hold what was applied in an *earlier* term only: a late vote may make a leader of an old term after
a newer one has committed, which is legal.  Not here: reading the nodes (`observe.py`).
"""

from __future__ import annotations

from typing import Any

from demi.oracle import Detail, Memory, View
from targets.pysyncobj.observe import Entry, Seen


class ElectionSafety:
    """No two nodes lead in one term."""

    name = "ElectionSafety"
    doc = "at most one leader in a term"

    def start(self) -> Memory:
        return {}

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if seen is None or seen.role != "leader":
                continue
            known = memory.get(seen.term)
            if known is None:
                memory = {**memory, seen.term: node}
            elif known != node:
                names = (view.names[known], view.names[node])
                return memory, Detail(
                    tuple(sorted(names)), f"{names[0]} and {names[1]} both lead term {seen.term}"
                )
        return memory, None


class LogMatching:
    """Equal index and term mean equal logs up to there.  Memory: the logs last compared."""

    name = "LogMatching"
    doc = "logs that agree on the term of an entry agree on all entries before it and on itself"

    def start(self) -> Memory:
        return ()

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if not memory:
                memory = (None,) * len(view.names)
            if seen is None or seen.log is memory[node]:
                continue
            memory = (*memory[:node], seen.log, *memory[node + 1 :])
            for other, log in enumerate(memory):
                if other != node and log is not None:
                    at = _mismatch(seen.log, log)
                    if at is not None:
                        names = (view.names[min(node, other)], view.names[max(node, other)])
                        return memory, Detail(
                            names, f"the logs of {names[0]} and {names[1]} differ at index {at + 1}"
                        )
        return memory, None


def _mismatch(a: tuple[Entry, ...], b: tuple[Entry, ...]) -> int | None:
    last = min(len(a), len(b)) - 1
    while last >= 0 and a[last].term != b[last].term:
        last -= 1
    if a[: last + 1] == b[: last + 1]:
        return None
    return next(i for i in range(last + 1) if a[i] != b[i])


Applied = tuple[tuple[tuple[Entry, int], ...], tuple[int, ...]]
"""What was applied first at each index, with that node's term then; how far each node has applied."""


def _applied(view: View, memory: Applied) -> tuple[Applied, Detail | None]:
    """Account for what the touched nodes applied."""
    chosen, reached = memory
    for node in view.touched:
        seen: Seen | None = view.state(node)
        if not reached:
            reached = (0,) * len(view.names)
        now, before = (seen.applied if seen is not None else 0), reached[node]
        if now == before:
            continue
        reached = (*reached[:node], now, *reached[node + 1 :])
        for i in range(min(before, now), now):
            assert seen is not None
            entry = seen.log[i] if i < len(seen.log) else None
            if i < len(chosen):
                if entry != chosen[i][0]:
                    text = f"{view.names[node]} applied another entry than others at index {i + 1}"
                    return (chosen, reached), Detail((view.names[node],), text)
            elif entry is not None:
                chosen = (*chosen, (entry, seen.term))
    return (memory if reached is memory[1] else (chosen, reached)), None


class StateMachineSafety:
    """No two nodes apply different entries at one index."""

    name = "StateMachineSafety"
    doc = "all nodes apply the same entry at an index"

    def start(self) -> Memory:
        return ((), ())

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        return _applied(view, memory)


class LeaderCompleteness:
    """A leader of a later term holds what was applied.  Memory: applied, and (term, compared) of nodes."""

    name = "LeaderCompleteness"
    doc = "a leader holds every entry that was applied in an earlier term"

    def start(self) -> Memory:
        return (((), ()), {})

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        before, compared = memory
        applied, _ = _applied(view, before)
        chosen = applied[0]
        nodes = view.touched if chosen is before[0] else range(len(view.names))
        for node in nodes:
            seen: Seen | None = view.state(node)
            if seen is None or seen.role != "leader":
                continue
            term, count = compared.get(node, (-1, 0))
            count = count if term == seen.term else 0
            for i in range(count, len(chosen)):
                entry, when = chosen[i]
                if when < seen.term and (i >= len(seen.log) or seen.log[i] != entry):
                    text = f"{view.names[node]} leads term {seen.term} without the entry at index {i + 1}"
                    return (applied, compared), Detail((view.names[node],), text)
            if term != seen.term or count != len(chosen):
                compared = {**compared, node: (seen.term, len(chosen))}
        same = applied is before and compared is memory[1]
        return (memory if same else (applied, compared)), None


class CommitMonotonic:
    """A node that stays up never takes back a commit.  Memory: the last commit index of each node."""

    name = "CommitMonotonic"
    doc = "the commit index of a node never goes back while it is up"

    def start(self) -> Memory:
        return {}

    def check(self, view: View, memory: Memory) -> tuple[Memory, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            before, now = memory.get(node), None if seen is None else seen.commit
            if now == before:
                continue
            memory = {**memory, node: now}
            if before is not None and now is not None and now < before:
                text = f"the commit index of {view.names[node]} went back from {before} to {now}"
                return memory, Detail((view.names[node],), text)
        return memory, None


def invariants() -> tuple[Any, ...]:
    """All of them, the most telling first."""
    return (
        ElectionSafety(),
        CommitMonotonic(),
        LogMatching(),
        StateMachineSafety(),
        LeaderCompleteness(),
    )

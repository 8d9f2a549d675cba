"""What must hold in any Raft, looking only at what a node shows of itself (`Seen`).

The one insight: all four properties are about the whole past (no two leaders of a term *ever*), so each
keeps the little of the past that it needs as immutable values and compares it only when a role, a
commit index or a log has changed.

Election Safety, Log Matching, Leader Completeness, State Machine Safety: figure 3 of the Raft paper
(Ongaro and Ousterhout, USENIX ATC'14).  Not here: Leader Append-Only, which no bug here breaks first;
liveness; how a node is observed (each target's own).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from demi.oracle import Detail, Invariant, View

INIT, FOLLOWER, CANDIDATE, LEADER = "init", "follower", "candidate", "leader"


class LogEntry(Protocol):
    """An entry of a log; equal entries compare equal, and are best the same object."""

    @property
    def command(self) -> Any: ...
    @property
    def term(self) -> int: ...
    @property
    def idx(self) -> int: ...


class Seen(NamedTuple):
    """What a node shows.

    role: one of the four words above.  commit: how many entries, from the beginning of time, it has
    committed and applied.  log: the entries it still holds; first: the place of log[0], counted from 1
    by position (a compacted log starts later).  An unchanged log is best the same object.
    """

    role: str
    term: int
    commit: int
    log: tuple[Any, ...]
    first: int = 1


class ElectionSafety:
    """Memory: term -> leader, by node index; replaced, never changed."""

    name = "ElectionSafety"
    local = True
    doc = "at most one leader per term, over all time"

    def start(self) -> dict[int, int]:
        return {}

    def check(self, view: View, memory: dict[int, int]) -> tuple[dict[int, int], Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if seen is None or seen.role != LEADER:
                continue
            known = memory.get(seen.term)
            if known is None:
                memory = {**memory, seen.term: node}
            elif known != node:
                a, b = sorted((view.names[known], view.names[node]))
                return memory, Detail((a, b), f"{a} and {b} are both leader of term {seen.term}")
        return memory, None

    def permuted(self, memory: dict[int, int], where: Sequence[int]) -> dict[int, int]:
        return {term: where[node] for term, node in memory.items()}


Logs = tuple[tuple[tuple[Any, ...], int], ...]


class LogMatching:
    """Memory: every node's (log, first) when it last changed; a node that is down keeps its last."""

    name = "LogMatching"
    doc = "two logs that share an entry (idx and term) are the same up to it"

    def start(self) -> Logs:
        return ()

    def check(self, view: View, memory: Logs) -> tuple[Logs, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if seen is None or (memory and memory[node][0] is seen.log):
                continue
            memory = memory or ((((), 1),) * len(view.names))
            before = memory[node][0]
            memory = (*memory[:node], (seen.log, seen.first), *memory[node + 1 :])
            if before == seen.log:
                continue
            for other, (log, first) in enumerate(memory):
                if other != node and log and seen.log:
                    text = logs_differ(seen.log, seen.first, log, first)
                    if text:
                        names = sorted((view.names[node], view.names[other]))
                        return memory, Detail(tuple(names), f"{names[0]} and {names[1]}: {text}")
        return memory, None

    def permuted(self, memory: Logs, where: Sequence[int]) -> Logs:
        return _moved(memory, where)


_Item = TypeVar("_Item")


def _moved(memory: tuple[_Item, ...], where: Sequence[int]) -> tuple[_Item, ...]:
    """One item per node, or none at all, for renamed nodes."""
    moved = list(memory)
    for node, item in enumerate(memory):
        moved[where[node]] = item
    return tuple(moved)


def logs_differ(a: tuple[Any, ...], first_a: int, b: tuple[Any, ...], first_b: int) -> str:
    """How two logs that share an entry differ before it, by position; "" when they do not."""
    start = max(first_a, first_b)  # before that, one of the two is compacted
    a, b = a[start - first_a :], b[start - first_b :]
    both = min(len(a), len(b))
    if a[:both] == b[:both]:
        return ""  # one is the beginning of the other
    for one, two in ((a, b), (b, a)):
        places = {(entry.idx, entry.term) for entry in two}
        for last in range(len(one) - 1, -1, -1):
            if (one[last].idx, one[last].term) in places:
                if one[: last + 1] != two[: last + 1]:
                    return f"both hold {tuple(one[last])}, but differ at or before position {start + last}"
                break
    return ""


class Completeness(NamedTuple):
    """commits: per node, how much of its log was seen committed.  committed: entry -> the lowest term
    in which it was.  leaders: term -> (node, its log and first when it was first seen as leader)."""

    commits: tuple[int, ...]
    committed: dict[Any, int]
    leaders: dict[int, tuple[int, tuple[Any, ...], int]]


class LeaderCompleteness:
    """An entry committed in a term is in the log of the leaders of all later terms.

    Judged by the log that a leader has when it is first seen as leader of its term, so that the
    verdict does not depend on how often one looks.
    """

    name = "LeaderCompleteness"
    doc = "a committed entry is in the log of every leader of a later term"

    def start(self) -> Completeness:
        return Completeness((), {}, {})

    def check(self, view: View, memory: Completeness) -> tuple[Completeness, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if seen is None:
                continue
            commits = memory.commits
            if seen.commit != (commits[node] if commits else 0):
                memory, missing = self._committed(view, memory, node, seen)
                if missing:
                    return memory, missing
            if seen.role == LEADER and seen.term not in memory.leaders:
                elected = (node, seen.log, seen.first)
                memory = memory._replace(leaders={**memory.leaders, seen.term: elected})
                for entry, term in memory.committed.items():
                    if term < seen.term and _lacks(elected, entry):
                        return memory, _incomplete(view, node, seen.term, entry, term)
        return memory, None

    def permuted(self, memory: Completeness, where: Sequence[int]) -> Completeness:
        leaders = {
            term: (where[at], log, first) for term, (at, log, first) in memory.leaders.items()
        }
        return Completeness(_moved(memory.commits, where), memory.committed, leaders)

    def _committed(
        self, view: View, memory: Completeness, node: int, seen: Seen
    ) -> tuple[Completeness, Detail | None]:
        commits = memory.commits or (0,) * len(view.names)
        new = _between(seen, commits[node])
        commits = (*commits[:node], seen.commit, *commits[node + 1 :])
        fresh = {e: seen.term for e in new if memory.committed.get(e, seen.term + 1) > seen.term}
        if not fresh:
            return memory._replace(commits=commits), None
        memory = memory._replace(commits=commits, committed={**memory.committed, **fresh})
        for term, elected in memory.leaders.items():
            if term > seen.term:
                for entry in fresh:
                    if _lacks(elected, entry):
                        return memory, _incomplete(view, elected[0], term, entry, seen.term)
        return memory, None


def _between(seen: Seen, done: int) -> tuple[Any, ...]:
    """The entries that a node has committed beyond the first `done`."""
    return seen.log[max(0, done + 1 - seen.first) : max(0, seen.commit + 1 - seen.first)]


def _lacks(elected: tuple[int, tuple[Any, ...], int], entry: Any) -> bool:
    """A compacted log may have held the entry: only what it still says counts."""
    _, log, first = elected
    return entry not in log and (first == 1 or entry.idx >= log[0].idx)


def _incomplete(view: View, node: int, term: int, entry: Any, when: int) -> Detail:
    name = view.names[node]
    text = f"{name}, leader of term {term}, lacks {tuple(entry)}, committed in term {when}"
    return Detail((name,), text)


class Applied(NamedTuple):
    """commits: per node, how much it has applied.  log: the first entry applied at each position."""

    commits: tuple[int, ...]
    log: tuple[Any, ...]


class StateMachineSafety:
    """Memory: see `Applied`; entries that a node holds in compacted form are not compared."""

    name = "StateMachineSafety"
    doc = "no two nodes ever apply different entries at the same position"

    def start(self) -> Applied:
        return Applied((), ())

    def check(self, view: View, memory: Applied) -> tuple[Applied, Detail | None]:
        for node in view.touched:
            seen: Seen | None = view.state(node)
            if seen is None:
                continue
            commits, log = memory
            done = commits[node] if commits else 0
            if seen.commit == done:
                continue
            commits = commits or (0,) * len(view.names)
            commits = (*commits[:node], seen.commit, *commits[node + 1 :])
            at = max(done, seen.first - 1)
            for position, entry in enumerate(_between(seen, done), at):
                if position < len(log):
                    if log[position] != entry:
                        name = view.names[node]
                        text = f"{name} applied {tuple(entry)} at position {position + 1}"
                        text += f", where {tuple(log[position])} was applied before"
                        return Applied(commits, log), Detail((name,), text)
                elif position == len(log):
                    log = (*log, entry)
            memory = Applied(commits, log)
        return memory, None

    def permuted(self, memory: Applied, where: Sequence[int]) -> Applied:
        return Applied(_moved(memory.commits, where), memory.log)


def raft_invariants(*only: str) -> Sequence[Invariant]:
    """All four, or those named, in the order in which they are reported when several break at once."""
    every = (ElectionSafety(), LogMatching(), StateMachineSafety(), LeaderCompleteness())
    return tuple([one for one in every if not only or one.name in only])

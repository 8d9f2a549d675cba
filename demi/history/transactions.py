"""List-append transactions: does some serial order explain them, and if not, which cycle says so?

After Elle (Kingsbury and Alvaro, VLDB 2020).  A transaction is a list of (append, key, value) and
(r, key, list read); values are appended once.  The longest read of a key is its version order; from it
follow who wrote before whom (ww), who read whose write (wr), who missed whose write (rw), and, for the
strict levels, who had ended before whom began (rt).  A cycle is a violation, named after what it is made of.

The one insight: reading a whole list reveals every earlier write, so the order need not be searched for.

Not here: predicates, or transactions whose values are not unique (they are refused).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from demi.errors import UsageError
from demi.history.cycles import Graph, components, shortest_cycle
from demi.history.operation import FAIL, OK, Operation, brief

APPEND, READ = "append", "r"
WW, WR, RW, RT = "ww", "wr", "rw", "rt"
LEVELS: dict[str, tuple[str, ...]] = {
    "read-committed": ("G0", "G1c"),
    "snapshot-isolation": ("G0", "G1c", "G-single"),
    "serializable": ("G0", "G1c", "G-single", "G2"),
    "strict-serializable": (
        "G0", "G1c", "G-single", "G2",
        "G0-realtime", "G1c-realtime", "G-single-realtime", "G2-realtime",
    ),
}  # fmt: skip
"""Level -> the cycles it forbids; all forbid reads of aborted and of intermediate writes."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is wrong.  name: as in the literature.  transactions: those of the cycle, in order.

    text: one line.  steps: one line per edge of the cycle.
    """

    name: str
    transactions: tuple[Operation, ...]
    text: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """first must come before second.  kind: ww, wr, rw or rt."""

    kind: str
    key: Any = None
    value: Any = None


def find_anomalies(
    operations: Sequence[Operation], level: str = "strict-serializable"
) -> list[Anomaly]:
    """What is wrong at that level: at most one cycle per component.  Raises UsageError."""
    if level not in LEVELS:
        raise UsageError(f"unknown level {level!r}", remedy="known: " + ", ".join(LEVELS))
    facts = _Facts(operations)
    direct = [*facts.broken_reads(), *facts.incompatible()]
    return [*direct, *_cycles(facts, level)]


def micro_operations(one: Operation) -> tuple[tuple[Any, ...], ...]:
    """The steps of a transaction: as it was told, or as it asked."""
    told = one.result if one.status == OK and one.result is not None else one.argument
    steps = told or ()
    if not all(isinstance(step, tuple) and len(step) == 3 for step in steps):
        raise UsageError(
            f"{one.process}: not a list-append transaction: {brief(steps)}",
            where=f"line {one.at}" if one.at else "",
            remedy='as in [["append", "x", 1], ["r", "x", [1]]]',
        )
    return tuple(steps)


class _Facts:
    """Who appended what, and what each committed transaction read from outside itself."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.all = list(operations)
        self.steps = [micro_operations(one) for one in self.all]
        self.writer: dict[tuple[Any, Any], int] = {}
        self.last: dict[tuple[int, Any], Any] = {}
        for index, steps in enumerate(self.steps):
            for f, key, value in steps:
                if f == APPEND:
                    self._wrote(index, key, value)
        self.reads = [list(self._outside(index)) for index in range(len(self.all))]
        self.order: dict[Any, tuple[Any, ...]] = {}
        for reads in self.reads:
            for key, seen in reads:
                if len(seen) > len(self.order.get(key, ())):
                    self.order[key] = seen

    def _wrote(self, index: int, key: Any, value: Any) -> None:
        if (key, value) in self.writer:
            raise UsageError(
                f"{brief(value)} is appended to {brief(key)} twice",
                where=f"line {self.all[index].at}" if self.all[index].at else "",
                remedy="append each value once: the order follows from the values",
            )
        self.writer[(key, value)] = index
        self.last[(index, key)] = value

    def _outside(self, index: int) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        if self.all[index].status != OK:
            return
        own: dict[Any, int] = {}
        for f, key, value in self.steps[index]:
            if f == APPEND:
                own[key] = own.get(key, 0) + 1
            elif value is not None:
                seen = tuple(value)
                yield key, seen[: len(seen) - own.get(key, 0)]

    def broken_reads(self) -> Iterator[Anomaly]:
        """G1a, G1b, and reads of what nobody wrote."""
        for index, reads in enumerate(self.reads):
            for key, seen in reads:
                for at, value in enumerate(seen):
                    yield from self._broken_value(index, key, value, at == len(seen) - 1)

    def _broken_value(self, index: int, key: Any, value: Any, newest: bool) -> Iterator[Anomaly]:
        writer = self.writer.get((key, value))
        if writer is None:
            yield self._broken("phantom", index, key, value, "which nobody appended")
        elif self.all[writer].status == FAIL:
            yield self._broken("G1a", index, key, value, "which an aborted transaction appended")
        elif newest and writer != index and self.last[(writer, key)] != value:
            what = "which was not the last append of its transaction"
            yield self._broken("G1b", index, key, value, what)

    def _broken(self, name: str, index: int, key: Any, value: Any, what: str) -> Anomaly:
        reader, writer = self.all[index], self.writer.get((key, value))
        both = (reader,) if writer is None else (reader, self.all[writer])
        return Anomaly(name, both, f"{reader.text} read {brief(value)} in {brief(key)}, {what}")

    def incompatible(self) -> Iterator[Anomaly]:
        """Two reads of one key of which neither continues the other."""
        for index, reads in enumerate(self.reads):
            for key, seen in reads:
                longest = self.order[key]
                if longest[: len(seen)] != seen:
                    text = f"{brief(key)} was read as {brief(list(seen))} and as {brief(list(longest))}"
                    yield Anomaly("incompatible-order", (self.all[index],), text)

    def graph(self) -> Graph[Edge]:
        """All edges among transactions that may have happened."""
        graph: Graph[Edge] = Graph(len(self.all))
        for key, values in self.order.items():
            for old, new in pairwise(values):
                self._link(
                    graph, self.writer.get((key, old)), self.writer.get((key, new)), WW, key, new
                )
        for index, reads in enumerate(self.reads):
            for key, seen in reads:
                order = self.order[key]
                if seen:
                    self._link(graph, self.writer.get((key, seen[-1])), index, WR, key, seen[-1])
                if len(seen) < len(order):
                    missed = order[len(seen)]
                    self._link(graph, index, self.writer.get((key, missed)), RW, key, missed)
        return graph

    def _link(
        self,
        graph: Graph[Edge],
        one: int | None,
        other: int | None,
        kind: str,
        key: Any,
        value: Any,
    ) -> None:
        if one is not None and other is not None and one != other:
            graph.add(one, other, Edge(kind, key, value))

    def real_time(self, graph: Graph[Edge]) -> None:
        """Edges from what had ended to what began; a frontier keeps out what follows from others."""
        ends = [(one.call, index, True) for index, one in enumerate(self.all)]
        ends += [
            (one.back, index, False)
            for index, one in enumerate(self.all)
            if one.back is not None and one.status == OK
        ]
        frontier: dict[int, None] = {}
        before: dict[int, tuple[int, ...]] = {}
        for _, index, begins in sorted(ends):
            if begins:
                before[index] = tuple(frontier)
                for earlier in frontier:
                    graph.add(earlier, index, Edge(RT))
            else:
                for earlier in before[index]:
                    frontier.pop(earlier, None)
                frontier[index] = None


def _cycles(facts: _Facts, level: str) -> Iterator[Anomaly]:
    graph = facts.graph()
    if level == "strict-serializable":
        facts.real_time(graph)
    for members in components(graph):
        for name in LEVELS[level]:
            cycle = _named_cycle(graph, members, name)
            if cycle:
                yield _told(facts, name, cycle)
                break


def _named_cycle(graph: Graph[Edge], members: list[int], name: str) -> list[tuple[int, Edge]]:
    """The shortest cycle of that name within a component: [(transaction, edge to the next)]."""
    real = {RT} if name.endswith("-realtime") else set()
    plain = name.removesuffix("-realtime")
    if plain == "G0":
        return shortest_cycle(graph, members, lambda e: e.kind in {WW} | real)
    if plain == "G1c":
        return shortest_cycle(graph, members, lambda e: e.kind in {WW, WR} | real)
    if plain == "G-single":
        return shortest_cycle(
            graph, members, lambda e: e.kind in {WW, WR} | real, first=lambda e: e.kind == RW
        )
    return shortest_cycle(graph, members, lambda e: e.kind in {WW, WR, RW} | real)


_SAYS = {
    WW: "appended to {key} before {value} was",
    WR: "appended {value} to {key}, which was read by the next",
    RW: "did not see {value} in {key}, which the next appended",
    RT: "had ended before the next began",
}


def _told(facts: _Facts, name: str, cycle: list[tuple[int, Edge]]) -> Anomaly:
    steps = tuple(
        f"{facts.all[index].text} --{edge.kind}--> "
        + _SAYS[edge.kind].format(key=brief(edge.key), value=brief(edge.value))
        for index, edge in cycle
    )
    names = " -> ".join(f"T{index + 1}" for index, _ in [*cycle, cycle[0]])
    kinds = ", ".join(edge.kind for _, edge in cycle)
    text = f"{name}: {names} ({kinds})"
    return Anomaly(name, tuple(facts.all[index] for index, _ in cycle), text, steps)

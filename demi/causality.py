"""Happens-before of a trace: what could have influenced what.

The one insight: every event belongs to one node's total order (its *home*), so a vector of one count per
node says everything, and `i` happens before `j` exactly when `j`'s count at `i`'s home has reached `i`
(Lamport 1978; Fidge 1988; Mattern 1988).  Building it is linear in the events; sets of events are int
bitsets (bit i = entry i), made when first asked for, since they cost n * n / 8 bytes.

Direct edges, always forward: the previous event that touched the same node; the event that sent the
message or armed the timer; the events that sent what this one lost.  A fault on a link (cut, heal, drop,
duplicate) touches both its nodes.  An event that names no node has the home "".

Not here: independence and races (exploration has a finer relation); nothing is inferred from state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from demi.trace import Trace

Clock = tuple[int, ...]


class Causality:
    """Happens-before of one trace; events are named by their index in it.

    homes: the node of each event.  nodes: every node that occurs, the header's first.
    edges: for each event its direct causes, without those that another of them implies
    (the transitive reduction), ascending.
    """

    __slots__ = ("_clocks", "_column", "_futures", "_pasts", "edges", "homes", "nodes")

    def __init__(self, trace: Trace) -> None:
        touched = [entry.touched for entry in trace.entries]
        self.nodes: tuple[str, ...] = tuple(
            dict.fromkeys([*trace.header.nodes, *(node for nodes in touched for node in nodes)])
        )
        self._column = {node: at for at, node in enumerate(self.nodes)}
        self.homes: tuple[str, ...] = tuple([nodes[0] for nodes in touched])
        self._clocks: list[Clock] = []
        self._pasts: list[int] = []
        self._futures: list[int] = []
        self.edges: tuple[tuple[int, ...], ...] = tuple(self._build(trace, touched))

    def __len__(self) -> int:
        return len(self._clocks)

    def _build(self, trace: Trace, touched: Sequence[Sequence[str]]) -> Iterator[tuple[int, ...]]:
        start: Clock = (0,) * len(self.nodes)
        made: dict[str, int] = {}  # id of a message, timer or event -> the event behind it
        last: dict[str, int] = {}  # node -> the last event that touched it
        for i, entry in enumerate(trace.entries):
            causes = {last[node] for node in touched[i] if node in last}
            causes.update([made[lost] for lost in entry.lost if lost in made])
            source = made.get(entry.cause, made.get(entry.id))
            if source is not None:
                causes.add(source)
            clock = start
            for cause in causes:
                other = self._clocks[cause]
                clock = other if clock is start else tuple(map(max, clock, other))
            home = self._column[self.homes[i]]
            self._clocks.append((*clock[:home], clock[home] + 1, *clock[home + 1 :]))
            made[entry.id] = i
            for produced in (*entry.out, *entry.armed):
                made[produced] = i
            for node in touched[i]:
                last[node] = i
            yield self._reduced(causes)

    def _reduced(self, causes: set[int]) -> tuple[int, ...]:
        if len(causes) < 2:
            return tuple(causes)
        return tuple(
            sorted(c for c in causes if not any(self.happens_before(c, other) for other in causes))
        )

    def happens_before(self, i: int, j: int) -> bool:
        """Could `i` have influenced `j`?  False for i == j."""
        at = self._column[self.homes[i]]
        return i != j and self._clocks[j][at] >= self._clocks[i][at]

    def concurrent(self, i: int, j: int) -> bool:
        """Neither happens before the other; False for i == j."""
        return i != j and not self.happens_before(i, j) and not self.happens_before(j, i)

    def vector_clock(self, i: int) -> Mapping[str, int]:
        """How many events of each home `i` knows, itself included; nodes unheard of are left out."""
        return {
            node: count for node, count in zip(self.nodes, self._clocks[i], strict=True) if count
        }

    def past(self, i: int) -> int:
        """Bitset of the events that happen before `i`, without `i`."""
        if not self._pasts:
            for causes in self.edges:
                self._pasts.append(_union(causes, self._pasts))
        return self._pasts[i]

    def future(self, i: int) -> int:
        """Bitset of the events that `i` happens before, without `i`."""
        if not self._futures:
            futures = [0] * len(self)
            for j in range(len(self) - 1, -1, -1):
                reach = futures[j] | 1 << j
                for cause in self.edges[j]:
                    futures[cause] |= reach
            self._futures = futures
        return self._futures[i]


def members(bits: int) -> list[int]:
    """The indices in a bitset, ascending."""
    return [at for at, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"]


def _union(causes: Sequence[int], pasts: Sequence[int]) -> int:
    union = 0
    for cause in causes:
        union |= pasts[cause] | 1 << cause
    return union

"""Cycles of a labelled graph: strongly connected components, then the shortest cycle of a kind.

Tarjan (SIAM J. Computing 1972), without recursion, since a component may hold every transaction.

The one insight: a cycle lies within one component, so breadth-first search only ever walks what is left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

E = TypeVar("E")


class Graph(Generic[E]):
    """Nodes 0..size-1; several edges between two nodes are kept in the order they were added."""

    def __init__(self, size: int) -> None:
        self.edges: list[dict[int, list[E]]] = [{} for _ in range(size)]

    def add(self, one: int, other: int, edge: E) -> None:
        """An edge from `one` to `other`."""
        self.edges[one].setdefault(other, []).append(edge)


def components(graph: Graph[E]) -> list[list[int]]:
    """The strongly connected components of more than one node, each sorted."""
    edges = graph.edges
    number: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    inside: set[int] = set()
    found: list[list[int]] = []
    for root in range(len(edges)):
        if root in number:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(edges[root]))]
        number[root] = low[root] = len(number)
        stack.append(root)
        inside.add(root)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    at = stack.index(node) if stack[-1] != node else len(stack) - 1
                    members = stack[at:]
                    del stack[at:]
                    inside.difference_update(members)
                    if len(members) > 1:
                        found.append(sorted(members))
            elif following not in number:
                number[following] = low[following] = len(number)
                stack.append(following)
                inside.add(following)
                work.append((following, iter(edges[following])))
            elif following in inside:
                low[node] = min(low[node], number[following])
    return found


def shortest_cycle(
    graph: Graph[E],
    members: Sequence[int],
    allowed: Callable[[E], bool],
    first: Callable[[E], bool] | None = None,
) -> list[tuple[int, E]]:
    """[(node, edge to the next)] of a shortest cycle in `members` by allowed edges; [] if there is none.

    first: the first edge must satisfy this instead, and no other need.
    """
    within = set(members)
    best: list[tuple[int, E]] = []
    for start in members:
        for following, edges in graph.edges[start].items():
            edge = next((e for e in edges if (first or allowed)(e)), None)
            if edge is None or following not in within:
                continue
            limit = len(best) - 1 if best else len(members)
            path = _path(graph, following, start, within, allowed, limit)
            if path is not None:
                best = [(start, edge), *path]
                if len(best) == 2:
                    return best
    return best


def _path(
    graph: Graph[E],
    start: int,
    end: int,
    within: set[int],
    allowed: Callable[[E], bool],
    limit: int,
) -> list[tuple[int, E]] | None:
    """A shortest path from start to end, of fewer than `limit` edges; [] when they are one."""
    came: dict[int, tuple[int, E]] = {}
    queue = deque([(start, 0)])
    seen = {start}
    while queue:
        node, far = queue.popleft()
        if node == end:
            path: list[tuple[int, E]] = []
            while node != start:
                node, edge = came[node]
                path.append((node, edge))
            return path[::-1]
        if far + 1 >= limit:
            continue
        for following, edges in graph.edges[node].items():
            if following in seen or following not in within:
                continue
            edge_found = next((e for e in edges if allowed(e)), None)
            if edge_found is not None:
                seen.add(following)
                came[following] = (node, edge_found)
                queue.append((following, far + 1))
    return None

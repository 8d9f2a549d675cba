"""What invariants see of a world of actors.

The one insight: one node changes per step, so what was observed of the others is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from demi.errors import ContractError
from demi.interpose.actor import Node

UNREAD = object()


class ActorView:
    """What invariants see: `observe(node)` of each node, computed once per change."""

    __slots__ = ("_cache", "_nodes", "_observe", "names", "touched")

    def __init__(
        self, names: Sequence[str], nodes: list[Node | None], observe: Callable[[Any], Any]
    ) -> None:
        self.names = names
        self.touched: Sequence[int] = ()
        self._nodes = nodes
        self._observe = observe
        self._cache: list[Any] = [UNREAD] * len(names)

    def state(self, node: int) -> Any:
        try:
            seen = self._cache[node]
        except IndexError:
            raise ContractError(
                f"an invariant or selector reads node {node}, there are {len(self.names)}",
                remedy="use range(len(view.names))",
            ) from None
        if seen is UNREAD:
            alive = self._nodes[node]
            seen = self._cache[node] = None if alive is None else self._observe(alive)
        return seen

    def forget(self, node: int) -> None:
        """The node may have changed."""
        self._cache[node] = UNREAD

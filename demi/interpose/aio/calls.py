"""Causal ids of requests across services, so that a trace reads as a call tree.

The one insight: a server handles the requests of one connection one after the other in one context, so a
cell in that context says which request is being served, and what is sent from there is its child;
nothing has to be propagated in headers.

Ids are hierarchical: `web/1` is the first request that nothing caused at host web, `web/1/2` the second
that serving it sent.  They do not change when unrelated requests are reordered.
Not here: which bytes are a request (`framings.py`), the tree as rows (`demi/render/calls.py`).
"""

from __future__ import annotations

import contextvars

from demi.interpose.aio.host import Host


class Call:
    """The request that a connection serves now."""

    __slots__ = ("children", "id")

    def __init__(self) -> None:
        self.id = ""
        self.children = 0

    def serve(self, call: str) -> None:
        """A new request."""
        self.id = call
        self.children = 0


CALL: contextvars.ContextVar[Call | None] = contextvars.ContextVar("demi_call", default=None)


def child(host: Host, parent: Call | None) -> str:
    """The id of a request that is being sent."""
    if parent is None or not parent.id:
        host.roots += 1
        return f"{host.name}/{host.roots}"
    parent.children += 1
    return f"{parent.id}/{parent.children}"

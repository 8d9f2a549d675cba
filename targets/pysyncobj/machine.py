"""One node: an unmodified `SyncObj` behind a transport of ours.

The one insight: the library's own transport hook is the only door of a node, so a message that is
turned to bytes there can be held, and no two nodes ever share an object.

Nodes are named by objects that hash by position, because the library keeps its peers in sets: their
order, hence the order of sends, must not follow `PYTHONHASHSEED`.  Not here: when anything happens.
"""

from __future__ import annotations

import marshal
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pysyncobj
from pysyncobj.node import Node
from pysyncobj.transport import Transport

Packet = tuple[str, Any, Callable[[Any], Any]]
"""(message type, bytes, how to read them)."""

NEVER = (
    10**9
)  # log compaction, in entries and in seconds: it would gzip with a wall-clock time stamp
_REPLICATED = ["command", "command_v0"]
_PLAIN = 2  # the marshal version without references: equal messages, equal bytes


def pack(message: dict[str, Any]) -> Packet:
    """Freeze a message at the send; equal messages give equal packets in any process."""
    try:
        return message["type"], marshal.dumps(message, _PLAIN), marshal.loads
    except ValueError:  # something else than plain values inside
        return message["type"], pickle.dumps(message, 5), pickle.loads


class Peer(Node):  # type: ignore[misc]
    """A node's name in the library: equal by id, ordered in sets by position."""

    def __init__(self, name: str, index: int) -> None:
        super().__init__(name)
        self.index = index

    def __hash__(self) -> int:
        return self.index

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Node) and self.id == other.id)


class Machine(pysyncobj.SyncObj):  # type: ignore[misc]
    """The replicated object: one command, whose effect is its place in the log.

    The library finds replicated methods by calling `dir` on each new node; this `dir` is short.
    """

    def __dir__(self) -> list[str]:
        return _REPLICATED

    @pysyncobj.replicated  # type: ignore[untyped-decorator, unused-ignore]
    def command(self, value: Any) -> Any:
        """Applied on every node in log order."""
        return value


class Door(Transport):  # type: ignore[misc]
    """What a node sends goes to `post(src, dst, message)`."""

    def __init__(self, node: int, post: Callable[[int, int, dict[str, Any]], None]) -> None:
        super().__init__(None, None, ())
        self._node = node
        self._post = post
        self.connected: Callable[[Peer], None] = self._onNodeConnected
        self.disconnected: Callable[[Peer], None] = self._onNodeDisconnected

    def send(self, peer: Peer, message: dict[str, Any]) -> bool:
        self._post(self._node, peer.index, message)
        return True

    def setOnMessageReceivedCallback(self, callback: Callable[[Peer, Any], None]) -> None:
        self.receive = callback


def build(node: int, peers: Sequence[Peer], door: Door) -> Machine:
    """A node as its process would start it, on whatever journal its files hold."""
    conf = pysyncobj.SyncObjConf(
        autoTick=False,
        journalFile=peers[node].id,
        commandsWaitLeader=False,
        logCompactionMinEntries=NEVER,
        logCompactionMinTime=NEVER,
    )
    others = [peer for peer in peers if peer.index != node]
    return Machine(peers[node], others, conf, transport=door)

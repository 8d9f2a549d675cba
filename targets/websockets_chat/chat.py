"""A chat over websockets: a server that numbers and broadcasts lines, and its clients.

Plain websockets code.  A client that joins is sent the lines so far and says `ready`.  With `late` the
server counts it in only then, and what was said in between is missed; otherwise it is counted in first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

PORT = 8765


@dataclass
class Room:
    """The server's state: lines so far, and who is sent new ones, in the order of joining."""

    late: bool
    lines: list[str] = field(default_factory=list)
    members: dict[ServerConnection, None] = field(default_factory=dict)

    async def handle(self, member: ServerConnection) -> None:
        """One connection."""
        try:
            async for text in member:
                await self._on(member, json.loads(text))
        finally:
            self.members.pop(member, None)

    async def _on(self, member: ServerConnection, message: dict[str, Any]) -> None:
        if message["type"] == "join":
            if not self.late:
                self.members[member] = None
            await member.send(json.dumps({"type": "history", "upto": len(self.lines)}))
        elif message["type"] == "ready":
            self.members[member] = None
        elif message["type"] == "say":
            self.lines.append(message["text"])
            line = {"type": "line", "number": len(self.lines), "text": message["text"]}
            for other in list(self.members):
                await other.send(json.dumps(line))


async def serve_room(room: Room) -> None:
    """Listen."""
    await serve(room.handle, "0.0.0.0", PORT, compression=None)


@dataclass
class Client:
    """A member: upto, the lines it knows of without a gap; missed, the first number that it never got."""

    upto: int = -1
    missed: int = 0
    connection: ClientConnection | None = None

    async def live(self) -> None:
        """Join and listen."""
        url = f"ws://server:{PORT}/"
        self.connection = await connect(url, compression=None, proxy=None)
        await self.connection.send(json.dumps({"type": "join"}))
        async for text in self.connection:
            message = json.loads(text)
            if message["type"] == "history":
                self.upto = message["upto"]
                await self.connection.send(json.dumps({"type": "ready"}))
            elif message["number"] > self.upto:
                if message["number"] > self.upto + 1 and not self.missed:
                    self.missed = self.upto + 1
                self.upto = message["number"]

    async def say(self, text: str) -> None:
        """Send a line."""
        if self.connection is not None:
            await self.connection.send(json.dumps({"type": "say", "text": text}))

"""Driving the viewer as its users do: keys in, the text of the screen out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.cells import cell_len
from textual.events import Paste
from textual.pilot import Pilot

from demi.trace import Entry, Footer, Header, Trace
from demi.trace_codec import save
from demi.verdict import Verdict
from demi.viewer.app import Viewer
from demi.viewer.facts import Facts
from demi.viewer.live import Live
from demi.viewer.model import Model
from demi.viewer.source import Source
from demi.viewer.start import Wish, prepared

ROOT = Path(__file__).parent.parent.parent
RAFT = ROOT / "traces" / "raft"
GOLDEN = Path(__file__).parent / "golden"
UPDATE = "DEMI_UPDATE_GOLDEN" in os.environ


@dataclass
class Session:
    """A running viewer."""

    app: Viewer
    pilot: Pilot[int]
    size: tuple[int, int]
    screens: dict[str, str] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        return self.app.model

    async def press(self, *keys: str) -> None:
        """Press keys one after the other and wait until all is drawn."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Paste a text and press enter."""
        focused = self.app.focused
        assert focused is not None
        focused.post_message(Paste(text))
        await self.press("enter")

    def text(self) -> str:
        """The screen as lines without trailing blanks."""
        strips = self.app.screen._compositor.render_strips()
        lines = [strip.text.rstrip() for strip in strips]
        for line in lines:
            assert cell_len(line) <= self.size[0], f"wider than {self.size[0]}: {line!r}"
            assert line.isprintable(), f"a character that a terminal obeys: {line!r}"
        return "\n".join(lines) + "\n"


def drive(
    path: Path,
    play: Callable[[Session], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
    wish: Wish | None = None,
    live: Live | None = None,
) -> None:
    """Open a trace, play, leave."""

    async def whole() -> None:
        app = prepared(path, wish or Wish(), live)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await play(Session(app, pilot, size))

    asyncio.run(whole())


def screen(
    path: Path, keys: Sequence[str] = (), size: tuple[int, int] = (80, 24), wish: Wish | None = None
) -> str:
    """The screen after some keys."""
    seen: list[str] = []

    async def play(session: Session) -> None:
        await session.press(*keys)
        seen.append(session.text())

    drive(path, play, size, wish)
    return seen[0]


def model_of(trace: Trace, path: Path, plain: bool = False) -> Model:
    """A model of a trace in memory, all of it read."""
    save(trace, path)
    facts = Facts(Source(path))
    facts.advance(len(trace))
    return Model(facts, plain=plain)


def settle(model: Model) -> None:
    """Do all the work that is left."""
    while model.pump(lambda: True):
        pass


def chatter(steps: int, nodes: int = 3) -> Trace:
    """Nodes that pass a token around; every message is sent by the step before it."""
    names = tuple(f"n{number + 1}" for number in range(nodes))
    entries = []
    for step in range(steps):
        src, dst = names[step % nodes], names[(step + 1) % nodes]
        after = names[(step + 2) % nodes]
        nth, following = step // nodes + 1, (step + 1) // nodes + 1
        out = (f"{dst}>{after}:Token#{following}",)
        entries.append(
            Entry(f"{src}>{dst}:Token#{nth}", msg={"hop": step}, out=out, en=1, delta={"seen": nth})
        )
    boot = {"out": ["n1>n2:Token#1"], "armed": [], "state": {name: {"seen": 0} for name in names}}
    header = Header("chatter", {}, names, strategy="fifo", boot=boot)
    return Trace(header, tuple(entries), Footer(Verdict.NOT_FOUND, "step budget", steps))


def kept(name: str, text: str) -> None:
    """Compare with the golden text of that name."""
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), (
        f"differs from {path.name}; DEMI_UPDATE_GOLDEN=1 writes it anew"
    )

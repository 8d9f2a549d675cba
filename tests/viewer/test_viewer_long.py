"""Long traces: what is read to open one and to answer a key does not depend on their length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from viewing import Session, chatter, drive, save

from demi.trace_codec import TraceWriter
from demi.viewer.keys import KEYS
from demi.viewer.source import Source

ENOUGH = 4000  # lines decoded for a first screen, whatever the length: samples, births, the screen


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.jsonl"
    save(chatter(60_000), path)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lines that were decoded."""
    lines: list[int] = []
    original = Source._line

    def counted(self: Source, number: int) -> bytes:
        lines.append(number)
        return original(self, number)

    monkeypatch.setattr(Source, "_line", counted)
    return lines


def test_a_screen_is_made_from_few_lines(long: Path, decoded: list[int]) -> None:
    async def play(session: Session) -> None:
        assert "Token" in session.text()
        while session.model.pump(lambda: True):  # nothing is read in the background any more
            pass
        for key in ("G", "pageup", "k", "g", "J", "c", "e", "m"):
            decoded.clear()
            await session.press(key)
            session.text()
            assert len(decoded) < 300, f"{key} read {len(decoded)} lines"

    drive(long, play)


def test_opening_reads_few_lines(long: Path, decoded: list[int]) -> None:
    from demi.viewer.opening import opened

    facts = opened(long)
    assert len(facts.source) == 60_000
    assert len(decoded) < ENOUGH


def test_what_is_kept_of_decoded_lines_is_bounded(long: Path) -> None:
    source = Source(long)
    for at in range(len(source)):
        source.entry(at)
    assert len(source._cache) < 60_000 and source._cached <= 4 << 20
    source.close()


def test_keys_work_while_it_is_still_read(long: Path) -> None:
    async def play(session: Session) -> None:
        await session.press("G")
        assert session.model.step == 60_000
        await session.press("c")
        while session.model.reading:
            await session.pilot.pause(0.01)
        await session.press("G", "c")
        assert session.model.step == 59_999
        await session.press("colon")
        await session.type("30000")
        assert session.model.step == 30_000
        assert session.model.facts.relation(30_000, 60_000) == "future"

    drive(long, play, (120, 40))


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "million.jsonl"
    part = chatter(1000)
    writer = TraceWriter(path, part.header)
    for block in range(1000):
        for entry in part.entries:
            stem, _, nth = entry.id.rpartition("#")
            sent, _, number = entry.out[0].rpartition("#")
            shift = 334 * block
            out = (f"{sent}#{int(number) + shift}",)
            event = f"{stem}#{int(nth) + shift}"
            writer.write(msgspec.structs.replace(entry, id=event, out=out))
    writer.close(replace(part.footer, steps=1_000_000) if part.footer else None)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_a_million_events(million: Path, size: tuple[int, int]) -> None:
    """Every key while the trace is read, and once after; `benchmarks/viewer.py` has the times."""

    async def play(session: Session) -> None:
        await every_key(session)
        if size == (120, 40):
            while session.model.reading:
                await session.pilot.pause(0.05)
            await every_key(session)
        assert session.model.steps == 1_000_000

    drive(million, play, size)


async def every_key(session: Session) -> None:
    for key in KEYS:
        if key.action not in ("leave", "command_palette"):
            await session.press(key.keys.split(",")[0])
            session.text()
            await session.press("escape")

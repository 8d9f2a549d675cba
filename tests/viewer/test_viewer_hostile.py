"""Text from an enemy, wide characters and large bodies on the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from viewing import Session, drive, screen

from demi.trace import Entry, Header, Trace
from demi.trace_codec import save
from demi.verdict import Detail, Verdict, Violation
from demi.viewer.start import Wish

NASTY = "\x1b[2J\x1b]0;owned\x07\r\n\u202egnp\u200b[red]x[/red]\x9b1m"
WIDE = "選挙の投票👍🏽é" * 20


def enemy() -> Trace:
    from demi.trace import Footer

    header = Header(f"evil{NASTY}", {"k": NASTY}, ("n1", "n2"), timers=NASTY, strategy=NASTY)
    entries = (
        Entry("n1>n2:投票[bold]要求#1", msg={NASTY: [NASTY] * 100}, delta={"値": WIDE}),
        Entry("n2>n1:" + "👍🏽é" * 40 + "#1", delta={NASTY: {"+": [NASTY]}}, log=(NASTY, WIDE)),
        Entry("n1!שלום#1", delta={NASTY: "after"}),
        Entry("ext:client(n2)#1", msg=NASTY),
        Entry("n2>n1:[/]#1", lost=(NASTY, NASTY), fell=True),
        Entry("n1!end#1", fail={"error": NASTY, "where": NASTY, "text": NASTY}),
    )
    violation = Violation("X", Detail(("n1", "n2"), NASTY * 3, NASTY), len(entries) - 1)
    return Trace(header, entries, Footer(Verdict.VIOLATED, NASTY, len(entries), violation))


@pytest.mark.parametrize("size", [(40, 12), (120, 40)])
@pytest.mark.parametrize("plain", [False, True])
def test_no_screen_obeys_the_enemy(tmp_path: Path, size: tuple[int, int], plain: bool) -> None:
    """`Session.text` checks width and printability of every line of every screen."""
    path = tmp_path / "enemy.jsonl"
    save(enemy(), path)

    async def play(session: Session) -> None:
        await session.press("g")
        for _ in range(6):
            for key in ("enter", "escape", "tab"):
                await session.press(key)
                text = session.text()
                assert "\\x1b[2J" in text or "x1b" not in text
                assert text.isascii() or not plain
            await session.press("j")

    drive(path, play, size, Wish(plain=plain))


def test_a_body_of_a_megabyte_can_be_passed_and_read(tmp_path: Path) -> None:
    body = "".join(f"line {n} of a body;" for n in range(60_000))
    assert len(body) > 1_000_000
    entries = [Entry(f"n1>n2:Put#{n}", msg={"body": body}, delta={"kept": body}) for n in (1, 2, 3)]
    path = tmp_path / "large.jsonl"
    save(Trace(Header("store", {}, ("n1", "n2")), tuple(entries)), path)

    async def play(session: Session) -> None:
        await session.press("j", "j", "k")
        assert "Put#2" in session.text()
        await session.press("enter", "G")
        assert "line 59999 of a body;" in session.text().replace("\n ", "")

    drive(path, play)


def test_a_huge_number_of_nodes_still_draws(tmp_path: Path) -> None:
    names = tuple(f"node-{n}" for n in range(300))
    entries = tuple(Entry(f"node-{n}!tick#1", delta={"n": n}) for n in range(300))
    path = tmp_path / "many.jsonl"
    save(Trace(Header("many", {}, names), entries), path)
    assert "node-0!tick#1" in screen(path)


def test_a_gzipped_trace_opens(tmp_path: Path) -> None:
    path = tmp_path / "enemy.jsonl.gz"
    save(replace(enemy(), footer=None), path)
    assert "no verdict" in screen(path, ("g",), (120, 24))

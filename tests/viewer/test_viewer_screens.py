"""Whole screens of the viewer as text, kept in `golden/`.

`DEMI_UPDATE_GOLDEN=1 pytest tests/viewer` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

import re

import pytest
from viewing import GOLDEN, RAFT, ROOT, UPDATE, kept, screen

from demi.viewer.keys import KEYS
from demi.viewer.start import Wish

MCS = RAFT / "raft-45.min.jsonl"
SIZES = ((80, 24), (120, 40), (200, 60))
PLAYS: dict[str, tuple[tuple[str, ...], Wish]] = {
    "open": ((), Wish()),
    "cause": (("k", "c"), Wish()),
    "filter": (("f", *"node", "colon", *"n1", "enter"), Wish()),
    "help": (("question_mark",), Wish()),
    "details": (("enter",), Wish()),
    "original": (("d", "k", "k", "k"), Wish()),
    "ascii": (("c", "m"), Wish(plain=True)),
}
CASES = [(f"{name}-{w}x{h}", (w, h), *play) for name, play in PLAYS.items() for w, h in SIZES]
CASES.append(("open-100x40", (100, 40), (), Wish()))


@pytest.mark.parametrize(("name", "size", "keys", "wish"), CASES, ids=[case[0] for case in CASES])
def test_screens_are_as_agreed(
    name: str, size: tuple[int, int], keys: tuple[str, ...], wish: Wish
) -> None:
    text = screen(MCS, keys, size, wish)
    if wish.plain:
        assert text.isascii()
    kept(name, text)


def test_a_first_reader_sees_the_votes_counted_twice_and_the_two_leaders() -> None:
    """Raft-45 at 100 columns, as it opens, without a key pressed."""
    text = screen(MCS, (), (100, 40))
    lanes = text.split("── VIOLATED")[0]
    assert "● leader  term 2 ● leader  term 2" in lanes
    assert "n1 and n2 are both leader of term 2" in text
    for twice in ("n1 took VoteCandidate from n4 twice", "n2 took VoteCandidate from n3 twice"):
        assert twice in text
    for second, first in ((20, 18), (22, 21)):  # and the rows themselves say so
        row = next(line for line in lanes.splitlines() if f" {second} " in line[:7])
        assert f"= {first}" in row


CHAPTERS = {
    "docs/10-read.md": (3, 1),
    "README.md": (1, 0),
}  # document -> screens, tables of keys in it


def table() -> str:
    """The keys as the chapter has them."""
    rows = [f"| `{'` `'.join(key.shown.split())}` | {key.help} |" for key in KEYS]
    return "\n".join(["| key | what it does |", "|---|---|", *rows])


@pytest.mark.parametrize("name", CHAPTERS)
def test_documents_show_screens_and_keys_as_they_are(name: str) -> None:
    """`DEMI_UPDATE_GOLDEN=1` writes them into it."""
    document = ROOT / name
    text = document.read_text("utf-8")
    screens = re.compile(r"(<!-- screen (\S+) -->\n```text\n).*?(```)", re.S)

    def golden(found: re.Match[str]) -> str:
        return found[1] + (GOLDEN / f"{found[2]}.txt").read_text("utf-8") + found[3]

    current, count = screens.subn(golden, text)
    keys = re.compile(r"(<!-- keys -->\n).*?(\n\n)", re.S)
    current, tables = keys.subn(lambda found: found[1] + table() + found[2], current)
    if UPDATE:
        document.write_text(current, "utf-8")
    assert (count, tables) == CHAPTERS[name]
    assert text == current or UPDATE

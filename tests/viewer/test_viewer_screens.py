"""Whole screens of the viewer as text, kept in `golden/`.

`DEMI_UPDATE_GOLDEN=1 pytest tests/viewer` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

import pytest
from viewing import RAFT, kept, screen

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

"""Every key of the table, pressed; the table is what help, palette and bottom line are made from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual.events import MouseScrollUp
from viewing import RAFT, Session, drive

from demi.viewer.keys import KEYS
from demi.viewer.screens import Page
from demi.viewer.start import Wish
from demi.viewer.widgets import Lanes

MCS = RAFT / "raft-45.min.jsonl"

Check = Callable[[Session], bool]


def at(step: int, note: str = "") -> Check:
    """Is the step selected, and does the bottom line say this?"""
    return lambda s: s.model.step == step and note in s.model.note


def shows(text: str) -> Check:
    return lambda s: text in s.text()


def asks(what: str) -> Check:
    return lambda s: f" {what}> " in s.text()


PRESSED: dict[str, list[tuple[tuple[str, ...], str, Check]]] = {
    # action: keys before, the key, what must be so then; the viewer opens at step 22, the violation
    "down": [(("g",), "j", at(2)), (("g",), "down", at(2)), ((), "j", at(22))],
    "up": [((), "k", at(21)), ((), "up", at(21)), (("g",), "k", at(1))],
    "page_down": [(("g",), "pagedown", at(14)), (("g",), "space", at(14)), ((), "space", at(22))],
    "page_up": [((), "pageup", at(9)), (("g",), "pageup", at(1))],
    "first": [((), "g", at(1)), ((), "home", at(1))],
    "last": [(("g",), "G", at(22)), (("g",), "end", at(22))],
    "next_on_node": [(("g",), "J", at(2)), (("g",), "right", at(2)), ((), "J", at(22, "no later"))],
    "previous_on_node": [((), "K", at(21)), ((), "left", at(21)), (("g",), "K", at(1, "no earlier"))],
    "cause": [((), "c", at(16)), (("g",), "c", at(1, "comes from outside"))],
    "effect": [(("c",), "e", at(22)), ((), "e", at(22, "nothing that it sent"))],
    "sibling": [(("colon", "9", "enter"), "E", at(12)), (("g",), "E", at(1, "no other effect"))],
    "follow": [((), "m", at(16, "follows n3>n2:VoteCandidate#2")), (("m",), "m", at(22))],
    "jump_back": [(("c", "c"), "b", at(16)), (("c",), "backspace", at(22)), ((), "b", at(22, "no jump"))],
    "goto": [((), "colon", asks("goto"))],
    "search": [((), "slash", asks("search"))],
    "again": [(("slash", *"n4", "enter"), "n", at(9)), ((), "n", at(22, "nothing was searched"))],
    "again_up": [(("slash", *"n4", "enter"), "N", at(20))],
    "filter": [((), "f", asks("filter"))],
    "what_if": [((), "w", at(22, "the target was not asked"))],
    "passing": [((), "p", at(22, "the target was not asked"))],
    "save": [((), "s", at(22, "no other run to save"))],
    "release": [(("m",), "escape", lambda s: s.model.pinned is None)],
    "details": [((), "enter", lambda s: isinstance(s.app.screen, Page))],
    "turn": [((), "tab", shows("── step 22  n3>n2:VoteCandidate#2"))],
    "turn_back": [((), "shift+tab", shows("── why it is needed"))],
    "diff": [((), "d", shows("there step"))],
    "fold": [((), "z", at(22, "d compares two"))],
    "panels": [((), "v", lambda s: "both leader of term 2" not in s.text())],
    "copy": [((), "y", lambda s: s.app.clipboard == f"demi replay {MCS}"),
             (("k",), "y", lambda s: s.app.clipboard == f"demi replay {MCS} --until 21")],
    "help": [((), "question_mark", shows("One step down.")), ((), "f1", shows("One step down."))],
    "command_palette": [((), "ctrl+p", shows("An action, or a part of its name"))],
    "leave": [((), "q", lambda s: s.app._exit), ((), "ctrl+c", lambda s: s.app._exit)],
}  # fmt: skip


def test_the_table_is_whole() -> None:
    assert set(PRESSED) == {key.action for key in KEYS}, "every key has its rows in PRESSED"
    names = [name for key in KEYS for name in key.keys.split(",")]
    assert len(names) == len(set(names)), "a key with two meanings"


@pytest.mark.parametrize("action", PRESSED)
def test_a_key_does_what_the_table_says(action: str) -> None:
    for case in PRESSED[action]:
        drive(MCS, partial(_pressed, case))


async def _pressed(case: tuple[tuple[str, ...], str, Check], session: Session) -> None:
    before, key, holds = case
    await session.press(*before)
    await session.press(key)
    assert holds(session), f"{key}: step {session.model.step}, {session.model.note!r}"


def test_help_and_palette_name_every_key() -> None:
    async def play(session: Session) -> None:
        names = {command.title for command in session.app.get_system_commands(session.app.screen)}
        assert {key.action.replace("_", " ") for key in KEYS} - {"command palette"} <= names
        await session.press("question_mark")
        for key in KEYS:
            assert key.help.split()[0] in session.text()

    drive(MCS, play, (120, 70))


def test_the_palette_performs_an_action() -> None:
    async def play(session: Session) -> None:
        await session.press("ctrl+p", *"cause")
        await session.pilot.app.workers.wait_for_complete()
        await session.press("down", "enter")
        assert session.model.step == 16

    drive(MCS, play)


def test_typing_a_goal_a_filter_and_a_search() -> None:
    async def play(session: Session) -> None:
        await session.press("colon")
        await session.type("9")
        assert session.model.step == 9
        await session.press("colon")
        await session.type("n1>n4:RequestVote#3")
        assert session.model.step == 19
        await session.press("f")
        await session.type("kind:timer")
        assert len(session.model.rows) == 4
        await session.press("f", *["backspace"] * 20)
        await session.type("kin:timer")
        assert "no filter 'kin'" in session.text()
        assert len(session.model.rows) == 4, "a faulty filter leaves the old one"
        await session.press("escape")
        assert len(session.model.rows) == 22
        await session.press("slash")
        await session.type("leader")
        assert session.model.step == 20
        await session.press("n", "n")
        assert session.model.step == 20
        await session.press("f", "x", "escape")
        assert not session.model.filter, "escape leaves the prompt without effect"

    drive(MCS, play)


def test_the_mouse_selects_scrolls_and_presses_the_bottom_line() -> None:
    async def play(session: Session) -> None:
        await session.pilot.click("#lanes", offset=(5, 3))
        assert session.model.step == 12
        await session.pilot.click("#hints", offset=(2, 0))
        await session.pilot.pause()
        assert isinstance(session.app.screen, Page)
        await session.press("escape")
        lanes = session.app.query_one(Lanes)
        top = lanes.scroll_offset.y
        lanes.post_message(MouseScrollUp(lanes, 5, 3, 0, -1, 0, False, False, False))
        await session.pilot.pause()
        assert lanes.scroll_offset.y < top
        session.app.show()
        assert lanes.scroll_offset.y < top, "what the wheel showed stays"

    drive(MCS, play)


def test_themes_change_colours_and_never_the_text() -> None:
    async def play(session: Session) -> None:
        before = session.text()
        for theme in session.app.available_themes:
            session.app.theme = theme
            await session.pilot.pause()
            assert session.text() == before

    drive(MCS, play)


def test_without_colour_the_marks_say_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def play(session: Session) -> None:
        await session.press("c")
        strips = session.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        colours = {style.color.triplet for style in styles if style.color and style.color.triplet}
        assert all(len({*triplet}) == 1 for triplet in colours), "only greys"

    drive(MCS, play)


def test_resizing_while_it_is_drawn_keeps_the_selected_step_in_sight() -> None:
    async def play(session: Session) -> None:
        await session.press("g", "J", "J")
        for size in ((200, 60), (20, 5), (41, 11), (1, 1), (139, 16), (100, 30)):
            await session.pilot.resize_terminal(*size)
            await session.pilot.pause()
            session.size = size
            session.text()
        assert session.model.step == 3
        assert "▸    3" in session.text()

    drive(MCS, play)


def test_a_start_at_a_step_and_with_a_filter() -> None:
    async def at_step(session: Session) -> None:
        assert session.model.step == 20

    async def filtered(session: Session) -> None:
        assert len(session.model.rows) == 4

    drive(MCS, at_step, wish=Wish(at="n4>n1:VoteCandidate#2"))
    drive(MCS, filtered, wish=Wish(filter="kind:timer"))


def test_what_breaks_inside_comes_out(tmp_path: Path) -> None:
    """An error in the viewer ends it, is kept, and is not drawn over the terminal."""

    async def play(session: Session) -> None:
        def broken() -> None:
            raise RuntimeError("a defect")

        session.model.first = broken  # type: ignore[method-assign]
        await session.pilot.press("g")

    with pytest.raises(RuntimeError, match="a defect"):
        drive(MCS, play)


def test_a_trace_that_grows_while_it_is_open_is_shown_to_its_verdict(tmp_path: Path) -> None:
    lines = MCS.read_bytes().splitlines(keepends=True)
    path = tmp_path / "growing.jsonl"
    path.write_bytes(b"".join(lines[:10]))

    async def play(session: Session) -> None:
        await session.press("G")
        assert "no verdict (yet)" in session.text() and session.model.step == 9
        with path.open("ab") as file:
            file.write(b"".join(lines[10:]))
        while session.model.steps < 22:
            await session.pilot.pause(0.05)
        await session.pilot.pause()
        assert session.model.step == 22, "at the end it stays at the end"
        assert "VIOLATED ElectionSafety" in session.text()

    drive(path, play, (100, 40))


def test_a_note_cannot_move_the_cursor() -> None:
    async def play(session: Session) -> None:
        session.model.note = "B: \x1b[2Jraised\r\n" + "選" * 100
        session.app.show()
        await session.pilot.pause()
        assert "\\x1b[2Jraised\\r\\n" in session.text()

    drive(MCS, play)

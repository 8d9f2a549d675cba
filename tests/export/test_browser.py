"""The exported page in a real browser: a click on an event shows its causal past."""

from __future__ import annotations

from pathlib import Path

import pytest

from demi.causality import Causality, members
from demi.export import FORMATS, Source
from demi.trace_codec import load

from .browser import CHROMIUM, Page
from .test_formats import enemy

ROOT = Path(__file__).parent.parent.parent
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium"),
]


def test_a_click_shows_the_causal_past_and_what_changed(tmp_path: Path) -> None:
    trace = load(ROOT / "traces/raft/raft-45.min.jsonl")
    file = tmp_path / "bug.html"
    file.write_text(FORMATS["html"].write(Source(trace)), "utf-8")
    number = 20  # the second vote that makes n1 leader
    order = Causality(trace)
    past = [at + 1 for at in members(order.past(number - 1))]
    future = [at + 1 for at in members(order.future(number - 1))]
    classes = "[...document.querySelectorAll('.event.{}')].map(e => Number(e.dataset.step))"
    with Page(file) as page:
        assert page.ask("document.getElementById('what').textContent") == "No event chosen"
        page.click(f'.event[data-step="{number}"] .mark')
        assert page.ask(classes.format("past")) == past
        assert page.ask(classes.format("future")) == future
        assert page.ask(classes.format("selected")) == [number]
        rest = set(range(1, len(trace) + 1)) - {*past, *future, number}
        assert set(page.ask(classes.format("concurrent"))) == rest
        shown = page.ask("document.getElementById('past').textContent").splitlines()
        assert shown == [f"{n}. {trace.entries[n - 1].id}" for n in past]
        assert page.ask(
            "getComputedStyle(document.querySelector('.concurrent')).opacity"
        ) == "0.25"  # fmt: skip
        assert page.ask("document.getElementById('changes').textContent") == "role candidate→leader"
        changed = "[...document.querySelectorAll('tr.changed')].map(e => e.textContent)"
        assert page.ask(changed) == ["roleleader"]
        assert "n1" in page.ask("document.getElementById('why').textContent")
        page.press("j")
        assert page.ask(classes.format("selected")) == [number + 1]
        page.press("+")
        assert page.ask("document.getElementById('diagram').width.baseVal.value") == pytest.approx(
            1.25 * page.ask("document.getElementById('diagram').viewBox.baseVal.width")
        )
        page.press("Escape")
        assert page.ask(classes.format("selected")) == []
        assert page.errors == []
        assert page.requested == [file.as_uri()]


def test_text_of_an_enemy_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "enemy.html"
    file.write_text(FORMATS["html"].write(Source(enemy())), "utf-8")
    with Page(file) as page:
        for step in range(1, 7):
            page.click(f'.event[data-step="{step}"] .mark')
            assert page.ask("document.querySelector('.selected').dataset.step") == str(step)
        assert page.ask("document.images.length") == 0
        assert "onerror=alert(1)" in page.ask("document.querySelector('.facts').textContent")
        assert page.errors == []
        assert page.requested == [file.as_uri()]

"""The lane view against golden text, and its promises against hostile traces.

After a wanted change of the picture: `DEMI_UPDATE_GOLDEN=1 python -m pytest tests/render`, then read
the diff of `tests/render/golden/`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lane_samples import NASTY, hostile, ring, tour
from rich.cells import cell_len
from rich.console import Console

from demi.oracle import Detail, Verdict, Violation
from demi.render import Row, as_text, render, rows
from demi.trace import Entry, Footer, Header, Trace

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "DEMI_UPDATE_GOLDEN" in os.environ

PICTURES: dict[str, tuple[Trace, int, bool]] = {
    "tour-80": (tour(), 80, False),
    "tour-200": (tour(), 200, False),
    "tour-ascii-80": (tour(), 80, True),
    "hostile-80": (hostile(), 80, False),
    "hostile-200": (hostile(), 200, False),
    "hostile-ascii-80": (hostile(), 80, True),
    **{
        f"ring{nodes}-{cells}": (ring(nodes), cells, False)
        for nodes in (1, 5, 9)
        for cells in (80, 200)
    },
}


def harmless(line: str, cells: int, ascii_only: bool = False) -> None:
    assert cell_len(line) <= cells, f"wider than {cells}: {line!r}"
    assert line.isprintable(), f"a character that a terminal obeys: {line!r}"
    assert line.isascii() or not ascii_only


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_as_agreed(name: str) -> None:
    trace, cells, ascii_only = PICTURES[name]
    lines = render(trace, cells, ascii=ascii_only)
    for line in lines:
        harmless(line, cells, ascii_only)
    text, path = "\n".join(lines) + "\n", GOLDEN / f"{name}.txt"
    if UPDATE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"differs from {path.name}; see the module docstring"


texts = st.text(max_size=12) | st.just(NASTY)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    names = tuple(f"n{i + 1}" for i in range(draw(st.integers(0, 12))))
    some = st.sampled_from(names) if names else st.just("stranger")
    steps = draw(st.integers(0, 6))
    body = []
    for nth in range(1, steps + 1):
        one, two = draw(some), draw(some)
        label = draw(st.sampled_from(["Vote", "投票", "a" * 90, "[red]", "ext:x(y)"]))
        body.append(
            Entry(
                draw(
                    st.sampled_from(
                        [f"{one}>{two}:{label}#{nth}", f"{one}!{label}#{nth}"]
                        + [f"ext:{word}({one})#{nth}" for word in ("crash", "restart", "client")]
                        + [
                            f"ext:{word}({one}>{two})#{nth}"
                            for word in ("cut", "drop", "duplicate")
                        ]
                        + [f"ext:cut({one},{two})#{nth}", f"ext:client()#{nth}"]
                    )
                ),
                msg=draw(jsons),
                out=draw(st.lists(texts, max_size=2).map(tuple)),
                lost=draw(st.lists(texts, max_size=3).map(tuple)),
                fell=draw(st.booleans()),
                fail=draw(st.none() | st.just({"error": NASTY})),
                delta=draw(st.dictionaries(texts, jsons | st.just({"+": [1]}), max_size=3)),
                log=draw(st.lists(texts, max_size=2).map(tuple)),
            )
        )
    found = Violation(draw(texts), Detail((draw(some),), draw(texts)), max(0, steps - 1))
    footer = Footer(Verdict.VIOLATED, "", steps, draw(st.none() | st.just(found)))
    boot = {"state": {name: draw(st.dictionaries(texts, jsons, max_size=2)) for name in names[:2]}}
    header = Header(draw(texts), draw(st.dictionaries(texts, jsons, max_size=2)), names, boot=boot)
    return Trace(header, tuple(body), draw(st.none() | st.just(footer)))


@settings(max_examples=200)
@given(traces(), st.integers(1, 220), st.booleans())
def test_no_row_is_too_wide_and_each_step_has_one(
    trace: Trace, cells: int, ascii_only: bool
) -> None:
    before = repr(trace)
    picture = rows(trace, cells, ascii=ascii_only)
    for row in picture:
        harmless(row.text, cells, ascii_only)
        for span in row.spans:
            assert 0 <= span.start < span.end <= len(row.text)
    steps = [row.step for row in picture if row.step]
    assert sorted(set(steps)) == list(range(1, len(trace) + 1))
    assert len(steps) <= len(trace) + 1, "one row per step, and one for the violation"
    assert repr(trace) == before, "a picture changes nothing"
    assert picture == rows(trace, cells, ascii=ascii_only)


@pytest.mark.parametrize("nodes", range(1, 10))
@pytest.mark.parametrize("cells", [80, 200])
def test_lanes_stand_under_their_names(nodes: int, cells: int) -> None:
    trace = ring(nodes)
    picture = rows(trace, cells)
    title = next(row.text for row in picture if row.text.startswith(" step"))
    first = next(row.text for row in picture if row.step == 1)
    ends = [at for at, character in enumerate(first) if character in "├│▶↺"]
    starts = [at for at in range(5, len(title)) if title[at] != " " and title[at - 1] == " "]
    assert starts == ends[:nodes] and len(starts) == nodes


def test_a_window_folds_what_it_leaves_out_and_still_knows_prior_values() -> None:
    trace = tour()
    lines = render(trace, 100, first=6, last=7)
    assert any("5 earlier steps" in line for line in lines)
    assert any("13 later steps" in line for line in lines)
    shown = [row for row in rows(trace, 100, first=6, last=7) if row.step]
    assert [row.step for row in shown] == [6, 7]
    whole = {row.step: row for row in rows(trace, 100) if row.step}
    assert "role candidate→leader" in shown[0].text and "role candidate→leader" in whole[6].text


@pytest.mark.parametrize(("first", "last"), [(1, 0), (99, None), (-5, 3), (7, 3), (20, 99)])
def test_windows_beyond_the_trace_are_cut_to_it(first: int, last: int | None) -> None:
    shown = [row.step for row in rows(tour(), 80, first=first, last=last) if row.step]
    upper = 20 if last is None else last
    assert sorted(set(shown)) == [step for step in range(1, 21) if first <= step <= upper]


def test_ends_without_violation_say_how() -> None:
    quiet = Trace(Header("x", {}, ("n1",)), (), Footer(Verdict.NOT_FOUND, "quiescence", 0))
    assert render(quiet, 80)[-1] == "not found within the budget (quiescence)"
    assert render(replace(quiet, footer=None), 80)[-1] == (
        "no verdict: the run was interrupted after 0 events"
    )
    found = Violation("crash", Detail(("n1",), "n1 raised"), 0)
    while_starting = replace(quiet, footer=Footer(Verdict.VIOLATED, "violation", 0, found))
    assert "VIOLATED crash while starting" in render(while_starting, 80)


def test_colour_only_adds_escape_sequences_of_ours() -> None:
    console = Console(width=200, force_terminal=True, color_system="standard", highlight=False)
    for plain, line in zip(
        render(hostile(), 200), render(hostile(), 200, colour=True), strict=True
    ):
        coloured = line
        for code in ("1", "2", "32", "33", "35", "36", "2;35", "1;31", "0"):
            coloured = coloured.replace(f"\x1b[{code}m", "")
        assert coloured == plain
    assert "\x1b" not in "".join(render(hostile(), 200))
    with console.capture() as captured:
        console.print(as_text(Row("[red]x[/red]")))
    assert "[red]x[/red]" in captured.get(), "rows are text, never markup"


def test_spans_name_the_parts_of_a_row() -> None:
    row = next(row for row in rows(tour(), 200) if row.step == 4)
    said = {span.style: row.text[span.start : span.end] for span in row.spans}
    assert said["dim"].strip() == "4"
    assert "RequestVote#1" in said["deliver"] and "term: 1" in said["payload"]

"""The marks of a lane view, in Unicode and in ASCII.

The one insight: every mark is one cell wide, so the two sets draw the same picture.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of marks; each field is one cell, but for `to` and `more`, which stand in text."""

    lane: str = "│"
    down: str = "┊"
    dash: str = "─"
    dash_lost: str = "╌"
    cross: str = "┼"
    tail_right: str = "├"  # an arrow leaves a lane to the right
    tail_left: str = "┤"
    head_right: str = "▶"
    head_left: str = "◀"
    lost: str = "x"
    timer: str = "◷"
    loop: str = "↺"
    crash: str = "✖"
    restart: str = "↻"
    start: str = "○"
    inject: str = "◆"
    involved: str = "●"
    here: str = "▌"
    to: str = "→"
    more: str = "…"
    dot: str = "·"
    rule: str = "─"
    flight: str = "┃"  # a message under way, on its sender's lane
    same: str = "="  # says the same as the step that follows


UNICODE = Glyphs()
ASCII = Glyphs(
    lane="|", down=":", dash="-", dash_lost="-", cross="+", tail_right="+", tail_left="+",
    head_right=">", head_left="<", lost="x", timer="@", loop="o", crash="X", restart="^",
    start="^", inject="*", involved="#", here=">", to="->", more="~", dot="-", rule="-", flight="!",
)  # fmt: skip

"""Colours: the styles of rows in the colours of the chosen theme, and rows as strips for Textual.

The one insight: rows name what they mean (`deliver`, `bad`), so a theme is one table of a dozen lines, and
without colour only bold, dim and reverse are left, which repeat what the marks say.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.segment import Segment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.strip import Strip

from demi.render.rows import Row
from demi.viewer.picture import Lit

VARIABLES = {
    "deliver": "text-primary",
    "timer": "text-warning",
    "input": "text-success",
    "fault": "text-accent",
    "lost": "text-accent",
    "bad": "text-error",
    "same": "text-warning",
    "flight": "text-primary",
    "changed": "text-success",
}
"""Style of a row -> variable of the theme."""
BOLD = {"head", "bad", "flight", "changed", "section"}
DIM = {"dim", "lane", "payload", "lost"}
TONES = {
    "self": Style(reverse=True, bold=True),
    "cause": Style(bold=True),
    "effect": Style(bold=True),
    "past": Style(bold=True),
    "concurrent": Style(dim=True),
}


class Palette:
    """variables: of the theme.  Styles are made once per theme."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._styles: dict[str, Style] = {}
        for name in {*VARIABLES, *BOLD, *DIM}:
            style = Style(bold=name in BOLD or None, dim=name in DIM or None)
            self._styles[name] = style + _coloured(variables.get(VARIABLES.get(name, ""), ""))

    def style(self, name: str) -> Style:
        """The style of a span."""
        return self._styles.get(name, Style.null())

    def strip(
        self, lit: Lit, cells: int, base: Style, meta: Mapping[str, object] | None = None
    ) -> Strip:
        """A row over `base`, of exactly `cells` cells."""
        base = base + TONES.get(lit.tone, Style.null())
        segments = []
        at = 0
        text = lit.row.text
        for span in lit.row.spans:
            if span.start > at:
                segments.append(Segment(text[at : span.start], base))
            style = base + self.style(span.style)
            if lit.tone == "concurrent":
                style += Style(dim=True, bold=False)
            segments.append(Segment(text[span.start : span.end], style))
            at = span.end
        segments.append(Segment(text[at:], base))
        strip = Strip(segments).adjust_cell_length(cells, base)
        return strip.apply_meta(dict(meta)) if meta else strip


def plain_strip(row: Row, cells: int, base: Style, palette: Palette) -> Strip:
    """A row without a tone."""
    return palette.strip(Lit(row), cells, base)


def _coloured(value: str) -> Style:
    try:
        return Style(color=Color.parse(value).rich_color) if value else Style.null()
    except ColorParseError:  # `auto 60%`: the theme leaves it to the background
        return Style.null()

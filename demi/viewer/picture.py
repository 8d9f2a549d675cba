"""The lines of the lane pane: the painter's rows with the selection's light and marks on them.

The one insight: light (bright past, dim concurrent) is a tone per whole line and repeats what a mark in
the first column says, so the picture is complete without any colour.

Not here: colours (`palette.py`), what stands beside and below (`panels.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from demi.render.glyphs import ASCII, UNICODE
from demi.render.lanes import Painter
from demi.render.rows import Row, Span
from demi.render.text import clip, safe
from demi.viewer.listing import Spot
from demi.viewer.model import Model

SAMPLED = 400  # steps whose labels decide the width of the lanes
MARGIN = 1  # cells before the painter's: the mark of the relation


@dataclass(frozen=True, slots=True)
class Marks:
    """How a row stands to the selected one, in one cell."""

    itself: str = "▸"
    cause: str = "c"
    effect: str = "e"
    past: str = "↑"
    future: str = "↓"
    concurrent: str = "·"
    unknown: str = " "

    def of(self, relation: str) -> str:
        """The mark of a relation."""
        return str(getattr(self, "itself" if relation == "self" else relation or "unknown"))


MARKS = Marks()
MARKS_ASCII = Marks(itself=">", past="^", future="v", concurrent=".")
LEGEND = (
    ("itself", "selected"), ("cause", "its cause"), ("effect", "its effect"),
    ("past", "happened before it"), ("future", "may depend on it"),
    ("concurrent", "neither: could not know of each other"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lit:
    """A row with its tone: self, cause, effect, past, future, concurrent, or "" for plain."""

    row: Row
    tone: str = ""


class Picture:
    """The lines of a model in `cells` cells."""

    def __init__(self, model: Model, cells: int) -> None:
        self.model = model
        self.cells = cells
        self.marks = MARKS_ASCII if model.plain else MARKS
        facts = model.facts
        source = facts.source
        glyphs = ASCII if model.plain else UNICODE
        sample = [source.entry(at) for at in range(min(len(source), SAMPLED))]
        found = source.footer.violation if source.footer else None
        self.painter = Painter(
            source.header, len(source), found, max(1, cells - MARGIN), glyphs, model.plain, sample
        )

    def titles(self) -> Row:
        """The names of the lanes."""
        return _shifted(self.painter.titles(), " " * MARGIN)

    def line(self, number: int) -> Lit:
        """One line; an empty one behind the end."""
        model = self.model
        if not 0 <= number < len(model.lines):
            return Lit(Row(""))
        at, comment = model.lines.at(number)
        spot = model.rows.spot(at)
        if comment:
            return Lit(_shifted(self.painter.violated(model.facts.after(spot.step)), " " * MARGIN))
        return self.lit(spot, at == model.row)

    def lit(self, spot: Spot, selected: bool) -> Lit:
        """The line of a step."""
        model, facts = self.model, self.model.facts
        relation = "self" if selected else model.relation(spot)
        entry, name, told = facts.look(spot.step)
        row = self.painter.step(spot.step, entry, name, told, self._flight(spot.step))
        return Lit(_shifted(row, self.marks.of(relation)), relation)

    def _flight(self, step: int) -> str:
        """The node on whose lane the followed message is on its way past a step."""
        way = self.model.following
        if way is None or not way[0] < step < way[1]:
            return ""
        return self.model.look(way[1]).name.peer


def _shifted(row: Row, margin: str) -> Row:
    by = len(margin)
    spans = tuple(Span(span.start + by, span.end + by, span.style) for span in row.spans)
    return Row(margin + row.text, spans, row.step)


def title(model: Model, cells: int) -> Row:
    """What is looked at and where one is: `demi  raft  ElectionSafety  22 events  step 9 of 22`."""
    source = model.facts.source
    footer, plain = source.footer, model.plain
    found = footer.violation if footer else None
    about = found.fingerprint if found else footer.verdict.value if footer else "no verdict (yet)"
    more, dot = ("~", " - ") if plain else ("…", " · ")
    parts = [
        f"demi  {safe(source.header.target, plain)}",
        safe(about, plain),
        f"{model.steps} steps{' (minimized)' if source.header.parent else ''}",
    ]
    if model.filter:
        parts.append(f"filter {safe(model.filter, plain)}: {len(model.rows)}")
    if not model.facts.complete:
        parts.append(f"read {100 * model.facts.known // max(1, model.steps)}%")
    where = f"step {model.step}/{model.steps} "
    left = clip(dot.join(parts), max(0, cells - len(where) - 1), more)
    text = left + where.rjust(max(0, cells - len(left)))
    return Row(text, (Span(0, len(text), "head"),))

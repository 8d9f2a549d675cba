"""The lines of the lane pane: the painter's rows with the selection's light and marks on them.

The one insight: light (bright past, dim concurrent) is a tone per whole line and repeats what a mark in
the first column says, so the picture is complete without any colour.

Not here: colours (`palette.py`), what stands beside and below (`panels.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from demi.render.glyphs import ASCII, UNICODE
from demi.render.lanes import Painter
from demi.render.rows import Row, Span
from demi.render.text import clip, safe, width
from demi.viewer.listing import SAME, Spot
from demi.viewer.model import Model
from demi.viewer.pairs import WORDS, nodes_of

SAMPLED = 400  # steps whose labels decide the width of the lanes


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
        self.version = model.version
        self.marks = MARKS_ASCII if model.plain else MARKS
        self.glyphs = ASCII if model.plain else UNICODE
        sources = [facts.source for facts in model.sides]
        last = max(map(len, sources))
        self._number = 1 + max(4, len(str(last))) if model.pairs else 0
        self.margin = 1 + (3 + self._number if model.pairs else 0)
        nodes = nodes_of(sources[0].header, sources[-1].header)
        sample = [source.entry(at) for source in sources for at in range(min(len(source), SAMPLED))]
        self.painters = [
            Painter(
                replace(source.header, nodes=nodes), last,
                source.footer.violation if source.footer and len(source) else None,
                max(1, cells - self.margin), self.glyphs, model.plain, sample,
            )
            for source in sources
        ]  # fmt: skip

    def titles(self) -> Row:
        """The names of the lanes."""
        other = "there".rjust(self._number + 3) if self.model.pairs else ""
        return _shifted(self.painters[0].titles(), " " + other)

    def line(self, number: int, cursor: bool = True) -> Lit:
        """One line; an empty one behind the end.  cursor: is there a selected row?"""
        model = self.model
        if not 0 <= number < len(model.lines):
            return Lit(Row(""))
        at, comment = model.lines.at(number)
        spot = model.rows.spot(at)
        if comment:
            return Lit(self._comment(spot))
        if spot.folded:
            return self._fold(spot, cursor and at == model.row)
        return self._step(spot, at == model.row, cursor)

    def _comment(self, spot: Spot) -> Row:
        """The verdict below the violating step."""
        first = spot.on(spot.side) == self.model.bad(spot.side)
        side = spot.side if first else 1 - spot.side
        row = self.painters[side].violated(self.model.sides[side].after(spot.on(side)))
        return _shifted(row, " " * self.margin)

    def _step(self, spot: Spot, selected: bool, cursor: bool) -> Lit:
        model = self.model
        relation = "self" if selected else model.relation(spot)
        relation = relation if cursor else ""
        entry, name, told = model.sides[spot.side].look(spot.step)
        flight = self._flight(spot.on(model.side)) if cursor else ""
        row = self.painters[spot.side].step(spot.step, entry, name, told, flight)
        return Lit(_shifted(row, self.marks.of(relation) + self._margin(spot)), relation)

    def _margin(self, spot: Spot) -> str:
        """How the row differs, and its number in the other trace."""
        if not self.model.pairs:
            return ""
        mark = "" if spot.mark == SAME else spot.mark
        return f"{mark:<2}{spot.other or '':>{self._number}} "

    def _fold(self, spot: Spot, selected: bool) -> Lit:
        """The row in place of a run of steps that only one trace has."""
        dots, word = self.glyphs.dot * 3, WORDS[spot.mark]
        said = f"{dots} {spot.folded} steps {word}, from {spot.step} on {dots}"
        relation = "self" if selected else ""
        text = clip(
            self.marks.of(relation) + f"{spot.mark:<2}" + " " * (self._number + 1) + said,
            self.cells, self.glyphs.more,
        )  # fmt: skip
        return Lit(Row(text, (Span(1, len(text), "dim"),)), relation)

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
    """What is looked at and where one is: `demi  raft  ElectionSafety  22 steps   step 9/22`."""
    plain = model.plain
    more, dot = ("~", " - ") if plain else ("…", " · ")
    header = model.sides[0].source.header
    parts = [f"demi  {safe(header.target, plain)}"]
    for side, facts in enumerate(model.sides):
        footer = facts.source.footer
        found = footer.violation if footer else None
        about = (
            found.fingerprint if found else footer.verdict.value if footer else "no verdict (yet)"
        )
        small = " (minimized)" if facts.source.header.parent else ""
        named = f"{'AB'[side]}: " if model.pairs else ""
        parts.append(f"{named}{safe(about, plain)}")
        parts.append(f"{len(facts.source)} steps{small}")
    if model.filter:
        parts.append(f"filter {safe(model.filter, plain)}: {len(model.rows)}")
    if model.reading:
        known = sum(facts.known for facts in model.sides)
        parts.append(f"read {100 * known // max(1, sum(len(f.source) for f in model.sides))}%")
    where = f"{'AB'[model.side] + ' ' if model.pairs else ''}step {model.step}/{model.steps} "
    left = clip(dot.join(parts), max(0, cells - len(where) - 1), more)
    text = left + where.rjust(max(0, cells - width(left)))
    return Row(text, (Span(0, len(text), "head"),))

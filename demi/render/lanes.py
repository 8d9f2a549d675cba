"""The lane view: one lane per node, one row per step, an arrow on the row where a message arrives.

The one insight: time runs down by whole steps, so a delivery is one horizontal arrow in one row (from
Lamport's space-time diagrams, without their diagonals, which cells cannot draw), and everything known
about the step fits beside it.

A pure function from a trace to rows; no row is wider than asked.  Steps are counted from 1.
Not here: causal colouring and selection (the viewer), what a violation speaks of (`story.py`), other
formats (exports).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from demi.events import EventName, Kind
from demi.render.changes import Fold, Told, phrases, start
from demi.render.glyphs import ASCII, UNICODE, Glyphs
from demi.render.heading import ending, heading
from demi.render.layout import Layout, plan, short_names
from demi.render.rows import Row, Strip, ansi
from demi.render.story import guilty, stories
from demi.render.text import brief, clip, clip_label, safe, width
from demi.trace import Entry, Header, Trace
from demi.verdict import Violation

Parts = list[tuple[str, str]]
"""Texts beside the lanes, each with its style."""

PAYLOAD_MAX = 80  # characters of a payload beside its arrow
LOST_MAX = 2  # ids of lost messages named in one row
_STYLE = {Kind.DELIVER: "deliver", Kind.TIMER: "timer", Kind.INJECT: "input"}


def render(
    trace: Trace,
    cells: int,
    *,
    ascii: bool = False,
    colour: bool = False,
    first: int = 1,
    last: int | None = None,
) -> list[str]:
    """`rows` as lines for a terminal of `cells` columns, with escape sequences only for colour."""
    picture = rows(trace, cells, ascii=ascii, first=first, last=last)
    return [ansi(row) if colour else row.text for row in picture]


def rows(
    trace: Trace, cells: int, *, ascii: bool = False, first: int = 1, last: int | None = None
) -> list[Row]:
    """The whole picture: heading, lanes of the steps `first` to `last` (both shown), ending."""
    steps, cells = len(trace), max(1, cells)
    first = max(1, first)
    last = steps if last is None else min(last, steps)
    glyphs = ASCII if ascii else UNICODE
    window = trace.entries[first - 1 : max(last, first - 1)]
    painter = Painter(trace.header, steps, trace.violation, cells, glyphs, ascii, window)
    return [
        *heading(trace, cells, glyphs, ascii, (first, last)),
        painter.titles(),
        *_lanes(painter, trace, first, last),
        *ending(trace, cells, glyphs, ascii, stories(trace, ascii) if last == steps else ()),
    ]


def _lanes(painter: Painter, trace: Trace, first: int, last: int) -> Iterator[Row]:
    """The rows of the window; the steps outside are folded and counted."""
    if first > 1 and len(trace):
        yield painter.left_out(min(first - 1, len(trace)), "earlier")
    fold = Fold(start(trace.header, trace.entries))
    for step, entry in enumerate(trace.entries[: max(0, last)], 1):
        name = entry.name
        told = fold.take(entry, name)
        if step < first:
            continue
        yield painter.step(step, entry, name, told)
        if step == painter.bad_step:
            yield painter.violated(fold)
    if last < len(trace):
        yield painter.left_out(len(trace) - max(last, first - 1), "later")


class Painter:
    """Paints single steps of one run, in any order, each with what is told of it.

    steps: how many there are.  window: entries whose labels decide how wide lanes are.
    """

    def __init__(
        self,
        header: Header,
        steps: int,
        violation: Violation | None,
        cells: int,
        glyphs: Glyphs,
        plain: bool,
        window: Iterable[Entry],
    ) -> None:
        self.found = violation
        self.glyphs = glyphs
        self.plain = plain
        names = header.nodes
        labels = [(width(self.label(e, name := e.name)), _ends(name)) for e in window]
        self.layout: Layout = plan(cells, names, labels, steps)
        self.lanes = dict(zip(names, self.layout.lanes, strict=False))
        self.bad_step = violation.step + 1 if violation and steps else 0

    # ---- rows

    def titles(self) -> Row:
        """The names of the nodes over their lanes."""
        layout, strip = self.layout, Strip(self.layout.cells)
        strip.put(layout.gutter - 4, "step", "dim")
        rooms = [end - at for at, end in zip(layout.lanes, layout.ends, strict=True)]
        names = short_names(list(self.lanes), min(rooms, default=0), self.glyphs.more)
        for at, name in zip(layout.lanes, names, strict=True):
            strip.put(at, name, "head")
        return strip.row()

    def left_out(self, count: int, word: str) -> Row:
        """The row in place of steps that are not shown."""
        dots = self.glyphs.dot * 3
        text = f"{dots} {count} {word} {'step' if count == 1 else 'steps'} {dots}"
        return Row(clip(text, self.layout.cells, self.glyphs.more))

    def step(self, step: int, entry: Entry, name: EventName, told: Told, flight: str = "") -> Row:
        """One step: its number, the lanes with its mark or arrow, what it says and changed.

        flight: the node on whose lane a message waits to be delivered.
        """
        layout = self.layout
        strip = Strip(layout.cells)
        if step == self.bad_step:
            strip.put(0, self.glyphs.here, "bad")
        strip.put(1, f"{step:>{layout.gutter - 1}}", "dim")
        self._paint_lanes(strip, told.down)
        if flight in self.lanes:
            strip.put(self.lanes[flight], self.glyphs.flight, "flight")
        said = self._draw(strip, entry, name)
        caption = [] if said else [self._caption(entry, name)]
        self._beside(strip, caption + self.parts(entry, name, told))
        return strip.row(step)

    def violated(self, fold: Fold) -> Row:
        """The row below the violating step: marks on the nodes involved, and the invariant.

        fold: after the step.  Beside each mark stand the values that the violation speaks of.
        """
        found = self.found
        assert found is not None
        strip = Strip(self.layout.cells)
        strip.put(0, self.glyphs.here, "bad")
        self._paint_lanes(strip, fold.down)
        for node in found.detail.nodes:
            if node in self.lanes:
                words = "  ".join(guilty(found, fold.node(node), self.plain))
                self._mark(strip, node, self.glyphs.involved, words, "bad")
        self._beside(strip, [(f"VIOLATED {safe(found.fingerprint, self.plain)}", "bad")])
        return strip.row(self.bad_step)

    # ---- lanes

    def _paint_lanes(self, strip: Strip, down: frozenset[str]) -> None:
        for node, at in self.lanes.items():
            strip.put(at, self.glyphs.down if node in down else self.glyphs.lane, "lane")

    def _draw(self, strip: Strip, entry: Entry, name: EventName) -> str:
        """Paint the event on the lanes; returns as much of its label as found room there."""
        ends = _ends(name)
        if not ends or any(end not in self.lanes for end in ends):
            return ""
        label = self.label(entry, name)
        style = self._style(entry, name)
        if len(ends) == 1:
            return self._mark(strip, ends[0], self._glyph(entry, name), label, style)
        start, end = self.lanes[ends[0]], self.lanes[ends[1]]
        return self._arrow(strip, start, end, self._line(entry, name, start < end), label, style)

    def _mark(self, strip: Strip, node: str, glyph: str, label: str, style: str) -> str:
        at = self.lanes[node]
        strip.put(at, glyph, style)
        room = self.layout.ends[self.layout.lanes.index(at)] - at - 2
        text = clip_label(label, room, self.glyphs.more) if self.layout.wide else ""
        strip.put(at + 2, text, style)
        return text

    def _arrow(
        self, strip: Strip, start: int, end: int, line: tuple[str, str], label: str, style: str
    ) -> str:
        """A line from lane to lane; `line` is its dash and its head."""
        low, high = min(start, end), max(start, end)
        dash, head = line
        strip.put(low + 1, dash * (high - low - 1), style)
        for at in self.lanes.values():
            if low < at < high:
                strip.put(at, self.glyphs.cross, style)
        strip.put(start, self.glyphs.tail_right if start < end else self.glyphs.tail_left, style)
        strip.put(end, head, style)
        text = clip_label(label, high - low - 3, self.glyphs.more) if self.layout.wide else ""
        strip.put(low + 1 + (high - low - 1 - width(text)) // 2, text, style)
        return text

    def _line(self, entry: Entry, name: EventName, right: bool) -> tuple[str, str]:
        glyphs = self.glyphs
        head = glyphs.head_right if right else glyphs.head_left
        if entry.fell or name.kind == Kind.DROP:
            return glyphs.dash_lost, glyphs.lost
        if name.kind in (Kind.CUT, Kind.HEAL):
            both = glyphs.tail_left if right else glyphs.tail_right
            dash = glyphs.dash_lost if name.kind == Kind.CUT else glyphs.dash
            return dash, head if ">" in entry.id else both
        return glyphs.dash, head

    def _glyph(self, entry: Entry, name: EventName) -> str:
        glyphs = self.glyphs
        if entry.fell:
            return glyphs.lost
        marks = {
            Kind.DELIVER: glyphs.loop,
            Kind.TIMER: glyphs.timer,
            Kind.INJECT: glyphs.inject,
            Kind.CRASH: glyphs.crash,
            Kind.RESTART: glyphs.restart,
            Kind.START: glyphs.start,
        }
        return marks.get(name.kind, glyphs.loop)

    # ---- words

    def label(self, entry: Entry, name: EventName) -> str:
        """What stands on the lanes: `Vote#2`, `election#1`, `crash`, `drop Vote#3`."""
        if name.kind in (Kind.DELIVER, Kind.TIMER, Kind.INJECT):
            return f"{safe(name.label, self.plain)}#{name.nth}"
        touched = entry.lost if name.kind == Kind.DROP else entry.out
        word = name.kind.name.lower()
        if name.kind in (Kind.DROP, Kind.DUPLICATE) and touched:
            return f"{word} {safe(touched[0].rpartition(':')[2], self.plain)}"
        return word

    def _caption(self, entry: Entry, name: EventName) -> tuple[str, str]:
        """What the text names when the lanes cannot: the label, or the id where no label fits."""
        text = self.label(entry, name) if self.layout.wide else safe(entry.id, self.plain)
        return text, self._style(entry, name)

    def _style(self, entry: Entry, name: EventName) -> str:
        return "lost" if entry.fell else _STYLE.get(name.kind, "fault")

    def parts(self, entry: Entry, name: EventName, told: Told) -> Parts:
        """What is said beside the lanes, what matters most first."""
        parts: Parts = []
        if entry.fell:
            down, cut = name.node in told.down, (name.peer, name.node) in told.cut
            why = f"{name.node} is down" if down else "the link is cut" if cut else "not received"
            parts.append((f"lost: {why}", "lost"))
        if told.repeats:
            parts.append((f"{self.glyphs.same} {told.repeats}", "same"))
        if entry.fail is not None:
            error, where, text = (entry.fail.get(key, "") for key in ("error", "where", "text"))
            said = f"{self.glyphs.crash} raised {error} in {where}: {text}"
            parts.append((safe(said, self.plain), "bad"))
        payload = brief(entry.msg, PAYLOAD_MAX, self.glyphs.more, self.plain)
        if name.kind == Kind.INJECT and entry.msg is not None:
            parts.append((payload, "input"))
        changes = phrases(told.changes, self.glyphs, self.plain)
        parts += [(change, "change") for change in changes]
        if entry.lost and name.kind != Kind.DROP:
            named = " ".join(safe(gone, self.plain) for gone in entry.lost[:LOST_MAX])
            more = f" +{len(entry.lost) - LOST_MAX}" if len(entry.lost) > LOST_MAX else ""
            parts.append((f"lost {named}{more}", "lost"))
        parts += [(f'"{safe(line, self.plain)}"', "dim") for line in entry.log]
        if name.kind == Kind.DELIVER and entry.msg not in (None, {}, []):
            parts.append((payload, "payload"))
        return parts

    def _beside(self, strip: Strip, parts: Parts) -> None:
        at, cells = self.layout.side, self.layout.cells
        for text, style in parts:
            if cells - at < 2:
                break
            at = strip.put(at, clip(text, cells - at, self.glyphs.more), style) + 2


def _ends(name: EventName) -> tuple[str, ...]:
    """The lanes that an event is drawn on: one for a mark, two for an arrow."""
    ends = (name.peer, name.node) if name.kind == Kind.DELIVER else name.nodes[:2]
    return ends[:1] if ends[:1] == ends[1:] else ends

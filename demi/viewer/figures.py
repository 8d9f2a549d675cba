"""The screen of a campaign as text: rates, coverage over time, violations so far.

The one insight: what is drawn follows from the figures that have come so far, so the screen is a pure
function of a list and needs no target, no hunt and no terminal to be tested.

Not here: the terminal (`campaign.py`), sending figures (`demi/cli/screen.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from demi.render.glyphs import ASCII, UNICODE, Glyphs
from demi.render.rows import Row, Span
from demi.render.text import clip, safe

RECENT_SECONDS = 10.0  # what counts as new
KEPT_MAX = 4096  # figures that are remembered; then every second one goes
CURVE_ROWS = 6
STEPS_UNICODE = " ▁▂▃▄▅▆▇█"
STEPS_ASCII = " .:-=+*#%"


class Figures(msgspec.Struct, frozen=True):
    """Where a campaign stands.

    seconds: since its start.  counts: name -> number so far (runs, steps, classes, states), in the order
    in which they are shown.  goals: name -> number at which it ends.  covers: the counts that are drawn
    over time.  notes: more lines.  violations: one line each.  left: seconds to its end, -1 if unknown.
    """

    seconds: float
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    goals: dict[str, int] = msgspec.field(default_factory=dict)
    covers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    violations: tuple[str, ...] = ()
    left: float = -1.0


@dataclass(slots=True)
class History:
    """title: what runs.  past: the figures so far, the newest last."""

    title: str
    past: list[Figures] = field(default_factory=list)

    def take(self, figures: Figures) -> None:
        """Newer figures; every second one of the older ones goes when there are too many."""
        if len(self.past) >= KEPT_MAX:
            del self.past[1::2]
        self.past.append(figures)

    def before(self, seconds: float) -> Figures:
        """The figures of so many seconds ago, or the oldest."""
        now = self.past[-1].seconds
        older = [one for one in reversed(self.past[:-1]) if now - one.seconds >= seconds]
        return older[0] if older else self.past[0]

    def at(self, name: str, seconds: float) -> int:
        """A count at a time: that of the last figures before it."""
        low, high = 0, len(self.past)
        while low < high:
            middle = (low + high) // 2
            if self.past[middle].seconds <= seconds:
                low = middle + 1
            else:
                high = middle
        return self.past[low - 1].counts.get(name, 0) if low else 0


def rows(history: History, cells: int, height: int, plain: bool) -> list[Row]:
    """The whole screen in `height` rows of `cells` cells; what matters less is left out first."""
    glyphs = ASCII if plain else UNICODE
    lines = [_line(f"demi  {safe(history.title, plain)}", "head")]
    if not history.past:
        return _fitted([*lines, _line("no figures yet", "dim")], cells, height, glyphs)
    now = history.past[-1]
    lines += [_line(_time(now), "dim"), *_counts(history, glyphs)]
    lines += [_line(safe(note, plain), "dim") for note in now.notes]
    found = [
        _line(f"violations so far: {len(now.violations)}", "bad" if now.violations else "head")
    ]
    found += [_line(f"  {safe(one, plain)}", "bad") for one in now.violations]
    curves: list[Row] = []
    for name in now.covers:
        if len(lines) + len(found) + len(curves) + CURVE_ROWS + 3 <= height:
            curves += [_line(""), *_curve(history, name, cells, plain)]
    return _fitted([*lines, *curves, _line(""), *found], cells, height, glyphs)


def _line(text: str, style: str = "") -> Row:
    return Row(text, (Span(0, len(text), style),) if style and text else ())


def _fitted(lines: Sequence[Row], cells: int, height: int, glyphs: Glyphs) -> list[Row]:
    shown = list(lines)
    if len(shown) > height:
        more = len(shown) - height + 1
        shown = [*shown[: max(0, height - 1)], _line(f"{glyphs.more} {more} more", "dim")]
    fitted = []
    for row in shown[:height]:
        text = clip(row.text, cells, glyphs.more)
        spans = tuple(Span(s.start, min(s.end, len(text)), s.style) for s in row.spans)
        fitted.append(Row(text, tuple(span for span in spans if span.start < span.end)))
    return fitted


def _time(now: Figures) -> str:
    left = f", at most {_clock(now.left)} left" if now.left >= 0 else ""
    return f"running for {_clock(now.seconds)}{left}"


def _clock(seconds: float) -> str:
    whole = max(0, round(seconds))
    hours, minutes = whole // 3600, whole // 60
    return (
        f"{hours}:{minutes % 60:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
    )


def _number(value: float) -> str:
    return f"{round(value):,}".replace(",", " ")


def _counts(history: History, glyphs: Glyphs) -> list[Row]:
    """A row per count: how many, of how many, how fast, how many lately."""
    now, recent = history.past[-1], history.before(RECENT_SECONDS)
    span = now.seconds - recent.seconds
    rows = []
    for name, value in now.counts.items():
        goal = f" of {_number(now.goals[name])}" if now.goals.get(name) else ""
        gained = value - recent.counts.get(name, 0)
        if name in now.covers:
            rate = f"{_number(gained)} new in the last {span:.0f} s" if span > 0 else ""
        else:
            rate = f"{_number(gained / span)}/s" if span > 0 else ""
        text = f"{safe(name):<12}{_number(value) + goal:<24}{rate}".rstrip()
        rows.append(Row(text, (Span(0, min(12, len(text)), "dim"),)))
    return rows


def _curve(history: History, name: str, cells: int, plain: bool) -> list[Row]:
    """A count over the whole time, as columns of eighths."""
    steps = STEPS_ASCII if plain else STEPS_UNICODE
    glyphs = ASCII if plain else UNICODE
    now = history.past[-1]
    top = max(1, now.counts.get(name, 0))
    label = max(7, len(_number(top)) + 1)
    wide = max(1, cells - label - 2)
    values = [history.at(name, now.seconds * (x + 1) / wide) for x in range(wide)]
    rows = [_line(f"{safe(name, plain)} over time", "head")]
    full = len(steps) - 1
    for row in range(CURVE_ROWS - 1, -1, -1):
        said = _number(top) if row == CURVE_ROWS - 1 else "0" if row == 0 else ""
        parts = []
        for value in values:
            filled = value * CURVE_ROWS * full // top - row * full
            parts.append(steps[max(0, min(full, filled))])
        text = f"{said:>{label}} {glyphs.lane}" + "".join(parts)
        rows.append(Row(text.rstrip(), (Span(label + 2, len(text.rstrip()), "timer"),)))
    end = _clock(now.seconds)
    rows.append(_line(" " * (label + 2) + "0:00" + end.rjust(max(0, wide - 4))))
    return rows

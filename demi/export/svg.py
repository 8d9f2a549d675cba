"""The space-time diagram as a picture of its own, for documents and slides."""

from __future__ import annotations

from demi.export.diagram import diagram
from demi.export.steps import Source, lanes, steps

EVENTS_MAX = 400  # a taller picture is shown by nothing; the last events matter
_STYLE = """<style>
svg { background: #fff; font-family: sans-serif; }
.lane { stroke: #c4cbd3; }
.node { font-weight: 700; text-anchor: middle; fill: #1b1f24; }
.guilty { fill: #b42318; }
.mark { fill: #fff; stroke: #1b1f24; stroke-width: 1.5; }
.label, .number { font: 11px monospace; fill: #1b1f24; }
.number { fill: #66707c; }
.flight { stroke: #66707c; fill: none; stroke-width: 1.2; }
.flight.lost { stroke-dasharray: 2 4; }
.bad .mark { stroke: #b42318; fill: #b42318; }
</style>"""


def write(source: Source) -> str:
    """One SVG document, at most `EVENTS_MAX` events."""
    shown = steps(source.trace)[-EVENTS_MAX:]
    drawn = diagram(shown, lanes(source.trace), source.trace)
    head, rest = drawn.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">\n{_STYLE}{rest}\n'

"""The space-time diagram as SVG: a lane per node, time down, a line from where a message was sent.

The one insight: a page can draw diagonals, so here a flight is what Lamport drew; each kind of event has
a shape of its own, so colour is never the only sign.

Not here: style.  Elements have classes, and who shows them says how they look.
"""

from __future__ import annotations

from html import escape

from demi.events import Kind
from demi.export.steps import Step
from demi.trace import Trace

ROW, LANE, TOP, LEFT = 26, 190, 46, 60  # pixels: a step down, a lane right, the margins
MARK = 7  # pixels: radius of an event's mark
LABEL_MAX = 22  # characters beside a mark; the lane is not wider


def diagram(shown: list[Step], names: tuple[str, ...], trace: Trace) -> str:
    """An `svg` element for a page: one row per step, elements of class `event` for its script."""
    column = {name: LEFT + at * LANE for at, name in enumerate(names)}
    row = {step.number: TOP + at * ROW + ROW // 2 for at, step in enumerate(shown)}
    width, height = LEFT + len(names) * LANE, TOP + len(shown) * ROW + ROW
    guilty = trace.violation.detail.nodes if trace.violation else ()
    parts = [
        f'<svg id="diagram" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="space-time diagram">'
    ]
    for name, x in column.items():
        bad = " guilty" if name in guilty else ""
        mark = "● " if name in guilty else ""
        parts.append(
            f'<line class="lane" x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{height - 8}"/>'
            f'<text class="node{bad}" x="{x}" y="24">{mark}{escape(name)}</text>'
        )
    nodes = {step.number: step.node for step in shown}
    for step in shown:
        parts.append(_event(step, column, row, nodes))
    return "\n".join([*parts, "</svg>"])


def _event(step: Step, column: dict[str, int], row: dict[int, int], nodes: dict[int, str]) -> str:
    x, y = column[step.node], row[step.number]
    flight = ""
    if step.sender:
        sent = 0 if step.sent is None else step.sent + 1
        start = column[nodes.get(sent, step.sender)]  # a step may send in another node's name
        above = row.get(sent, TOP - 8 if sent else y)
        lost = " lost" if step.trouble.startswith("lost:") else ""
        flight = f'<path class="flight{lost}" d="M{start} {above} L{x} {y}"/>'
    label = step.label or step.words
    label = label if len(label) <= LABEL_MAX else label[: LABEL_MAX - 1] + "…"
    kind = "bad" if step.violates else step.kind.name.lower()
    says = f"{step.number}. {step.text}"
    return (
        f'<g class="event {kind}" data-step="{step.number}" tabindex="0" role="button" '
        f'aria-label="{escape(says)}"><title>{escape(says)}</title>{flight}'
        f'<text class="number" x="6" y="{y + 4}">{step.number}</text>{_mark(step, x, y)}'
        f'<text class="label" x="{x + 12}" y="{y + 4}">{escape(label)}</text></g>'
    )


def _mark(step: Step, x: int, y: int) -> str:
    """Each kind has a shape of its own: colour is never the only sign."""
    if step.kind == Kind.DELIVER:
        return f'<circle class="mark" cx="{x}" cy="{y}" r="{MARK}"/>'
    if step.kind == Kind.TIMER:
        points = f"{x},{y - MARK} {x + MARK},{y + MARK} {x - MARK},{y + MARK}"
    elif step.kind == Kind.INJECT:
        points = f"{x},{y - MARK} {x + MARK},{y} {x},{y + MARK} {x - MARK},{y}"
    else:
        points = f"{x - MARK},{y - MARK} {x + MARK},{y - MARK} {x + MARK},{y + MARK} {x - MARK},{y + MARK}"
    return f'<polygon class="mark" points="{points}"/>'

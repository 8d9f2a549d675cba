"""One page, readable offline: space-time diagram, causal highlight, state diff, certificate.

The one insight: the diagram is drawn here as SVG, so it can be read and printed without any script; the
script of `page.html` only follows the causes of what was clicked and folds the deltas up to there.

The page loads nothing: its content policy forbids it, and all text of the system under test is either
escaped markup or JSON without `<`.  Not here: long runs; only the last `EVENTS_MAX` events are drawn.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

import msgspec

from demi import __version__
from demi.export.diagram import diagram
from demi.export.explanation import reversals
from demi.export.steps import Source, Step, lanes, steps, title, violated
from demi.minimizer.certify import minimality
from demi.render.changes import Fold, start
from demi.render.text import brief, safe
from demi.trace import Trace

EVENTS_MAX = 3000  # rows that browsers still scroll and restyle at once
VALUE_MAX = 300  # characters of one field of the state
_PAGE = Path(__file__).with_name("page.html")


def write(source: Source) -> str:
    """The page."""
    trace = source.trace
    shown = steps(trace)
    hidden = max(0, len(shown) - EVENTS_MAX)
    parts = {
        "TITLE": escape(title(source)),
        "FACTS": escape(facts(trace)),
        "VERDICT": escape(violated(trace) or "no violation"),
        "NOTICE": escape(f"{hidden} earlier events are not drawn." if hidden else ""),
        "DIAGRAM": diagram(shown[hidden:], lanes(trace), trace),
        "RACES": _races(trace),
        "CERTIFICATE": _certificate(source, shown),
        "DATA": _script(_data(trace, shown, hidden)),
        "VERSION": escape(__version__),
    }
    page = _PAGE.read_text("utf-8")
    return re.sub(r"@@([A-Z]+)@@", lambda match: parts[match[1]], page)


def facts(trace: Trace) -> str:
    """What ran, in one line."""
    header = trace.header
    settings = ", ".join(f"{safe(k)}={brief(v, 40)}" for k, v in header.config.items())
    return (
        f"{safe(header.target)} {safe(header.target_version)}".strip()
        + f" · {len(header.nodes)} nodes · network {safe(header.network)} · timers {safe(header.timers)}"
        + f" · {safe(header.strategy)}, seed {header.seed}"
        + (f" · {settings}" if settings else "")
    )


# ---- the words


def _races(trace: Trace) -> str:
    rows = [
        f"<li><code>{escape(race.second)}</code> before <code>{escape(race.first)}</code> at "
        f"{escape(race.node)}: {escape(race.result)}</li>"
        for race in reversals(trace)
    ]
    head = "<section><h2>What would have avoided it</h2><ul>"
    return f"{head}{''.join(rows)}</ul></section>" if rows else ""


def _certificate(source: Source, shown: list[Step]) -> str:
    rows = [
        f"<tr><td>{step.number}</td><td>{escape(step.words)}</td><td>{escape(step.why)}</td></tr>"
        for step in shown
        if step.why
    ]
    if not rows:
        return "<p>This trace has no certificate; <code>demi minimize</code> makes one.</p>"
    head = f"<p>{escape(safe(minimality(source.trace)))}: each event was left out once more.</p>"
    return f"{head}<table><tbody>{''.join(rows)}</tbody></table>"


# ---- the data


def _data(trace: Trace, shown: list[Step], hidden: int) -> dict[str, Any]:
    fold = Fold(start(trace.header, trace.entries))
    for entry in trace.entries[:hidden]:
        fold.take(entry, entry.name)
    return {
        "state": {
            node: {
                safe(key): brief(value, VALUE_MAX) for key, value in fold.node(node).fields.items()
            }
            for node in trace.header.nodes
        },
        "steps": [
            {
                "n": step.number,
                "id": step.id,
                "node": step.node,
                "words": step.words,
                "payload": step.payload,
                "changes": step.changes,
                "log": step.log,
                "trouble": step.trouble,
                "why": step.why,
                "causes": [c + 1 for c in {*step.causes, *_sent(step)} if c >= hidden],
                "state": folded,
            }
            for step, folded in zip(shown[hidden:], _folded(trace, fold, hidden), strict=True)
        ],
    }


def _sent(step: Step) -> set[int]:
    return set() if step.sent is None else {step.sent}


def _folded(trace: Trace, fold: Fold, first: int) -> list[dict[str, str]]:
    """For each step the new values of the fields that changed, as text."""
    told = []
    for entry in trace.entries[first:]:
        name = entry.name
        changes = fold.take(entry, name).changes
        fields = fold.node(name.node).fields
        told.append({safe(c.field): brief(fields[c.field], VALUE_MAX) for c in changes})
    return told


def _script(data: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = msgspec.json.encode(data).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

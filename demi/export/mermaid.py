"""A Mermaid sequence diagram: what Markdown renderers and wikis draw by themselves.

The one insight: Mermaid decodes `#59;`, so every character of a foreign text that its grammar could
read is written as such a number, and no payload can end a statement or open a tag.

Not here: long runs; beyond `EVENTS_MAX` renderers give up, so the last events are kept and it says so.
"""

from __future__ import annotations

import re

from demi.events import Kind
from demi.export.steps import Source, Step, lanes, steps, title, violated

EVENTS_MAX = 150  # renderers refuse or freeze beyond some hundred arrows
TEXT_MAX = 120  # characters beside an arrow
_SPECIAL = re.compile(r"[^\w .,()>=/+*→…-]", re.ASCII)


def write(source: Source) -> str:
    """The diagram, the violation as a note under the failing step."""
    trace = source.trace
    shown = steps(trace)
    hidden = max(0, len(shown) - EVENTS_MAX)
    names = lanes(trace)
    column = {name: f"p{at}" for at, name in enumerate(names)}
    rows = [f"%% {_quoted(title(source))}", "sequenceDiagram"]
    rows += [f"    participant {column[name]} as {_quoted(name)}" for name in names]
    across = ",".join(dict.fromkeys((column[names[0]], column[names[-1]]))) if names else ""
    if hidden:
        rows.append(f"    Note over {across}: {hidden} earlier events are left out")
    for step in shown[hidden:]:
        row = _row(step, column)
        if not step.violates:
            rows.append(f"    {row}")
            continue
        guilty = [column[node] for node in _guilty(source, column)] or [column[step.node]]
        ends = ",".join(dict.fromkeys((guilty[0], guilty[-1])))
        rows += [
            "    rect rgb(255, 214, 214)",
            f"        {row}",
            f"        Note over {ends}: {_quoted(violated(trace))}",
            "    end",
        ]
    return "\n".join(rows) + "\n"


def _row(step: Step, column: dict[str, str]) -> str:
    here = column[step.node]
    detail = "; ".join(step.changes)
    if step.kind == Kind.DELIVER:
        arrow = "--x" if step.trouble.startswith("lost:") else "->>"
        said = f"{step.label} {detail or step.payload}".strip()
        return f"{column[step.sender]}{arrow}{here}: {step.number}. {_quoted(said)}"
    said = " ".join(part for part in (step.words, detail, step.trouble) if part)
    return f"Note over {here}: {step.number}. {_quoted(said)}"


def _guilty(source: Source, column: dict[str, str]) -> list[str]:
    found = source.trace.violation
    named = found.detail.nodes if found else ()
    return sorted((n for n in named if n in column), key=lambda name: int(column[name][1:]))


def _quoted(text: str) -> str:
    short = text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", short)

"""The formats by name; a new one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demi.errors import UsageError
from demi.export import chrome, dot, html, junit, mermaid, otlp, shiviz, svg, text
from demi.export.steps import Source
from demi.target import nearest


@dataclass(frozen=True, slots=True)
class Format:
    """suffix: of a file in this format.  doc: one line, what reads it.  write: the whole text."""

    suffix: str
    doc: str
    write: Callable[[Source], str]


FORMATS: dict[str, Format] = {
    "shiviz": Format(".log", "a log for ShiViz, original and minimized side by side", shiviz.write),
    "mermaid": Format(".mmd", "a sequence diagram for Markdown and wikis", mermaid.write),
    "html": Format(".html", "one page with a space-time diagram, readable offline", html.write),
    "svg": Format(".svg", "the space-time diagram as a picture", svg.write),
    "chrome": Format(".json", "a timeline for Perfetto and chrome://tracing", chrome.write),
    "otlp": Format(".jsonl", "OpenTelemetry spans, one JSON line", otlp.write),
    "dot": Format(".dot", "the happens-before graph for Graphviz", dot.write),
    "text": Format(".txt", "the lanes as plain text", text.write),
    "junit": Format(".xml", "a test result for CI services", junit.write),
}


def find_format(name: str) -> Format:
    """Raises UsageError naming the nearest match."""
    if name not in FORMATS:
        raise UsageError(f"unknown format {name!r}", where="--to", remedy=nearest(name, FORMATS))
    return FORMATS[name]

"""The text above and below the lanes: what ran, how much, and how it ended.

The one insight: prose is folded at its own seams (facts above, words below), so no terminal has to.
"""

from __future__ import annotations

from collections.abc import Iterable

from demi.render.drawing import drawing_rows
from demi.render.glyphs import Glyphs
from demi.render.rows import Row, Span
from demi.render.text import brief, clip, safe, width
from demi.trace import Trace

INDENT = "  "
VERDICT_MAX = 2000  # characters of a violation's text; invariants write one line


def heading(
    trace: Trace, cells: int, glyphs: Glyphs, plain: bool, shown: tuple[int, int]
) -> list[Row]:
    """What ran, its models, its settings, its size, and the violation it ends in."""
    header, steps = trace.header, len(trace)
    dot = f" {glyphs.dot} "
    facts = [
        f"{header.target} {header.target_version}".strip(),
        _count(len(header.nodes), "node"),
        f"network {header.network}{' lossy' if header.lossy else ''}",
        f"timers {header.timers}",
        f"strategy {header.strategy or 'unknown'}, seed {header.seed}",
    ]
    size = [
        _count(steps, "event"),
        f"{_count(trace.deliveries, 'delivery', 'deliveries')}",
        _count(trace.externals, "external"),
        *([f"minimized from {header.parent}"] if header.parent else []),
        *([] if shown == (1, steps) or not steps else [f"showing {shown[0]} to {shown[1]}"]),
    ]
    settings = [
        key if value is True else f"{key}={brief(value, 20, glyphs.more, plain)}"
        for key, value in header.config.items()
        if value not in (False, None, "")
    ]
    lines = _folded([safe(fact, plain) for fact in facts], dot, cells, glyphs, "head")
    if settings:
        shown_settings = [
            "with " + safe(settings[0], plain),
            *(safe(s, plain) for s in settings[1:]),
        ]
        lines += _folded(shown_settings, "  ", cells, glyphs, "dim")
    lines += _folded([safe(fact, plain) for fact in size], dot, cells, glyphs, "dim")
    if trace.violation is not None:
        lines += _folded([_verdict(trace, plain)], "", cells, glyphs, "bad")
    return [*lines, Row("")]


def ending(
    trace: Trace, cells: int, glyphs: Glyphs, plain: bool, stories: Iterable[str] = ()
) -> list[Row]:
    """The verdict with its reason; for a violation its text, in full, and what it speaks of."""
    footer, violation = trace.footer, trace.violation
    if footer is None:
        said = f"no verdict: the run was interrupted after {_count(len(trace), 'event')}"
        return [Row(""), *_folded(said.split(), " ", cells, glyphs, "bad")]
    if violation is None:
        reason = f" ({safe(footer.reason, plain)})" if footer.reason else ""
        said = f"{footer.verdict.value}{reason}"
        return [Row(""), *_folded(said.split(), " ", cells, glyphs, "head")]
    words = safe(violation.detail.text, plain, VERDICT_MAX).split(" ")
    return [
        Row(""),
        *_folded([_verdict(trace, plain)], "", cells, glyphs, "bad"),
        *_folded(words, " ", cells, glyphs, "", INDENT),
        *drawing_rows(trace, cells, glyphs, plain, INDENT),
        *[
            row
            for line in stories
            for row in _folded(line.split(" "), " ", cells, glyphs, "dim", INDENT)
        ],
    ]


def _verdict(trace: Trace, plain: bool) -> str:
    violation = trace.violation
    assert violation is not None
    where = f"at step {violation.step + 1}" if len(trace) else "while starting"
    return f"VIOLATED {safe(violation.fingerprint, plain)} {where}"


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _folded(
    parts: Iterable[str], between: str, cells: int, glyphs: Glyphs, style: str, indent: str = ""
) -> list[Row]:
    """Parts joined by `between` into rows of at most `cells`; one that is too long is clipped."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{between}{part}" if lines else ""
        if lines and width(longer) <= cells:
            lines[-1] = longer
        else:
            lines.append(clip(indent + part, cells, glyphs.more))
    return [Row(line.rstrip(), _all(line.rstrip(), style)) for line in lines]


def _all(line: str, style: str) -> tuple[Span, ...]:
    return (Span(0, len(line), style),) if style and line else ()

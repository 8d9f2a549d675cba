"""The drawing of a system at its violation, as the target made it when the run was recorded.

The one insight: only the target can draw its system and only while it runs, so the lines are part of the
trace, and what reads a trace needs no target.

They are a stranger's text: not a list of lines is no drawing, and long ones are cut.
Not here: what they show (`Target.drawing`).
"""

from __future__ import annotations

from demi.render.glyphs import Glyphs
from demi.render.rows import Row, Span
from demi.render.text import clip, safe
from demi.trace import Trace

DRAWING = "drawing"  # in the footer
LINES_MAX = 40
_PLAIN = str.maketrans("─│▶◀▲▼✖↻●○·╳", "-|><^vX@*o.x")


def drawing_rows(trace: Trace, cells: int, glyphs: Glyphs, plain: bool, indent: str) -> list[Row]:
    """Its lines; none where there is no drawing."""
    found = trace.footer.extra.get(DRAWING) if trace.footer is not None else None
    if not isinstance(found, list):
        return []
    rows = [Row("")]
    for line in found[:LINES_MAX]:
        text = line.translate(_PLAIN) if plain and isinstance(line, str) else line
        shown = safe(text, plain) if isinstance(text, str) else ""
        whole = clip(indent + shown, cells, glyphs.more).rstrip()
        rows.append(Row(whole, (Span(0, len(whole), "dim"),) if whole else ()))
    return rows if len(rows) > 1 else []

"""Pictures of traces as rows of cells: pure functions, no terminal, no files.

The one insight: a picture is a list of rows, each a string with style spans and of known width, so the
terminal, the viewer and a golden test show the same thing.

`lanes.py` draws; `layout.py` says where, `changes.py` what changed, `rows.py` holds cells and styles,
`text.py` makes foreign text harmless, `glyphs.py` names the marks.
"""

from demi.render.lanes import render, rows
from demi.render.rows import Row, as_text

__all__ = ["Row", "as_text", "render", "rows"]

"""The lanes as plain text, for a mail or a ticket."""

from __future__ import annotations

from demi.export.steps import Source
from demi.render.lanes import render

CELLS = 110  # what a mail or a ticket shows without folding


def write(source: Source) -> str:
    """What `demi view` prints, without colour."""
    return "\n".join(line.rstrip() for line in render(source.trace, CELLS)) + "\n"

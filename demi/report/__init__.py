"""Reports for a ticket: the bug in one screen, the steps, how it came to it, the commands to repeat it.

The one insight: what is said (`content.py`) is a list of blocks and how it is written down is another
matter (`markdown.py`, `page.py`), so both forms say the same.

Not here: other tools' formats (`demi/export`), files and the command line (`demi/cli/report.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from demi.errors import UsageError
from demi.export.steps import Source
from demi.report import markdown, page
from demi.report.blocks import Block
from demi.report.content import blocks
from demi.target import nearest

FORMS: dict[str, Callable[[Sequence[Block]], str]] = {"md": markdown.write, "html": page.write}

__all__ = ["FORMS", "Source", "report"]


def report(sources: Sequence[Source], form: str, target: str = "") -> str:
    """The text of a report.  target: `--target` for its commands.  Raises UsageError for a form."""
    if form not in FORMS:
        raise UsageError(f"unknown form {form!r}", where="--to", remedy=nearest(form, FORMS))
    return FORMS[form](blocks(sources, target))

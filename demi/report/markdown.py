"""A report as Markdown, as forges and ticket systems read it (CommonMark with tables).

The one insight: foreign text stands in code spans whose fence is longer than any run of backticks in it,
so nothing in it is markup, a mention or a link.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from demi.report.blocks import (
    Block,
    Code,
    Heading,
    Items,
    Paragraph,
    Preformatted,
    Table,
    Words,
)


def write(blocks: Sequence[Block]) -> str:
    """The whole text; one empty line between blocks."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(level, words):
            return f"{'#' * level} {_words(words)}"
        case Paragraph(words):
            return _words(words)
        case Items(items, numbered):
            marks = [f"{at}." if numbered else "-" for at in range(1, len(items) + 1)]
            return "\n".join(f"{m} {_words(item)}" for m, item in zip(marks, items, strict=True))
        case Preformatted(text, language):
            fence = "`" * max(3, _longest(text) + 1)
            return f"{fence}{language}\n{text}\n{fence}"
        case Table(head, rows):
            lines = [head, tuple("---" for _ in head)]
            cells = [tuple(_words(cell).replace("|", "\\|") for cell in row) for row in rows]
            return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *cells])


def _words(words: Words) -> str:
    return "".join(_code(word.text) if isinstance(word, Code) else word for word in words)


def _code(text: str) -> str:
    fence = "`" * (_longest(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if text else ""


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)

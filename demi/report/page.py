"""A report as one HTML page without scripts, which loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

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

_STYLE = """body { font: 15px/1.5 system-ui, sans-serif; color-scheme: light dark;
  max-width: 1000px; margin: 2em auto; padding: 0 1em; }
code, pre { font: 13px/1.4 ui-monospace, monospace; }
code { background: #8882; padding: 0 3px; overflow-wrap: anywhere; }
pre { background: #8881; padding: 8px; overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border-top: 1px solid #8886; padding: 3px 10px 3px 0; text-align: left; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #e8eaed; } }"""


def write(blocks: Sequence[Block]) -> str:
    """The whole page."""
    first = next((block for block in blocks if isinstance(block, Heading)), None)
    title = "".join(w.text if isinstance(w, Code) else w for w in first.words) if first else "demi"
    body = "\n".join(_block(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    match block:
        case Heading(level, words):
            return f"<h{level}>{_words(words)}</h{level}>"
        case Paragraph(words):
            return f"<p>{_words(words)}</p>"
        case Items(items, numbered):
            tag = "ol" if numbered else "ul"
            rows = "\n".join(f"<li>{_words(item)}</li>" for item in items)
            return f"<{tag}>\n{rows}\n</{tag}>"
        case Preformatted(text, _):
            return f"<pre>{escape(text)}</pre>"
        case Table(head, rows):
            top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
            body = "\n".join(
                "<tr>" + "".join(f"<td>{_words(cell)}</td>" for cell in row) + "</tr>"
                for row in rows
            )
            return f"<table>\n<tr>{top}</tr>\n{body}\n</table>"


def _words(words: Words) -> str:
    return "".join(
        f"<code>{escape(word.text)}</code>" if isinstance(word, Code) else escape(word)
        for word in words
    )

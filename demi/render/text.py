"""Foreign text made harmless: what a system under test says never moves the cursor.

The one insight: after `safe`, every character is visible and has a width, so cells can be counted.
Control characters, escape sequences, bidirectional and zero-width characters and lone surrogates are
written as Python escapes.  Square brackets stay: rows are text and never parsed as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rich.cells import cell_len

from demi.history.operation import CLIENT_EVENT, sentence

SCAN_MAX = 400  # characters of one foreign value that are looked at; no row shows more
DEPTH_MAX = 4  # levels of a nested value that are shown


@dataclass(frozen=True, slots=True)
class Long:
    """A long value by its brief form.  count: items of a list, 0 for another value."""

    text: str
    count: int = 0

    def __str__(self) -> str:
        return f"{self.count} items {self.text}" if self.count else self.text


@lru_cache(maxsize=4096)
def _visible(character: str, ascii_only: bool) -> str:
    code = ord(character)
    plain = code < 127 if ascii_only else character.isprintable() and cell_len(character) > 0
    if plain and code >= 32:
        return character
    return character.encode("unicode_escape").decode("ascii")


def safe(text: str, ascii_only: bool = False, scan: int = SCAN_MAX) -> str:
    """`text` on one line, all of it visible; at most `scan` characters are read."""
    text = text[:scan]
    if text.isascii() and text.isprintable():
        return text
    return "".join([_visible(character, ascii_only) for character in text])


def width(text: str) -> int:
    """Cells that `text` takes."""
    return len(text) if text.isascii() else sum([cell_len(character) for character in text])


def clip(text: str, cells: int, more: str) -> str:
    """`text` in at most `cells` cells; `more` (one cell) says that something is missing."""
    if width(text) <= cells:
        return text
    if cells < 1:
        return ""
    kept, used = [], 0
    for character in text:
        used += cell_len(character)
        if used > cells - 1:
            break
        kept.append(character)
    return "".join(kept) + more


def clip_label(label: str, cells: int, more: str) -> str:
    """`RequestVote#12` in few cells, keeping its number: `Reque…#12`; "" when that says nothing."""
    if width(label) <= cells:
        return label
    stem, mark, nth = label.rpartition("#")
    room = cells - len(nth) - 1
    return clip(stem, room, more) + mark + nth if mark and room >= 4 else ""


def brief(value: Any, budget: int = 40, more: str = "…", ascii_only: bool = False) -> str:
    """A JSON value for people, about `budget` characters: `{term: 2, log: [a, b]}`."""
    parts: list[str] = []
    _brief(value, parts, [budget], 0, more, ascii_only)
    return "".join(parts)


def _brief(
    value: Any, parts: list[str], left: list[int], depth: int, more: str, ascii_only: bool
) -> None:
    """Append the text of `value`; `left` is what remains of the budget, shared by all levels."""

    def put(text: str) -> None:
        parts.append(text)
        left[0] -= len(text)

    if isinstance(value, Mapping) and value.keys() == CLIENT_EVENT:
        put(sentence(value))
        return
    if not isinstance(value, (Mapping, list, tuple)):
        put(clip(_scalar(value, ascii_only), max(8, left[0]), more))
        return
    named = isinstance(value, Mapping)
    put("{" if named else "[")
    items: Iterable[Any] = value.items() if isinstance(value, Mapping) else value
    for at, item in enumerate(items):
        if left[0] <= 0 or depth >= DEPTH_MAX:
            put(more)
            break
        put(", " if at else "")
        if named:
            put(clip(safe(str(item[0]), ascii_only), 24, more) + ": ")
        _brief(item[1] if named else item, parts, left, depth + 1, more, ascii_only)
    put("}" if named else "]")


def _scalar(value: Any, ascii_only: bool) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return f"{value:#x}"  # decimal is quadratic, and refused beyond 4,300 digits
    return safe(str(value), ascii_only) if value != "" else '""'

"""The parts of a report, before anybody decides how they are written down."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """Text of the system under test, or a command: shown as it is, never as markup."""

    text: str


Words = tuple[str | Code, ...]
"""A line of our own words and foreign text."""


@dataclass(frozen=True, slots=True)
class Heading:
    """level: 1 to 3."""

    level: int
    words: Words


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    words: Words


@dataclass(frozen=True, slots=True)
class Items:
    """A list; numbered where the order matters."""

    items: tuple[Words, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A head and rows of equal length."""

    head: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]


@dataclass(frozen=True, slots=True)
class Preformatted:
    """Lines that keep their columns.  language: `text` or `console`."""

    text: str
    language: str = "text"


Block = Heading | Paragraph | Items | Table | Preformatted

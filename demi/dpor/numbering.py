"""Small numbers for the parts of states: equal parts have equal numbers, in the order they were met.

The one insight: a part that is immutable is looked up by identity, so its text is written once and a
state whose parts were all met before costs a few look-ups.

Not here: what the parts of a state are (`states.py`).
"""

from __future__ import annotations

from demi.interpose.canon import canonical

KEPT_MAX = 200_000  # parts remembered by identity; cleared when full

Where = tuple[int, ...]
"""Renaming: node i becomes node where[i]."""


class Numbers:
    """A number per canonical text, per object for as long as it is kept, and per renaming of a number.

    kept: id of an immutable part -> the part and its number.
    """

    def __init__(self) -> None:
        self.kept: dict[int, tuple[object, int]] = {}
        self._texts: dict[str, int] = {}
        self._renamed: dict[Where, dict[int, int]] = {}

    def of_text(self, text: str) -> int:
        """The number of a text."""
        return self._texts.setdefault(text, len(self._texts))

    def keep(self, part: object, text: str) -> int:
        """The number of an immutable part that is not in `kept`."""
        if len(self.kept) >= KEPT_MAX:
            self.kept.clear()
        number = self.of_text(text)
        self.kept[id(part)] = part, number
        return number

    def of(self, part: object) -> int:
        """The number of an immutable value."""
        known = self.kept.get(id(part))
        return self.keep(part, canonical(part)) if known is None else known[1]

    def renamed(self, where: Where) -> dict[int, int]:
        """Numbers under a renaming, as far as they are known; the caller adds to it."""
        known = self._renamed.get(where)
        if known is None:
            known = self._renamed[where] = {}
        return known

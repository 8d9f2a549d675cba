"""EDN, as far as Jepsen's histories use it: read into plain Python values, never evaluated.

nil, booleans, numbers, strings, characters, keywords and symbols (both as text, without the colon), lists
and vectors (tuples), sets, maps; `#tag value` is the value, `#_ form` is left out, `;` begins a comment.
"""

from __future__ import annotations

import re
from typing import Any

from demi.errors import TraceError

DEPTH_MAX = 100  # histories nest four levels; endless nesting is an attack
_TOKEN = re.compile(
    r"""[\s,]+|;[^\n]*|(?P<open>\#\{|[\[({])|(?P<close>[\])}])|(?P<skip>\#_)|(?P<tag>\#[A-Za-z][\w.\-/]*)
    |(?P<string>"(?:\\.|[^"\\])*")|(?P<char>\\(?:\w+|\S))|(?P<atom>[^\s,;"\[\](){}]+)""",
    re.X | re.S,
)
_PAIRS = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_WORDS = {"nil": None, "true": True, "false": False}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_SKIP = object()


def read_forms(text: str) -> list[tuple[int, Any]]:
    """[(line, value)] of all forms at the top.  Raises TraceError naming the line."""
    return _Reader(text).forms()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 1
        self._at = 0

    def forms(self) -> list[tuple[int, Any]]:
        """All of them: an explicit stack, so that nesting never recurses."""
        top: list[tuple[int, Any]] = []
        stack: list[tuple[str, list[Any], int]] = []
        while self._at < len(self._text):
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                raise self.fault("this is not EDN")
            line = self._line
            self._at = match.end()
            self._line += match[0].count("\n")
            if match.lastgroup in (None, "tag"):  # the value of a tagged form is the form
                continue
            if match.lastgroup == "open":
                stack.append((match[0], [], line))
                if len(stack) > DEPTH_MAX:
                    raise self.fault(f"nested deeper than {DEPTH_MAX}")
                continue
            if match.lastgroup == "close":
                if not stack or _PAIRS[stack[-1][0]] != match[0]:
                    raise self.fault(f"{match[0]!r} closes nothing")
                kind, parts, line = stack.pop()
                value = self._made(kind, parts)
            else:
                value = _SKIP if match.lastgroup == "skip" else self._atom(match)
            if stack:
                stack[-1][1].append(value)
            else:
                top.append((line, value))
        if stack:
            self._line = stack[-1][2]
            raise self.fault(f"{stack[-1][0]!r} is not closed")
        kept = _without_skipped([value for _, value in top])
        lines = [line for line, _ in top]
        return list(zip(lines[-len(kept) :] if kept else [], kept, strict=True))

    def _made(self, kind: str, parts: list[Any]) -> Any:
        parts = _without_skipped(parts)
        if kind == "#{":
            return frozenset(parts)
        if kind != "{":
            return tuple(parts)
        if len(parts) % 2:
            raise self.fault("a map with a key and no value")
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def _atom(self, match: re.Match[str]) -> Any:
        text = match[0]
        if match.lastgroup == "string":
            return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1], flags=re.S)
        if match.lastgroup == "char":
            return text[1:]
        if text in _WORDS:
            return _WORDS[text]
        if re.fullmatch(r"[+-]?\d{1,400}N?", text):
            return int(text.removesuffix("N"))
        if re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?", text):
            return float(text.removesuffix("M"))
        return text.removeprefix(":")

    def fault(self, what: str) -> TraceError:
        """An error at the present line."""
        return TraceError(what, where=f"line {self._line}", remedy="correct or remove that line")


def _without_skipped(values: list[Any]) -> list[Any]:
    """Without `#_` and the form behind each."""
    kept: list[Any] = []
    skip = 0
    for value in values:
        if value is _SKIP:
            skip += 1
        elif skip:
            skip -= 1
        else:
            kept.append(value)
    return kept

"""Verdicts and violations: what a run or a search says, as plain nouns.

The one insight: a violation is identified by its *fingerprint*, kind and role ("ElectionSafety"), never
by node names or message text, so shrinking neither slips to another bug nor refuses a symmetric one.

Not here: checking (`demi/oracle.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Detail:
    """Why an invariant does not hold.

    key: role part of the fingerprint (empty when the invariant has one way to fail); must not name
    nodes or values.  nodes: the nodes involved.  text: one line for people.
    """

    nodes: tuple[str, ...]
    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken invariant after step `step` (the index of the last event, from 0)."""

    invariant: str
    detail: Detail
    step: int

    @property
    def fingerprint(self) -> str:
        """`ElectionSafety` or `crash/KeyError@on_message`: equal for the same bug elsewhere."""
        return f"{self.invariant}/{self.detail.key}" if self.detail.key else self.invariant


class Verdict(Enum):
    """What a run or a search says; never just true or false."""

    VIOLATED = "violated"
    NOT_FOUND = "not found within the budget"
    EXHAUSTED = "exhausted"
    DIVERGED = "diverged"


def violation_to_json(violation: Violation) -> dict[str, Any]:
    """The footer form; see docs/trace-format.md."""
    return {
        "invariant": violation.invariant,
        "key": violation.detail.key,
        "step": violation.step,
        "nodes": list(violation.detail.nodes),
        "text": violation.detail.text,
    }


def violation_from_json(data: Mapping[str, Any]) -> Violation:
    """The inverse of `violation_to_json`."""
    detail = Detail(tuple(data["nodes"]), str(data["text"]), str(data["key"]))
    return Violation(str(data["invariant"]), detail, int(data["step"]))

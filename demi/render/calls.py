"""The calls of a run as a tree: which request caused which, over all services.

The one insight: a call id says its place (`web/1/2` is the second request that serving `web/1` sent), so
the tree is the sorted ids; order in time is a column, as it may differ from the tree's.

A pure function from a trace to rows.  Not here: where ids come from (the adapters), lanes (`lanes.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from demi.events import Kind
from demi.render.glyphs import ASCII, UNICODE
from demi.render.rows import Row, Strip
from demi.render.text import clip, safe, width
from demi.trace import Entry, Trace

INDENT = 2  # columns per level
DEPTH_MAX = 12  # levels that are set in; deeper ones stay there
_ANSWER = re.compile(r"\d{3} ")
_ID = re.compile(r"([^/]+)((?:/\d{1,9})+)")


@dataclass(slots=True)
class Call:
    """One call.  asked: steps at which its request arrived, from 1.  answers: (step, status)."""

    id: str
    caller: str
    callee: str
    label: str
    asked: list[int] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)

    @property
    def place(self) -> tuple[str, tuple[int, ...]]:
        """Where it is in the tree."""
        host, *numbers = self.id.split("/")
        return host, tuple(map(int, numbers))


def calls(trace: Trace) -> list[Call]:
    """The calls of a trace, each before those that it caused."""
    found: dict[str, Call] = {}
    for step, entry in enumerate(trace.entries, 1):
        call = _call(entry)
        if not call or entry.name.kind is not Kind.DELIVER:
            continue
        name = entry.name
        answer = _ANSWER.match(name.label)
        src, dst = (name.node, name.peer) if answer else (name.peer, name.node)
        label = name.label[4:] if answer else name.label
        one = found.setdefault(call, Call(call, src, dst, label))
        if answer:
            one.answers.append((step, name.label[:3]))
        else:
            one.asked.append(step)
    return sorted(found.values(), key=lambda one: one.place)


def _call(entry: Entry) -> str:
    call = entry.msg.get("call") if isinstance(entry.msg, dict) else None
    return call if isinstance(call, str) and _ID.fullmatch(call) else ""


def call_rows(trace: Trace, cells: int, *, ascii: bool = False) -> list[Row]:
    """The tree, one row per call; no rows when the trace has no calls."""
    found = calls(trace)
    if not found:
        return []
    steps = [(_numbers(one.asked), _numbers([step for step, _ in one.answers])) for one in found]
    left = max(5, *(len(asked) for asked, _ in steps))
    right = max(8, *(len(answered) for _, answered in steps))
    head = Strip(cells)
    head.put(0, f"{'asked':>{left}}  {'answered':>{right}}  call", "dim")
    painted = [head.row()]
    for one, (asked, answered) in zip(found, steps, strict=True):
        painted.append(_row(trace, one, f"{asked:>{left}}  {answered:>{right}}", cells, ascii))
    return painted


def _row(trace: Trace, one: Call, steps: str, cells: int, ascii: bool) -> Row:
    glyphs = ASCII if ascii else UNICODE
    strip = Strip(cells)
    at = strip.put(0, steps + "  ", "dim")
    at += INDENT * min(len(one.place[1]) - 1, DEPTH_MAX)
    ends = f"{safe(one.caller, ascii)} {glyphs.to} {safe(one.callee, ascii)}"
    status, style = _status(trace, one)
    room = cells - at - width(ends) - width(status) - 4
    at = strip.put(at, clip(safe(one.label, ascii), max(8, room), glyphs.more) + "  ", "deliver")
    at = strip.put(at, ends + "  ")
    strip.put(at, status, style)
    return strip.row((one.asked or [0])[0])


def _status(trace: Trace, one: Call) -> tuple[str, str]:
    """How it ended, and the style of that."""
    found = trace.violation
    if found is not None and found.step + 1 in one.asked:
        return "VIOLATED", "bad"
    if not one.answers:
        return "no answer", "lost"
    status = " ".join(status for _, status in one.answers)
    return status, "" if status[0] < "4" else "fault"


def _numbers(steps: list[int]) -> str:
    return ",".join(map(str, steps)) or "-"

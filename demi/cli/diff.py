"""`demi diff A B`: two traces aligned by event id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from demi.cli.output import Line, Message, plural
from demi.cli.session import Session
from demi.errors import ExitCode

if TYPE_CHECKING:
    from demi.render.alignment import Pair
    from demi.trace import Trace

RUN_MAX = 6  # rows of one kind in a row; a longer run is folded
EDGE = 2  # rows that a folded run still shows at each end
HEADER = (
    "target",
    "target_version",
    "config",
    "nodes",
    "network",
    "lossy",
    "timers",
    "strategy",
    "seed",
)
_WORDS = {"-": "removed", "+": "added", " ": "equal", "~": "changed"}


def diff(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(help="A trace file.", metavar="A")],
    second: Annotated[Path, typer.Argument(help="Another, of the same target.", metavar="B")],
    whole: Annotated[bool, typer.Option("--all", help="Every row; do not fold long runs.")] = False,
) -> int:
    """Compare two traces event by event; equal events are found by their ids.

    \b
    -  only in A      +  only in B      ~  in both, but it did something else

    \b
    Examples:
      demi diff traces/raft/raft-45.jsonl.gz traces/raft/raft-45.min.jsonl
      demi --json diff failing.jsonl passing.jsonl
    """
    from demi.cli.messages import summary
    from demi.render.alignment import align

    session: Session = context.obj
    left, right = session.read(first), session.read(second)
    for message in _heads(left, right):
        session.writer.emit(message)
    pairs = align(left, right)
    rows = [_row(pair, left, right) for pair in pairs]
    for message in rows if whole else _folded(rows):
        session.writer.emit(message)
    counts = dict.fromkeys(("equal", "changed", "removed", "added", "moved"), 0)
    for pair, row in zip(pairs, rows, strict=True):
        moved = pair.moved is not None
        if not moved or pair.right is None:  # a moved event is two rows, and counts once
            counts["moved" if moved else _WORDS[row.data["mark"]]] += 1
    verdicts = _ending(left), _ending(right)
    told = ", ".join(f"{number} {word}" for word, number in counts.items())
    lines = (Line("events", told), Line("ends", f"A {verdicts[0]}; B {verdicts[1]}"))
    session.writer.emit(summary("compared", ExitCode.OK, lines, (), **counts, ends=list(verdicts)))
    return int(ExitCode.OK)


def _ending(trace: Trace) -> str:
    if trace.violation is not None:
        return f"violates {trace.violation.fingerprint} at step {trace.violation.step + 1}"
    return trace.footer.verdict.value if trace.footer else "was interrupted"


def _heads(left: Trace, right: Trace) -> Iterator[Message]:
    from demi.render.text import brief

    for key in HEADER:
        one, other = getattr(left.header, key), getattr(right.header, key)
        if one != other:
            text = f"{key} {brief(one, 200)} -> {brief(other, 200)}"
            data = {"key": key, "left": one, "right": other}
            yield Message("header", data, (Line("header", text, "warn"),))


def _row(pair: Pair, left: Trace, right: Trace) -> Message:
    from demi.render.alignment import differences

    changed: list[str] = []
    if pair.left is not None and pair.right is not None:
        changed = differences(left.entries[pair.left], right.entries[pair.right])
        mark = "~" if changed else " "
    else:
        mark = "-" if pair.right is None else "+"
    numbers = ["" if at is None else str(at + 1) for at in (pair.left, pair.right)]
    text = f"{mark} {numbers[0]:>6} {numbers[1]:>6}  {pair.id}"
    if pair.moved is not None:
        text += f"  (there at step {pair.moved + 1})"
    style = {"-": "bad", "+": "good", "~": "warn"}.get(mark, "head")
    lines = [Line("", text, style, room=0, wrap=False)]
    lines += [Line("", " " * 18 + change, room=0, wrap=False) for change in changed]
    data: dict[str, Any] = {
        "mark": mark, "event": pair.id, "left": _step(pair.left), "right": _step(pair.right),
        "moved": _step(pair.moved), "changes": changed,
    }  # fmt: skip
    return Message("row", data, tuple(lines))


def _step(at: int | None) -> int | None:
    return None if at is None else at + 1


def _folded(rows: Sequence[Message]) -> Iterator[Message]:
    """The rows with the middle of each long run of one mark replaced by its length."""
    for mark, group in groupby(rows, lambda row: str(row.data["mark"])):
        run = list(group)
        if len(run) <= RUN_MAX:
            yield from run
            continue
        hidden = len(run) - 2 * EDGE
        text = f"{mark} {'···':>13}  {plural(hidden, 'event')} {_WORDS[mark]}; --all shows them"
        yield from run[:EDGE]
        yield Message(
            "folded", {"mark": mark, "events": hidden}, (Line("", text, room=0, wrap=False),)
        )
        yield from run[-EDGE:]

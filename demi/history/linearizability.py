"""Linearizability: one order of all operations that respects "ended before it began" and the model.

Herlihy and Wing (TOPLAS 1990).  Key by key, since linearizability is local; for each first the depth-first
search (fast when the answer is yes), then just-in-time configurations (predictable when it is no).

The one insight: each of the two is slow where the other is quick, so a small budget for the first and a cap
for the second answer nearly everything; what neither answers is *unknown*, never "not linearizable".

Not here: transactions over several keys (`transactions.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from demi.history.just_in_time import CONFIGURATIONS_MAX, Pending, Sweep, beginning
from demi.history.models import Model
from demi.history.operation import FAIL, INFO, OK, Operation, brief
from demi.history.wing_gong import search

STEPS_PER_OPERATION = 4  # an easy history needs one or two; beyond, configurations are quicker


class Answer(Enum):
    """What a checker says."""

    YES = "holds"
    NO = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one key.

    last: the operation whose end no order explains; the history up to there is the smallest failing
    prefix.  text: why, in one line.  prefix: its operations on this key, by begin.
    """

    answer: Answer
    key: Any = None
    operations: int = 0
    last: Operation | None = None
    text: str = ""
    prefix: tuple[Operation, ...] = ()


def check_linearizable(
    model: Model,
    operations: Sequence[Operation],
    *,
    steps_per_operation: int = STEPS_PER_OPERATION,
    configurations: int = CONFIGURATIONS_MAX,
) -> list[Finding]:
    """One finding per key, in order of first use."""
    keys: dict[Any, list[Operation]] = {}
    for one in operations:
        keys.setdefault(one.key, []).append(one)
    return [
        _one_key(model, key, ours, steps_per_operation, configurations)
        for key, ours in keys.items()
    ]


def worst(findings: Sequence[Finding]) -> Answer:
    """The verdict on the whole: one "violated" decides, then one "unknown"."""
    answers = {one.answer for one in findings}
    return next(
        one
        for one in (Answer.NO, Answer.UNKNOWN, Answer.YES)
        if one in answers or one is Answer.YES
    )


def _one_key(model: Model, key: Any, operations: list[Operation], steps: int, cap: int) -> Finding:
    counted = relevant(model, operations)
    found = search(model, counted, steps * max(50, len(counted)))
    if found:
        return Finding(Answer.YES, key, len(operations))
    answer, sweep, broke = swept(model, counted, cap)
    if answer is Answer.YES:
        return Finding(Answer.YES, key, len(operations))
    if broke is not None:
        prefix = tuple(one for one in operations if one.call <= (broke.back or one.call))
        return Finding(Answer.NO, key, len(operations), broke, why(broke, sweep), prefix)
    if found is False:
        text = "no order of all operations explains what they were told"
        return Finding(Answer.NO, key, len(operations), None, text, tuple(operations))
    text = f"more than {cap:,} configurations: too many operations overlap".replace(",", " ")
    return Finding(Answer.UNKNOWN, key, len(operations), None, text)


def relevant(model: Model, operations: Sequence[Operation]) -> list[Operation]:
    """Without what cannot matter: failures, reads of unknown result, indefinite writes nobody saw."""
    counted = [one for one in operations if one.status != FAIL]
    indefinite = any(one.back is None for one in counted)
    if not indefinite:
        return counted
    spare = model.spare([one for one in counted if one.status == OK or one.f not in model.pure])
    return [
        one
        for one in counted
        if one.back is not None or (one.f not in model.pure and (one.f, one.argument) not in spare)
    ]


def swept(
    model: Model, operations: Sequence[Operation], cap: int
) -> tuple[Answer, Sweep, Operation | None]:
    """(answer, the last configurations that were not empty, the operation whose end emptied them)."""
    ends = [(one.call, one, True) for one in operations]
    ends += [(one.back, one, False) for one in operations if one.back is not None]
    ends.sort(key=lambda end: end[0])
    sweep = beginning(model)
    slots: dict[int, int] = {}
    for _, one, begins in ends:
        if begins:
            slot = slots[one.call] = sweep.free_slot()
            foreseen = one.status != INFO
            sweep = sweep.invoked(Pending(slot, one.f, one.argument, foreseen, one.result))
            continue
        after = sweep.returned(slots.pop(one.call), one.result, cap)
        if after.lost:
            return Answer.UNKNOWN, sweep, None
        if not after.configurations:
            return Answer.NO, sweep, one
        sweep = after
    return Answer.YES, sweep, None


def why(broke: Operation, sweep: Sweep) -> str:
    """`c2: read(x) -> 1, but every order leaves 2 there`."""
    states = sweep.states
    shown = " or ".join(brief(state) for state in states[:3]) + (
        " or ..." if len(states) > 3 else ""
    )
    under = [one for one in sweep.pending if one.f not in sweep.model.pure]
    also = f" or of {len(under)} operations under way" if len(under) > 1 else ""
    return f"{broke.text}; no order explains it: before it the value is {shown}{also}"

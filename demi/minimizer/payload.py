"""Payloads: smaller contents of the inputs that are left (DEMi's shrinkSendContents, MacIver and Donaldson).

The one insight: which inputs are needed is only half of what a reader asks; the other half is what in them
matters, and a value that could be anything reads best when it is the plainest.

One value at a time: an element of a list or a key of an object leaves, a number goes towards 0, a text
gets shorter, and a text that ends in a number (`c137`) gets its rank among its like (`c2`), so that
different ones stay different.  Kept when as many events happen and the same breaks.  What a target
refuses is not smaller but wrong.  Not here: leaving out inputs (`externals.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from demi.events import External
from demi.minimizer.problem import Problem
from demi.minimizer.runs import Run
from demi.minimizer.wildcards import by_cause

NUMBERED = re.compile(r"(.*?)(\d+)")
EVENTS_MAX = 150  # of a longer run nobody reads the payloads


def shrink_payloads(problem: Problem, run: Run) -> Run:
    """Until no value gets smaller.  The run has the same events."""
    if len(run.plan) > EVENTS_MAX:
        return run
    at = 0
    while at < len(run.plan):
        found = _smaller(problem, run, at)
        if found is None:
            at += 1
        else:
            run = found
    if run.size == problem.best.size:
        problem.best = run
    return run


def _smaller(problem: Problem, run: Run, at: int) -> Run | None:
    """The run with a smaller payload of one event."""
    want = run.plan[at]
    external = want.external
    if external is None or external.args is None:
        return None
    texts = _texts(run)
    for args in candidates(external.args, texts):
        changed = replace(want, choice=replace(external, args=args))
        found = problem.test(by_cause((*run.plan[:at], changed, *run.plan[at + 1 :])))
        if found is not None and len(found.plan) == len(run.plan):
            return found
    return None


def _texts(run: Run) -> list[str]:
    """The texts in payloads, in order of first appearance."""
    found: dict[str, None] = {}
    for want in run.plan:
        if isinstance(want.choice, External):
            found.update(dict.fromkeys(_leaves(want.choice.args)))
    return list(found)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _leaves(part)


def candidates(value: Any, texts: list[str]) -> Iterator[Any]:
    """Smaller values, the smallest change of shape first.  texts: all that are in use."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield from (number for number in (0, int(value / 2)) if abs(number) < abs(value))
    elif isinstance(value, str):
        yield from _shorter(value, texts)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield {k: v for k, v in value.items() if k != key}
            yield from ({**value, key: smaller} for smaller in candidates(part, texts))
    elif isinstance(value, list | tuple):
        for at, part in enumerate(value):
            yield [*value[:at], *value[at + 1 :]]
            for smaller in candidates(part, texts):
                yield [*value[:at], smaller, *value[at + 1 :]]


def _shorter(text: str, texts: list[str]) -> Iterator[str]:
    numbered = NUMBERED.fullmatch(text)
    if numbered is None:
        yield from (
            text[:length] for length in sorted({0, 1, len(text) // 2}) if length < len(text)
        )
        return
    stem, number = numbered[1], int(numbered[2])
    like = [one for one in texts if (match := NUMBERED.fullmatch(one)) and match[1] == stem]
    for rank in range(1, len(like) + 1):
        if rank < number and f"{stem}{rank}" not in texts:
            yield f"{stem}{rank}"
            return

"""Depth-first search for one order that explains a history, with a memo: the fast accepter.

Wing and Gong (JPDC 1993), with Lowe's memo (Testing for linearizability, 2017).  Calls and returns stand
in a linked list.  A call is tried: if the model agrees, its call and return leave the list and the search
starts again at the head, unless it has been here before; a return that is reached first means going back.

The one insight kept from Lowe: (which operations are done, state) is all that the future depends on.  Here
"which" is a small window: all before its base are done, so it costs the same however long the history is.

Not here: which operations count (`linearizability.py`), where a history breaks (`just_in_time.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from demi.history.models import Model, Refused
from demi.history.operation import Operation


def search(model: Model, operations: Sequence[Operation], steps: int) -> bool | None:
    """Is there an order?  None when `steps` trials were not enough.

    operations: by call; those without `back` may happen at any time after their call, or never.
    """
    return _Search(model, operations).run(steps)


class _Search:
    """Entries 1..2n of the list: 2i + 1 the call, 2i + 2 the return of operation i; 0 is the head."""

    def __init__(self, model: Model, operations: Sequence[Operation]) -> None:
        self._model = model
        self._operations = operations
        ends = [(one.call, 2 * i + 1) for i, one in enumerate(operations)]
        ends += [(one.back, 2 * i + 2) for i, one in enumerate(operations) if one.back is not None]
        order = [entry for _, entry in sorted(ends)]
        size = 2 * len(operations) + 1
        self._next, self._before = [0] * size, [0] * size
        for left, right in zip([0, *order], [*order, 0], strict=True):
            self._next[left], self._before[right] = right, left
        # definite operations get bits of a sliding window, the others of a plain set
        self._bit: list[int] = []
        definite = indefinite = 0
        for one in operations:
            self._bit.append(indefinite if one.back is None else definite)
            indefinite, definite = (
                (indefinite + 1, definite) if one.back is None else (indefinite, definite + 1)
            )
        self._definite = definite

    def run(self, steps: int) -> bool | None:
        """The search itself."""
        model, operations, following, bit = self._model, self._operations, self._next, self._bit
        apply, agrees = model.apply, model.agrees
        state, base, window, loose = model.initial, 0, 0, 0
        seen: set[tuple[object, int, int, int]] = {(state, 0, 0, 0)}
        trail: list[tuple[int, object, int, int, int]] = []
        entry = following[0]
        while base < self._definite:
            if entry & 1:  # a call; 0, the end of the list, counts as a return
                index = entry >> 1
                one = operations[index]
                steps -= 1
                if steps < 0:
                    return None
                try:
                    after, answer = apply(state, one.f, one.argument)
                except Refused:
                    entry = following[entry]
                    continue
                if one.back is not None and not agrees(one.f, answer, one.result):
                    entry = following[entry]
                    continue
                at, wide, free = base, window, loose
                if one.back is None:
                    free |= 1 << bit[index]
                else:
                    wide |= 1 << (bit[index] - base)
                    while wide & 1:
                        wide >>= 1
                        at += 1
                key = (after, at, wide, free)
                if key in seen:
                    entry = following[entry]
                    continue
                seen.add(key)
                trail.append((entry, state, base, window, loose))
                state, base, window, loose = after, at, wide, free
                self._lift(entry, one.back is not None)
                entry = following[0]
            elif not trail:
                return False
            else:
                entry, state, base, window, loose = trail.pop()
                self._restore(entry, operations[entry >> 1].back is not None)
                entry = following[entry]
        return True

    def _lift(self, call: int, ends: bool) -> None:
        following, before = self._next, self._before
        left, right = before[call], following[call]
        following[left], before[right] = right, left
        if ends:
            back = call + 1
            left, right = before[back], following[back]
            following[left], before[right] = right, left

    def _restore(self, call: int, ends: bool) -> None:
        following, before = self._next, self._before
        if ends:
            back = call + 1
            following[before[back]] = before[following[back]] = back
        following[before[call]] = before[following[call]] = call

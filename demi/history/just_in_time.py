"""Just-in-time linearization: the states an object may be in, carried along a history.

Lowe, Testing for linearizability (2017).  A *configuration* is a state with the pending operations that
have taken effect already.  When an operation returns, each configuration is led on until that operation
has taken effect, in every way; those in which it cannot are dropped.  When none is left, the history is
wrong *at this return*, which makes it the smallest failing prefix.

The one insight: the set of configurations is an immutable value, so it is exactly what an invariant may
remember between two steps of a held system, and a search may go back to an earlier one.

The work is bounded by how many operations overlap, not by length.  Where an outcome is not known yet, a
configuration keeps what the operation would have been told.  Not here: who feeds it (`linearizability.py`
for files, `invariant.py` for runs).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from demi.history.models import Model, Refused

CONFIGURATIONS_MAX = 20_000  # beyond this one return takes seconds; the answer is then "unknown"


class Pending(NamedTuple):
    """An operation under way.  foreseen: `told` is what it will be told; never true in a live run."""

    slot: int
    f: str
    argument: Any
    foreseen: bool = False
    told: Any = None


Configuration = tuple[Any, int, tuple[tuple[int, Any], ...]]
"""(state, slots that took effect, (slot, what it would be told) of those whose outcome is open)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where a history may have led.  configurations: empty = no order explains it.

    lost: the cap was reached; from there on nothing is claimed.
    """

    model: Model
    configurations: tuple[Configuration, ...]
    pending: tuple[Pending, ...] = ()
    lost: bool = False

    @property
    def states(self) -> list[Any]:
        """The states it may be in, each once."""
        return list(dict.fromkeys(one[0] for one in self.configurations))

    def free_slot(self) -> int:
        """The lowest slot that no pending operation has."""
        taken = {one.slot for one in self.pending}
        return next(slot for slot in range(len(taken) + 1) if slot not in taken)

    def invoked(self, operation: Pending) -> Sweep:
        """An operation begins."""
        if self.lost:
            return self
        return Sweep(self.model, self.configurations, (*self.pending, operation))

    def returned(self, slot: int, told: Any, cap: int = CONFIGURATIONS_MAX) -> Sweep:
        """It happened and was told this."""
        if self.lost:
            return self
        pending = {one.slot: one for one in self.pending}
        pending[slot] = pending[slot]._replace(foreseen=True, told=told)
        found: dict[Configuration, None] = {}
        seen: set[Configuration] = set(self.configurations)
        stack = list(reversed(self.configurations))
        bit = 1 << slot
        while stack:
            one = stack.pop()
            state, done, guesses = one
            if done & bit:
                if self._told_so(guesses, pending[slot]):
                    rest = tuple([guess for guess in guesses if guess[0] != slot])
                    found[(state, done & ~bit, rest)] = None
                continue
            for further in self._onwards(one, pending, slot):
                if further not in seen:
                    seen.add(further)
                    stack.append(further)
            if len(seen) > cap:
                return Sweep(self.model, (), (), True)
        left = tuple([one for one in self.pending if one.slot != slot])
        return Sweep(self.model, tuple(found), left)

    def failed(self, slot: int) -> Sweep:
        """It did not happen and never will: wherever it took effect was wrong."""
        if self.lost:
            return self
        kept = tuple(one for one in self.configurations if not one[1] >> slot & 1)
        return Sweep(self.model, kept, tuple(one for one in self.pending if one.slot != slot))

    def _told_so(self, guesses: tuple[tuple[int, Any], ...], ended: Pending) -> bool:
        """Was an operation that took effect before it returned told what it should have been?"""
        return all(
            guess[0] != ended.slot or self.model.agrees(ended.f, guess[1], ended.told)
            for guess in guesses
        )

    def _onwards(
        self, one: Configuration, pending: dict[int, Pending], wanted: int
    ) -> Iterator[Configuration]:
        """One more pending operation takes effect, in each way that may lead to `wanted`.

        A foreseen read that fits now is taken at once and alone: it changes nothing, so whatever can
        follow without it can follow with it.
        """
        state, done, guesses = one
        model = self.model
        branches: list[Configuration] = []
        for operation in pending.values():
            slot = operation.slot
            if done >> slot & 1:
                continue
            try:
                after, answer = model.apply(state, operation.f, operation.argument)
            except Refused:
                continue
            if operation.foreseen:
                if not model.agrees(operation.f, answer, operation.told):
                    continue
                if operation.f in model.pure:
                    yield after, done | 1 << slot, guesses
                    return
                branches.append((after, done | 1 << slot, guesses))
            else:
                branches.append((after, done | 1 << slot, (*guesses, (slot, answer))))
        yield from branches


def beginning(model: Model) -> Sweep:
    """Before the first operation."""
    return Sweep(model, ((model.initial, 0, ()),))

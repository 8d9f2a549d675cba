"""A campaign: the outcome of many runs, collected in blocks, and when it is settled.

The one insight: a block says of each of its runs what became of it, so the answer over runs 0..n-1 is the
same in whatever order blocks come back; and a run that the program itself made impossible (it opened a real
socket, it broke the rules of its adapter) is an outcome like any other, counted and told at the end.

Not here: who runs the blocks (`parallel.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from demi.errors import ContractError, DemiError
from demi.fuzz.coverage import Coverage
from demi.fuzz.hunt import Found, Plan, Sofar, matches, one_run
from demi.interpose.notices import take_notices
from demi.scheduler.execute import Subject

BLOCK_SECONDS = 1.0  # a block of slow runs comes back unfinished, so that Ctrl-C and limits work
REFUSED_MAX = 20  # runs in a row that end in an error: the target does not work, more will not help


@dataclass(frozen=True, slots=True)
class Refused:
    """Runs that ended in one error of the program: how many, and the first of them."""

    error: ContractError
    count: int
    number: int


@dataclass(frozen=True, slots=True)
class HuntResult:
    """runs: all runs 0..runs-1 finished, in `steps` steps.  found: violations kept, by run number.

    others: fingerprints that were not wanted, with how often.  interrupted: Ctrl-C ended it.
    refused: what runs ended in that the program made impossible; gave_up: too many of those in a row.
    error: what ended it after something was found.  notices: what the worlds had to say, sorted.
    """

    runs: int
    steps: int
    found: tuple[Found, ...]
    others: dict[str, int]
    interrupted: bool = False
    timed_out: bool = False
    refused: tuple[Refused, ...] = ()
    gave_up: bool = False
    error: DemiError | None = None
    notices: tuple[str, ...] = ()

    @property
    def lost(self) -> int:
        """How many runs ended in an error."""
        return sum(one.count for one in self.refused)


@dataclass(slots=True)
class Block:
    """The outcome of runs first..done-1 of a block first..last-1.

    sizes: steps of each run.  others: run numbers and fingerprints.  error: what run `done` raised.
    refused: run numbers and what the program was refused there.
    classes, states: hashes that are new to this process, if they are counted.
    notices: run numbers and what came up there first in this process.
    """

    first: int
    last: int
    done: int
    sizes: list[int] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    others: list[tuple[int, str]] = field(default_factory=list)
    refused: list[tuple[int, ContractError]] = field(default_factory=list)
    error: DemiError | None = None
    notices: list[tuple[int, str]] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Nothing of it is left to run."""
        return self.done >= self.last or self.error is not None


def fill_block(
    subject: Subject, plan: Plan, block: Block, keep: int, coverage: Coverage | None = None
) -> None:
    """Run a block; stops early when `keep` violations were found or it takes long."""
    started = time.monotonic()
    block.notices = [(0, text) for text in take_notices(subject.world)]  # of building the world
    row = 0
    try:
        for number in range(block.first, block.last):
            if len(block.found) >= keep or row >= REFUSED_MAX:
                break
            if number > block.first and time.monotonic() - started > BLOCK_SECONDS:
                break
            row = 0 if _one(subject, plan, block, number, coverage) else row + 1
            block.notices += [(number, text) for text in take_notices(subject.world)]
            block.done = number + 1
    except DemiError as error:
        block.error = error  # counts only if no run below it ends the hunt
        block.notices += [(block.done, text) for text in take_notices(subject.world)]
    if coverage is not None:
        block.classes, block.states = coverage.taken()


def _one(
    subject: Subject, plan: Plan, block: Block, number: int, coverage: Coverage | None
) -> bool:
    """Run one and note what became of it; False: the program made it impossible."""
    try:
        outcome = one_run(subject, plan, number, coverage)
    except ContractError as error:
        error.__traceback__ = error.__context__ = error.__cause__ = None  # it holds a whole run
        block.refused.append((number, error))
        block.sizes.append(0)
        return False
    if coverage is not None:
        coverage.ended()
    violation = outcome.violation
    if violation is not None and matches(plan, outcome):
        block.found.append(Found(number, plan.seed + number, violation, outcome.steps))
    elif violation is not None:
        block.others.append((number, violation.fingerprint))
    block.sizes.append(outcome.steps)
    return True


class Campaign:
    """Collects blocks in any order and says what is settled."""

    def __init__(self, runs: int, keep: int) -> None:
        self.runs = runs
        self.keep = keep
        self.next = 0
        self.steps = 0
        self.ran = 0
        self.blocks: list[Block] = []
        self._classes: set[int] = set()
        self._states: set[int] = set()
        self._limit = runs
        self._row = 0  # where too many refused runs in a row end; 0 for nowhere

    def add(self, block: Block) -> None:
        """A block came back."""
        self.blocks.append(block)
        self.steps += sum(block.sizes)
        self.ran += block.done - block.first
        self._classes.update(block.classes)
        self._states.update(block.states)
        if block.found or block.error is not None or block.refused:
            found = self._found()
            enough = [found[self.keep - 1].number + 1] if len(found) >= self.keep else []
            failed = [b.done for b in self.blocks if b.error]
            self._row = row_end([number for number, _ in self._refused()])
            self._limit = min([self.runs, *enough, *failed, *([self._row] if self._row else [])])

    def so_far(self) -> Sofar:
        """What there is to tell in between."""
        found = tuple(self._found()[: self.keep])
        return Sofar(self.ran, self.steps, found, len(self._classes), len(self._states))

    def limit(self) -> int:
        """No run from this number on can change the answer."""
        return self._limit

    def error(self) -> DemiError | None:
        """What ended the hunt, unless enough was found before."""
        failed = [block for block in self.blocks if block.error and block.done <= self._limit]
        found = self._found()
        if not failed or (len(found) >= self.keep and found[self.keep - 1].number < self._limit):
            return None
        return min(failed, key=lambda block: block.done).error

    def result(self, *, interrupted: bool, timed_out: bool) -> HuntResult:
        """The answer over the runs 0..n-1 without a gap (an interrupt may leave gaps above)."""
        end = 0
        for block in sorted(self.blocks, key=lambda one: one.first):
            if block.first > end:
                break
            end = max(end, block.done)
        limit = self.limit()
        if interrupted or timed_out:  # keep what was found beyond a gap as well
            kept = sorted((f for b in self.blocks for f in b.found), key=lambda f: f.number)
        else:
            kept = [f for f in self._found() if f.number < limit]
        others: dict[str, int] = {}
        seen = sorted(one for block in self.blocks for one in block.others)
        for name in [name for number, name in seen if number < limit]:
            others[name] = others.get(name, 0) + 1
        steps = sum(sum(block.sizes[: max(0, limit - block.first)]) for block in self.blocks)
        told = {
            text
            for block in self.blocks
            for number, text in block.notices
            if number < limit or (number == block.done and block.error)
        }
        return HuntResult(
            min(end, limit), steps, tuple(kept[: self.keep]), others, interrupted, timed_out,
            grouped([one for one in self._refused() if one[0] < limit]), 0 < self._row == limit,
            notices=tuple(sorted(told)),
        )  # fmt: skip

    def _refused(self) -> list[tuple[int, ContractError]]:
        return sorted((r for b in self.blocks for r in b.refused), key=lambda one: one[0])

    def _found(self) -> list[Found]:
        return sorted((f for b in self.blocks for f in b.found), key=lambda f: f.number)


def row_end(numbers: list[int]) -> int:
    """The run behind the first REFUSED_MAX that follow one another; 0 without such a row."""
    length = 0
    for at, number in enumerate(numbers):
        length = length + 1 if at and numbers[at - 1] == number - 1 else 1
        if length >= REFUSED_MAX:
            return number + 1
    return 0


def grouped(refused: list[tuple[int, ContractError]]) -> tuple[Refused, ...]:
    """One for each kind of error and place in the program, in the order of their first runs."""
    groups: dict[tuple[str, str], Refused] = {}
    for number, error in refused:
        key = type(error).__name__, error.where
        known = groups.get(key)
        groups[key] = (
            Refused(error, 1, number)
            if known is None
            else Refused(known.error, known.count + 1, known.number)
        )
    return tuple(groups.values())

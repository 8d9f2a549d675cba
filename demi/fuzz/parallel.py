"""A hunt over several processes, with the answer of one process.

The one insight: workers take fixed blocks of run numbers in order, and the coordinator waits for every
block below the best find, so the lowest violating run wins whatever the timing.

Workers are forked; each builds its own world.  A time budget makes the
*extent* of a hunt depend on the machine, never the answer for a given extent.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache

from demi.errors import DemiError, TargetError
from demi.fuzz.coverage import Coverage
from demi.fuzz.hunt import Found, Plan, Progress, Sofar, hunt, matches
from demi.interpose.notices import take_notices
from demi.scheduler.execute import Subject
from demi.scheduler.workers import begin_worker

BLOCK_RUNS = 50  # long enough to hide the hand-over (1 ms), short enough to stop soon
BLOCK_SECONDS = 1.0  # a block of slow runs comes back unfinished, so that Ctrl-C and limits work
TICK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class HuntResult:
    """runs: all runs 0..runs-1 finished, in `steps` steps.  found: violations kept, by run number.

    others: fingerprints that were not wanted, with how often.  interrupted: Ctrl-C ended it.
    error: what ended it after something was found.  notices: what the worlds had to say, sorted.
    """

    runs: int
    steps: int
    found: tuple[Found, ...]
    others: dict[str, int]
    interrupted: bool = False
    timed_out: bool = False
    error: DemiError | None = None
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class Block:
    """The outcome of runs first..done-1 of a block first..last-1.

    sizes: steps of each run.  others: run numbers and fingerprints.  error: what run `done` raised.
    classes, states: hashes that are new to this process, if they are counted.
    notices: run numbers and what came up there first in this process.
    """

    first: int
    last: int
    done: int
    sizes: list[int] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)
    others: list[tuple[int, str]] = field(default_factory=list)
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
    numbers = iter(range(block.first, block.last))
    try:
        for number, outcome in hunt(subject, plan, numbers, coverage):
            block.notices += [(number, text) for text in take_notices(subject.world)]
            violation = outcome.violation
            if violation is not None and matches(plan, outcome):
                block.found.append(Found(number, plan.seed + number, violation, outcome.steps))
            elif violation is not None:
                block.others.append((number, violation.fingerprint))
            block.sizes.append(outcome.steps)
            block.done = number + 1
            if len(block.found) >= keep or time.monotonic() - started > BLOCK_SECONDS:
                break
    except DemiError as error:
        block.error = error  # counts only if no run below it ends the hunt
        block.notices += [(block.done, text) for text in take_notices(subject.world)]
    if coverage is not None:
        block.classes, block.states = coverage.taken()


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

    def add(self, block: Block) -> None:
        """A block came back."""
        self.blocks.append(block)
        self.steps += sum(block.sizes)
        self.ran += block.done - block.first
        self._classes.update(block.classes)
        self._states.update(block.states)
        if block.found or block.error is not None:
            found = self._found()
            enough = [found[self.keep - 1].number + 1] if len(found) >= self.keep else []
            self._limit = min([self.runs, *enough, *[b.done for b in self.blocks if b.error]])

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
            notices=tuple(sorted(told)),
        )  # fmt: skip

    def _found(self) -> list[Found]:
        return sorted((f for b in self.blocks for f in b.found), key=lambda f: f.number)


def hunt_parallel(
    make: Callable[[], Subject],
    plan: Plan,
    *,
    runs: int,
    seconds: float,
    keep: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
    cover: bool = False,
) -> HuntResult:
    """Hunt through runs 0..runs-1.  seconds: wall limit, 0 for none.  keep: violations to collect.

    cover: count classes and states for `progress`, at some 5 % of the speed.
    Ctrl-C ends it with what was found, and so does the DemiError of the lowest run that ended in one;
    it is raised when nothing was found before.
    """
    campaign = Campaign(runs, keep)
    deadline = time.monotonic() + seconds if seconds else float("inf")
    interrupted = timed_out = False
    died: DemiError | None = None
    try:
        if workers <= 1:
            timed_out = _alone(make(), plan, campaign, deadline, progress, cover)
        else:
            timed_out = _pool(make, plan, campaign, deadline, workers, progress, cover)
    except KeyboardInterrupt:
        interrupted = True
    except TargetError as error:
        died = error
    ended_by = died or (None if interrupted else campaign.error())
    result = campaign.result(interrupted=interrupted, timed_out=timed_out or died is not None)
    if ended_by is not None and not result.found:
        raise ended_by
    return replace(result, error=ended_by)


def _alone(
    subject: Subject, plan: Plan, campaign: Campaign, deadline: float, progress: Progress | None,
    cover: bool,
) -> bool:  # fmt: skip
    coverage = Coverage(subject.world) if cover else None
    try:
        return _blocks(subject, plan, campaign, deadline, progress, coverage)
    finally:
        subject.world.close()


def _blocks(
    subject: Subject, plan: Plan, campaign: Campaign, deadline: float, progress: Progress | None,
    coverage: Coverage | None,
) -> bool:  # fmt: skip
    at = 0
    while at < campaign.limit():
        if time.monotonic() >= deadline:
            return True
        block = Block(at, min(at + BLOCK_RUNS, campaign.runs), at)
        try:
            fill_block(subject, plan, block, campaign.keep, coverage)
        finally:  # Ctrl-C in the middle of a block loses nothing
            campaign.add(block)
        at = block.done
        if progress:
            progress(campaign.so_far())
    return False


Kit = tuple[Subject, Plan, Coverage | None]
_WORKER: list[Callable[[], Kit]] = []  # one per worker process


def _start(coordinator: int, make: Callable[[], Subject], plan: Plan, cover: bool) -> None:
    begin_worker(coordinator)
    # inherited by the fork: a profile may hold functions.  Built by the first block and kept, since an
    # error here would break the pool instead of being told
    _WORKER[:] = [cache(lambda: _kit(make(), plan, cover))]


def _kit(subject: Subject, plan: Plan, cover: bool) -> Kit:
    return subject, plan, Coverage(subject.world) if cover else None


def _work(first: int, last: int, keep: int) -> Block:
    block = Block(first, last, first)
    subject, plan, coverage = _WORKER[0]()
    fill_block(subject, plan, block, keep, coverage)
    return block


def _pool(
    make: Callable[[], Subject], plan: Plan, campaign: Campaign, deadline: float, workers: int,
    progress: Progress | None, cover: bool,
) -> bool:  # fmt: skip
    context = multiprocessing.get_context("fork")
    needed = (os.getpid(), make, plan, cover)
    pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=needed)
    waiting: set[Future[Block]] = set()
    todo: list[tuple[int, int]] = []  # what slow blocks gave back, lowest first
    timed_out = False
    try:
        while True:
            timed_out = time.monotonic() >= deadline
            while len(waiting) < workers and not timed_out:
                span = _next_span(campaign, todo)
                if span is None:
                    break
                waiting.add(pool.submit(_work, *span, campaign.keep))
            if not waiting:
                return timed_out
            done, waiting = wait(waiting, TICK_SECONDS, FIRST_COMPLETED)
            for future in done:
                block = future.result()
                campaign.add(block)
                if not block.settled and len(block.found) < campaign.keep:
                    todo.append((block.done, block.last))
                    todo.sort()
            if progress:
                progress(campaign.so_far())
    except BrokenProcessPool as error:
        raise TargetError(
            "a worker process died",
            where=f"after {campaign.ran} runs",
            remedy="usually memory, or a target that ends its process; try --workers 1",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)  # not waiting races with the end of the interpreter


def _next_span(campaign: Campaign, todo: list[tuple[int, int]]) -> tuple[int, int] | None:
    limit = campaign.limit()
    if todo and todo[0][0] < limit:
        return todo.pop(0)
    first = campaign.next
    if first >= limit:
        return None
    campaign.next = min(first + BLOCK_RUNS, campaign.runs)
    return first, campaign.next

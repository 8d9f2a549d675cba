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
from dataclasses import replace
from functools import cache

from demi.errors import DemiError, TargetError
from demi.fuzz.campaign import Block, Campaign, HuntResult, fill_block
from demi.fuzz.coverage import Coverage
from demi.fuzz.hunt import Plan, Progress
from demi.scheduler.execute import Subject
from demi.scheduler.workers import begin_worker

BLOCK_RUNS = 50  # long enough to hide the hand-over (1 ms), short enough to stop soon
TICK_SECONDS = 0.2


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
    it is raised when nothing was found before.  A run that ends in a ContractError is one of `refused`
    and the hunt goes on; where every run ends so, the first of these errors is raised.
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
    if ended_by is None and result.runs and result.lost == result.runs:
        ended_by = result.refused[0].error
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

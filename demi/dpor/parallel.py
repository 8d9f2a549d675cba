"""Exploring subtrees over processes, with the classes of one process.

The one insight: where a node tries *everything* that is not asleep, no race found below can ask more of
it; so the top of the tree is opened that way until there are enough subtrees, and each is explored alone
with the sleep set it would have had.  Each class is still explored exactly once; a few more runs end
blocked.

Workers are forked; each builds its own world.  Not here: optimal, whose trees reach across subtrees.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from demi.dpor.relation import Foot, NeedWider
from demi.dpor.source import walk
from demi.dpor.space import Setup, Space
from demi.dpor.tally import Ended, Stop, Tally
from demi.errors import DemiError
from demi.events import Event
from demi.oracle import Violation
from demi.scheduler.execute import Subject
from demi.scheduler.record import Taken
from demi.scheduler.workers import begin_worker

TASKS_PER_WORKER = 48  # uneven subtrees even out
DEPTH_MAX = 6  # opening deeper wastes more in blocked runs than it gains


@dataclass(frozen=True, slots=True)
class Task:
    """A subtree: the path to it and what sleeps there."""

    path: tuple[Event, ...]
    asleep: dict[Event, Foot]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left to explore, under a relation with `tails` or not."""

    tails: bool
    tasks: list[Task]


@dataclass(slots=True)
class Part:
    """What one subtree gave; `error` instead when it could not be explored."""

    executions: int = 0
    blocked: int = 0
    cut: int = 0
    depth: int = 0
    steps: int = 0
    bit: set[str] = field(default_factory=set)
    violations: dict[str, tuple[Violation, tuple[Taken, ...]]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    ended: Ended = Ended.DONE
    need_wider: bool = False
    error: DemiError | None = None

    def add(self, other: Part) -> None:
        """Put two parts together."""
        self.executions += other.executions
        self.blocked += other.blocked
        self.cut += other.cut
        self.steps += other.steps
        self.depth = max(self.depth, other.depth)
        self.bit |= other.bit
        self.ids += other.ids
        for name, found in other.violations.items():
            self.violations.setdefault(name, found)
        if other.ended is not Ended.DONE:
            self.ended = other.ended


def open_top(space: Space, wanted: int) -> list[Task]:
    """At least `wanted` subtrees that cover the whole tree, if it is wide enough."""
    dependent = space.relation.dependent
    tasks = [Task((), {})]
    closed: list[Task] = []
    while tasks and len(tasks) + len(closed) < wanted:
        task = tasks.pop(0)
        enabled = _go(space, task.path)
        awake = [event for event in enabled if event not in task.asleep]
        if not awake or len(task.path) >= min(DEPTH_MAX, space.steps_max):
            closed.append(task)
            continue
        asleep = dict(task.asleep)
        for event in awake:
            _go(space, task.path)
            foot, _ = space.advance(event)
            below = {q: other for q, other in asleep.items() if not dependent(other, foot)}
            tasks.append(Task((*task.path, event), below))
            asleep[event] = foot
    return sorted(closed + tasks, key=lambda task: (len(task.path), task.path))  # the largest first


def _go(space: Space, path: Sequence[Event]) -> list[Event]:
    while len(space.history):
        space.history.pop()
    space.forget()
    space.start()
    for event in path:
        space.advance(event)
    return space.enabled()


_WORKER: list[Any] = []  # one per worker process: what every subtree needs


def _start(
    coordinator: int, make: Callable[[], Subject], setup_of: Callable[[Subject], Setup], tails: bool,
    options: Any,
) -> None:  # fmt: skip
    begin_worker(coordinator)
    _WORKER[:] = [setup_of(make()), tails, options]


def _work(numbered: tuple[int, Task]) -> tuple[int, Part]:
    setup, tails, options = _WORKER
    number, task = numbered
    return number, explore_task(setup, tails, task, **options)


def explore_task(
    setup: Setup, tails: bool, task: Task, *, keep: int, deadline: float, collect: bool
) -> Part:
    """Explore one subtree.  deadline: on the monotonic clock, which processes share; 0 for none."""
    part = Part()
    seconds = deadline - time.monotonic() if deadline else 0.0
    if seconds < 0:
        return Part(ended=Ended.SECONDS)
    space = Space(setup, tails)
    tally = Tally(
        keep=keep, seconds=seconds, verify=False,
        on_leaf=(lambda one: part.ids.append(one.history.class_id())) if collect else None,
    )  # fmt: skip
    one = walk(space, tally)
    try:
        one.begin_at(task.path, task.asleep)
        one.run()
    except Stop:
        pass
    except NeedWider:
        part.need_wider = True
    except DemiError as error:
        part.error = error
    part.executions, part.blocked, part.cut = tally.executions, tally.blocked, tally.cut
    part.depth, part.steps, part.bit = tally.depth, space.steps, set(space.gate.bit)
    part.violations, part.ended = tally.violations, tally.ended
    return part


def explore_parallel(
    make: Callable[[], Subject],
    setup_of: Callable[[Subject], Setup],
    *,
    workers: int,
    keep: int = 1,
    seconds: float = 0.0,
    collect: bool = False,
    progress: Callable[[Part, int, int], None] | None = None,
    resume: Left | None = None,
) -> tuple[Part, Left]:
    """Source-DPOR over `workers` processes; returns what it gave and what is left to do.

    make: builds a subject in each process; setup_of: what to explore of it.
    seconds: for all, 0 for no limit.  collect: keep the class ids.
    progress(so far, subtrees done, subtrees).  resume: do only this.
    Raises what a worker raised.  Ctrl-C and the end of the time return what is known so far; a subtree
    that was not finished then is left as a whole, and counts nothing.
    """
    tails = resume is not None and resume.tails
    context = multiprocessing.get_context("fork")
    deadline = time.monotonic() + seconds if seconds else 0.0
    options = {"keep": keep, "deadline": deadline, "collect": collect}
    while True:
        try:
            space = Space(setup_of(make()), tails)
            tasks = open_top(space, workers * TASKS_PER_WORKER) if resume is None else resume.tasks
        except NeedWider:
            tails = True
            continue
        pool = context.Pool(workers, _start, (os.getpid(), make, setup_of, tails, options))
        try:
            whole, left = _gather(pool.imap(_work, enumerate(tasks)), tasks, keep, progress)
        finally:
            pool.terminate()
            pool.join()
        if not whole.need_wider:
            return whole, Left(tails, left)
        tails, resume = True, None


def _gather(
    parts: Iterable[tuple[int, Part]],
    tasks: Sequence[Task],
    keep: int,
    progress: Callable[[Part, int, int], None] | None,
) -> tuple[Part, list[Task]]:
    """Put the parts together in order, so that the first violation is the same in every run.

    Returns them and the tasks that are not finished.
    """
    whole = Part()
    left = dict(enumerate(tasks))
    done = 0
    try:
        for number, part in parts:
            done += 1
            if part.error is not None:
                raise part.error
            whole.need_wider |= part.need_wider
            if part.ended is Ended.SECONDS:
                whole.add(Part(violations=part.violations, ended=part.ended))
            else:
                del left[number]
                whole.add(part)
            if progress is not None:
                progress(whole, done, len(tasks))
            if whole.need_wider or (keep and len(whole.violations) >= keep):
                break
    except KeyboardInterrupt:
        whole.ended = Ended.INTERRUPTED
    return whole, list(left.values())

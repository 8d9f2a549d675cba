"""The application's side: registration with a retry, and the scheduler that gives tasks to executors.

spark-2294 lives here: the scheduler offers an executor a task without preference before one whose data is
on that very node.  A job has two stages: the first reads two partitions anywhere; each task of the second
prefers the node where its partition was read, but for one, which prefers none.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from demi.interpose.actor import Context, Node
from targets.spark.messages import (
    LaunchTask,
    RegisterApplication,
    RegisteredApplication,
    RegisterExecutor,
    RunJob,
    TaskFinished,
)

MASTER = "master"
RETRY_SECONDS = 20.0
PARTITIONS = 2
NODE_LOCAL, NO_PREF = "NODE_LOCAL", "NO_PREF"


class Decision(NamedTuple):
    """An executor got a task of this locality.  passed_over: one on its own node was pending."""

    job: int
    worker: str
    locality: str
    passed_over: bool


class Pending(NamedTuple):
    """A task that waits.  host: where its data is, "" for anywhere."""

    stage: int
    partition: int
    host: str = ""


class Job:
    """What is left of one job."""

    def __init__(self) -> None:
        self.pending = [Pending(0, number) for number in range(PARTITIONS)]
        self.running = 0
        self.idle: list[str] = []
        self.read: dict[int, str] = {}
        self.stage = 0


class Application(Node):
    """inverts_locality: spark-2294."""

    def __init__(self, inverts_locality: bool) -> None:
        self.inverts_locality = inverts_locality
        self.jobs: dict[int, Job] = {}
        self.registered: tuple[int, ...] = ()
        self.finished: tuple[int, ...] = ()
        self.decisions: tuple[Decision, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if isinstance(msg, RunJob):
            self.jobs[msg.job] = Job()
            self._register(ctx, msg.job)
        elif isinstance(msg, RegisteredApplication):
            if msg.job not in self.registered:
                self.registered = (*self.registered, msg.job)
            ctx.cancel_timer(f"retry-{msg.job}")
        elif isinstance(msg, RegisterExecutor):
            self.jobs[msg.job].idle.append(sender)
            self._offer(ctx, msg.job)
        elif isinstance(msg, TaskFinished):
            self._finished(ctx, sender, msg)

    def on_timer(self, ctx: Context, name: str) -> None:
        self._register(ctx, int(name.removeprefix("retry-")))

    def _register(self, ctx: Context, job: int) -> None:
        ctx.send(MASTER, RegisterApplication(job))
        ctx.set_timer(f"retry-{job}", RETRY_SECONDS)

    def _finished(self, ctx: Context, worker: str, msg: TaskFinished) -> None:
        job = self.jobs[msg.job]
        job.running -= 1
        job.idle.append(worker)
        if msg.stage == 0:
            job.read[msg.partition] = worker
        if not job.pending and not job.running:
            if job.stage == 1:
                self.finished = (*self.finished, msg.job)
                return
            job.stage = 1
            local = [Pending(1, part, host) for part, host in sorted(job.read.items())]
            job.pending = [*local, Pending(1, PARTITIONS)]
        self._offer(ctx, msg.job)

    def _offer(self, ctx: Context, number: int) -> None:
        """Each idle executor gets a task, while there is one."""
        job = self.jobs[number]
        while job.idle and job.pending:
            worker = job.idle.pop(0)
            task = self._find(job, worker)
            local = [one for one in job.pending if one.host == worker]
            job.pending.remove(task)
            job.running += 1
            passed = bool(local) and task.host != worker
            locality = NODE_LOCAL if task.host == worker else NO_PREF if not task.host else "ANY"
            self.decisions = (*self.decisions, Decision(number, worker, locality, passed))
            ctx.send(worker, LaunchTask(number, task.stage, task.partition))

    def _find(self, job: Job, worker: str) -> Pending:
        """The task that suits an executor best."""
        local = [one for one in job.pending if one.host == worker]
        free = [one for one in job.pending if not one.host]
        order = [*free, *local] if self.inverts_locality else [*local, *free]
        return [*order, *job.pending][0]

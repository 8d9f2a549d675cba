"""The master: registrations, a persistence engine, recovery after a crash.

Two of the published defects live here.  spark-3150: what was read back from the engine has no worker,
and recovery asks it for one.  spark-9256: an application that registers again within the same second is
stored a second time under the same name, which the engine refuses by raising.
"""

from __future__ import annotations

from typing import Any

from demi.interpose.actor import Context, Node
from targets.spark.messages import (
    DriverRunning,
    LaunchDriver,
    LaunchExecutor,
    MasterChanged,
    RegisterApplication,
    RegisteredApplication,
    RegisteredWorker,
    RegisterWorker,
    SubmitDriver,
    WorkerState,
)

RECOVERY = "recovery"
RECOVERY_SECONDS = 60.0
EXECUTORS_PER_APPLICATION = 2
NOWHERE = ""
"""The worker of a driver that runs on none."""


class IllegalStateException(Exception):
    """The persistence engine's: a name is taken."""


class Master(Node):
    """forgets_worker: spark-3150.  stores_again: spark-9256."""

    def __init__(self, forgets_worker: bool, stores_again: bool) -> None:
        self.forgets_worker = forgets_worker
        self.stores_again = stores_again
        self.workers: tuple[str, ...] = ()
        self.applications: dict[str, str] = {}
        self.drivers: dict[str, str | None] = {}
        self.recovering = False

    def on_restart(self, ctx: Context) -> None:
        stored = dict(ctx.durable)
        self.workers = tuple(sorted(n[7:] for n in stored if n.startswith("worker_")))
        self.applications = {n: v for n, v in stored.items() if n.startswith("app-")}
        unknown = None if self.forgets_worker else NOWHERE  # a transient field reads as null
        self.drivers = {n: unknown for n in sorted(stored) if n.startswith("driver-")}
        if stored:
            self.recovering = True
            for worker in self.workers:
                ctx.send(worker, MasterChanged())
            ctx.set_timer(RECOVERY, RECOVERY_SECONDS)

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if isinstance(msg, RegisterWorker):
            self._worker(ctx, sender)
        elif isinstance(msg, RegisterApplication):
            self._application(ctx, sender, msg.job)
        elif isinstance(msg, SubmitDriver):
            name = f"driver-{len(self.drivers) + 1}"
            persist(ctx, name, "")
            self.drivers[name] = NOWHERE
            self._schedule_drivers(ctx)
        elif isinstance(msg, DriverRunning):
            self.drivers[msg.driver] = sender
        elif isinstance(msg, WorkerState):
            for driver in msg.drivers:
                self.drivers[driver] = sender

    def on_timer(self, ctx: Context, name: str) -> None:
        """Recovery is over: whoever did not answer is gone, and drivers without worker start again."""
        self.recovering = False
        self._schedule_drivers(ctx)

    def _worker(self, ctx: Context, worker: str) -> None:
        if worker not in self.workers:
            persist(ctx, f"worker_{worker}", "")
            self.workers = (*self.workers, worker)
        ctx.send(worker, RegisteredWorker())
        self._schedule_drivers(ctx)

    def _application(self, ctx: Context, sender: str, job: int) -> None:
        name = f"app-{int(ctx.now)}-{job}"
        known = next((app for app in self.applications if app.endswith(f"-{job}")), "")
        if known and not self.stores_again:
            ctx.send(sender, RegisteredApplication(job, known))
            return
        persist(ctx, name, sender)
        self.applications[name] = sender
        ctx.send(sender, RegisteredApplication(job, name))
        for at in range(min(EXECUTORS_PER_APPLICATION, len(self.workers))):
            ctx.send(self.workers[(job + at) % len(self.workers)], LaunchExecutor(job))

    def _schedule_drivers(self, ctx: Context) -> None:
        if self.recovering:
            return
        for driver, worker in self.drivers.items():
            if is_empty(worker):
                for first in self.workers[:1]:
                    ctx.send(first, LaunchDriver(driver))


def is_empty(worker: str | None) -> bool:
    """`driver.worker.isEmpty`.  Raises where there is not even an empty one."""
    if worker is None:
        raise AttributeError("null has no isEmpty")
    return worker == NOWHERE


def persist(ctx: Context, name: str, value: str) -> None:
    """Store under a new name.  Raises IllegalStateException when there is one."""
    if name in ctx.durable:
        raise IllegalStateException(f"file {name} already exists")
    ctx.durable[name] = value

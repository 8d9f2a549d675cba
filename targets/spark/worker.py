"""A worker: starts executors, runs tasks and drivers, tells a recovered master what it has."""

from __future__ import annotations

from typing import Any

from demi.interpose.actor import Context, Node
from targets.spark.messages import (
    CreateWorker,
    DriverRunning,
    LaunchDriver,
    LaunchExecutor,
    LaunchTask,
    MasterChanged,
    RegisteredWorker,
    RegisterExecutor,
    RegisterWorker,
    TaskFinished,
    WorkerState,
)

MASTER, APPLICATION = "master", "application"


class Worker(Node):
    """up: the master knows it."""

    def __init__(self) -> None:
        self.up = False
        self.drivers: tuple[str, ...] = ()

    def on_message(self, ctx: Context, sender: str, msg: Any) -> None:
        if isinstance(msg, CreateWorker):
            ctx.send(MASTER, RegisterWorker())
        elif isinstance(msg, RegisteredWorker):
            self.up = True
        elif isinstance(msg, LaunchExecutor):
            ctx.send(APPLICATION, RegisterExecutor(msg.job))
        elif isinstance(msg, LaunchTask):
            ctx.send(APPLICATION, TaskFinished(msg.job, msg.stage, msg.partition))
        elif isinstance(msg, LaunchDriver):
            self.drivers = (*self.drivers, msg.driver)
            ctx.send(MASTER, DriverRunning(msg.driver))
        elif isinstance(msg, MasterChanged):
            ctx.send(MASTER, WorkerState(self.drivers))

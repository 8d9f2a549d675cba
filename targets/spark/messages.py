"""What the nodes of the Spark models say to each other.  Frozen, so that nothing is shared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CreateWorker:
    """From outside: a worker process starts."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """From outside: the application runs job `job`."""

    job: int


@dataclass(frozen=True, slots=True)
class SubmitDriver:
    """From outside: a driver that the master should run on some worker."""


@dataclass(frozen=True, slots=True)
class RegisterWorker:
    """A worker is there."""


@dataclass(frozen=True, slots=True)
class RegisteredWorker:
    """The master knows it."""


@dataclass(frozen=True, slots=True)
class RegisterApplication:
    """An application asks for executors."""

    job: int


@dataclass(frozen=True, slots=True)
class RegisteredApplication:
    """The master knows it under that id."""

    job: int
    app: str


@dataclass(frozen=True, slots=True)
class LaunchExecutor:
    """A worker is to start an executor for a job."""

    job: int


@dataclass(frozen=True, slots=True)
class RegisterExecutor:
    """An executor offers itself to the application."""

    job: int


@dataclass(frozen=True, slots=True)
class LaunchTask:
    """An executor is to run a task: (stage, partition)."""

    job: int
    stage: int
    partition: int


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """It did, and is free for another."""

    job: int
    stage: int
    partition: int


@dataclass(frozen=True, slots=True)
class LaunchDriver:
    """A worker is to run a submitted driver."""

    driver: str


@dataclass(frozen=True, slots=True)
class DriverRunning:
    """It does."""

    driver: str


@dataclass(frozen=True, slots=True)
class MasterChanged:
    """A recovered master asks who is there."""


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker and the drivers that it runs."""

    drivers: tuple[str, ...]

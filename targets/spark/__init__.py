"""Three concurrency bugs of Spark as DEMi studied them (NSDI'16, table 1), in a small model.

The one insight: the defects are in the order of registrations, recoveries and resource offers, so a
master, an application and workers of a hundred lines show them; the byte streams, the real scheduler's
queues and the JVM are left out.  Counts are therefore those of the model: a run of it needs fewer
deliveries than a run of Spark, and the published figures stand beside ours as an upper bound only.

The outside creates workers, runs jobs, submits a driver, and kills the master and lets it recover.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from demi.errors import TargetError
from demi.events import External, Item, Kind
from demi.interpose.actor_world import ActorWorld
from demi.interpose.world import World
from demi.oracle import Detail, Invariant, StateInvariant, View
from demi.target import Bug, Choice, Config, Profile, Target
from targets.spark.application import Application, Decision
from targets.spark.master import Master
from targets.spark.messages import CreateWorker, RunJob, SubmitDriver
from targets.spark.worker import Worker

MASTER, APPLICATION = "master", "application"
STEPS = 3000


class Seen(NamedTuple):
    """What invariants and pictures see; the fields of the other roles are empty."""

    workers: tuple[str, ...] = ()
    applications: int = 0
    drivers: tuple[tuple[str, str | None], ...] = ()
    finished: tuple[int, ...] = ()
    decisions: tuple[Decision, ...] = ()
    up: bool = False


def observe(node: Any) -> Seen:
    """A node's role decides."""
    if isinstance(node, Master):
        drivers = tuple(sorted(node.drivers.items()))
        return Seen(node.workers, len(node.applications), drivers)
    if isinstance(node, Application):
        return Seen(finished=node.finished, decisions=node.decisions)
    return Seen(up=node.up)


def make(config: Config) -> World:
    """The world: all nodes are there, workers wait until they are created."""
    count = config["workers"]
    if not 1 <= count <= 99:
        raise TargetError(f"spark needs 1 to 99 workers, not {count}")
    nodes: dict[str, Callable[[], Any]] = {
        MASTER: lambda: Master(config["forgets_worker"], config["stores_again"]),
        APPLICATION: lambda: Application(config["inverts_locality"]),
    }
    nodes |= {f"w{number}": Worker for number in range(1, count + 1)}
    return ActorWorld(
        nodes,
        observe=observe,
        network="fifo",
        lossy=config["lossy"],
        inputs={
            "create": lambda args: CreateWorker(),
            "job": _job,
            "driver": lambda args: SubmitDriver(),
        },
    )


def _job(args: Any) -> RunJob:
    if not isinstance(args, dict) or not isinstance(args.get("job"), int):
        raise TargetError('input "job" needs {"job": number}')
    return RunJob(args["job"])


def inversion(view: View) -> Detail | None:
    """Did the last offer pass over a task whose data was at hand?"""
    seen = view.state(1)
    if seen is None or not seen.decisions or not seen.decisions[-1].passed_over:
        return None
    last = seen.decisions[-1]
    text = f"job {last.job} gave {last.worker} a {last.locality} task before a NODE_LOCAL one"
    return Detail((APPLICATION,), text)


def invariants(config: Config) -> Sequence[Invariant]:
    """No locality inversion; that no handler raises is always watched."""
    doc = "an executor gets the task whose data is on its node first"
    return [StateInvariant("LocalityInversion", doc, inversion)]


def profile(config: Config) -> Profile:
    """All workers are created first, as published; then jobs, a driver, and a master that fails."""
    prefix: list[Item] = [
        External(Kind.INJECT, (f"w{number}",), "create")
        for number in range(1, config["workers"] + 1)
    ]
    choices = [Choice("job", 4.0, _run_job)]
    if config["failures"]:
        choices += [Choice("driver", 1.0, _submit), Choice("recover", 1.0, _recover)]
    return Profile(
        prefix=tuple(prefix),
        choices=tuple(choices),
        items=(config["jobs"], config["jobs"]),
        spacing=(0, 20),
        steps=STEPS,
        weights={"!recovery": 0.2},
        strategy="random",
    )


def _run_job(draw: Callable[[int], int], names: Sequence[str], i: int) -> Sequence[External]:
    return [External(Kind.INJECT, (APPLICATION,), "job", {"job": i})]


def _submit(draw: Callable[[int], int], names: Sequence[str], i: int) -> Sequence[External]:
    return [External(Kind.INJECT, (MASTER,), "driver")]


def _recover(draw: Callable[[int], int], names: Sequence[str], i: int) -> Sequence[External]:
    return [External(Kind.CRASH, (MASTER,)), External(Kind.RESTART, (MASTER,))]


DEFAULTS = {
    "failures": True, "forgets_worker": False, "inverts_locality": False, "jobs": 7, "lossy": True,
    "stores_again": False, "workers": 8,
}  # fmt: skip

BUGS = {
    "spark-2294": Bug(
        "spark-2294",
        "a task without preference is launched before one that is local to the node",
        {"inverts_locality": True, "failures": False, "workers": 15, "jobs": 15},
        "LocalityInversion",
    ),
    "spark-3150": Bug(
        "spark-3150",
        "recovery reads a driver without worker and dereferences null",
        {"forgets_worker": True, "workers": 8, "jobs": 12},
        "crash/AttributeError",
    ),
    "spark-9256": Bug(
        "spark-9256",
        "an application that registers twice is stored twice, which kills the master",
        {"stores_again": True, "failures": False, "workers": 10, "jobs": 10},
        "crash/IllegalStateException",
    ),
}

TARGET = Target(
    name="spark",
    doc="a small model of Spark's master, workers and scheduler with the bugs that DEMi studied",
    make=make,
    invariants=invariants,
    profile=profile,
    defaults=DEFAULTS,
    bugs=BUGS,
)

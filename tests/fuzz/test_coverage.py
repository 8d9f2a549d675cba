"""What a hunt has seen, against counting whole runs."""

from __future__ import annotations

from demi.cli.session import make_subject
from demi.fuzz.coverage import Coverage
from demi.fuzz.hunt import Plan, one_run, record_run
from demi.fuzz.parallel import hunt_parallel
from demi.scheduler.execute import Subject
from demi.target import configure
from targets.raft import TARGET

CONFIG = configure(TARGET, "none", {"nodes": 3})
PLAN = Plan(TARGET.profile(CONFIG), "random", seed=5, steps=4)
RUNS = 120


def subject() -> Subject:
    return make_subject(TARGET, dict(CONFIG))


def test_classes_are_the_runs_that_differ_at_some_node() -> None:
    """Two runs are equivalent exactly when every node saw the same events in the same order."""
    world = subject()
    coverage = Coverage(world.world)
    projections = set()
    for number in range(RUNS):
        one_run(world, PLAN, number, coverage)
        coverage.ended()
        own: dict[str, list[str]] = {}
        for entry in record_run(world, PLAN, number):
            own.setdefault(entry.name.node, []).append(entry.id)
        projections.add(tuple(sorted((node, *ids) for node, ids in own.items())))
    classes, states = coverage.taken()
    assert len(classes) == len(projections) < RUNS
    assert states and coverage.taken() == ([], [])


def test_counts_do_not_depend_on_the_number_of_workers() -> None:
    seen = []
    for workers in (1, 2):
        told: list[tuple[int, int, int]] = []
        hunt_parallel(
            subject, PLAN, runs=RUNS, seconds=0, workers=workers, cover=True,
            progress=lambda now, told=told: told.append((now.runs, now.classes, now.states)),
        )  # fmt: skip
        seen.append(told[-1])
    assert seen[0] == seen[1] and min(seen[0]) > 0


def test_nothing_is_counted_unless_asked() -> None:
    told: list[tuple[int, int]] = []
    hunt_parallel(
        subject,
        PLAN,
        runs=60,
        seconds=0,
        progress=lambda now: told.append((now.classes, now.states)),
    )
    assert set(told) == {(0, 0)}
